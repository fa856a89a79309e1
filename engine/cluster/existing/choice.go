package existing

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
)

// choice is the cluster that was settled on for a lab. It is compared with what is found at the place, never trusted.
type choice struct {
	Place   cluster.Place `json:"place"`
	Context string        `json:"context"`
	Server  string        `json:"server"`
	// ID is cluster.Host.ID.
	ID           string            `json:"id"`
	NodesAllowed bool              `json:"nodesAllowed,omitempty"`
	NodeNames    map[string]string `json:"nodeNames,omitempty"`
	// Open are the nodes that were not cordoned when the lab began.
	Open []string `json:"open"`
}

// folder of one lab's choice, with mode 0700.
type folder string

func (f folder) choiceFile() string { return filepath.Join(string(f), "choice.json") }

// learner is the kubeconfig of the session: the learner's own to use.
func (f folder) learner() string { return filepath.Join(string(f), "kubeconfig") }

// access is the kubeconfig that k8slab itself uses where the source is not asked every time.
func (f folder) access() string { return filepath.Join(string(f), "access.kubeconfig") }

// read returns cluster.ErrNotFound where nothing was settled on.
func (f folder) read() (*choice, error) {
	raw, err := os.ReadFile(f.choiceFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cluster.ErrNotFound
	}
	if err != nil {
		return nil, cannotKeep(err)
	}
	var c choice
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, problem.New(problem.Cluster,
			fmt.Sprintf("what was kept about the cluster is damaged: %v", err), fmt.Sprintf("クラスターについての記録が壊れています: %v", err),
			forgetCommand(filepath.Base(string(f)))).From(err)
	}
	return &c, nil
}

func (f folder) write(c choice) error {
	raw, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return f.replace(f.choiceFile(), raw)
}

func (f folder) writeKubeconfig(path string, cfg *clientcmdapi.Config) error {
	raw, err := clientcmd.Write(*cfg)
	if err != nil {
		return err
	}
	return f.replace(path, raw)
}

// replace writes the file in one step, with mode 0600.
func (f folder) replace(path string, raw []byte) error {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return cannotKeep(err)
	}
	tmp, err := os.CreateTemp(string(f), ".new-*")
	if err != nil {
		return cannotKeep(err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(raw)
	if err := errors.Join(err, tmp.Close()); err != nil {
		return cannotKeep(err)
	}
	return cannotKeep(os.Rename(tmp.Name(), path))
}

func cannotKeep(err error) error {
	if err == nil {
		return nil
	}
	return problem.New(problem.Cluster,
		fmt.Sprintf("the state folder cannot be used: %v", err), fmt.Sprintf("状態フォルダーを使えません: %v", err), "k8slab doctor").From(err)
}

// Place returns where the cluster is that was settled on, and cluster.ErrNotFound where none was.
func (p *Provider) Place(name string) (cluster.Place, error) {
	c, err := p.folder(name).read()
	if err != nil {
		return cluster.Place{}, err
	}
	return c.Place, nil
}
