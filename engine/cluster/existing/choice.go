package existing

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/atomicfile"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// choice is the cluster that was settled on for a lab. It is compared with the cluster that is found at the place, and
// never trusted.
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

// folder holds one lab's choice, with mode 0700.
type folder string

func (f folder) choiceFile() string { return filepath.Join(string(f), "choice.json") }

// learner is the path of the session's kubeconfig, which is the learner's own to use.
func (f folder) learner() string { return filepath.Join(string(f), "kubeconfig") }

// access is the path of the kubeconfig that k8slab itself uses, if the source is not asked every time.
func (f folder) access() string { return filepath.Join(string(f), "access.kubeconfig") }

// read returns cluster.ErrNotFound if no cluster was settled on.
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
			text.New("what was kept about the cluster is damaged: %v", "クラスターについての記録が壊れています: %v", err),
			forget(filepath.Base(string(f)))).From(err)
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
	return cannotKeep(atomicfile.Write(path, raw, atomicfile.Private))
}

func cannotKeep(err error) error {
	if err == nil {
		return nil
	}
	return problem.New(problem.Cluster,
		text.New("the state folder cannot be used: %v", "状態フォルダーを使えません: %v", err), action.Do(action.Doctor)).From(err)
}

// Place returns the place of the cluster that was settled on, or cluster.ErrNotFound if there is none.
func (p *Provider) Place(name string) (cluster.Place, error) {
	c, err := p.folder(name).read()
	if err != nil {
		return cluster.Place{}, err
	}
	return c.Place, nil
}
