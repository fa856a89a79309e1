package kind

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/private"
)

// folder is one cluster's place in the state folder. Folders are 0700 and files 0600: they hold keys.
type folder string

func (f folder) path(elem ...string) string {
	return filepath.Join(append([]string{string(f)}, elem...)...)
}

func (f folder) descriptionFile() string     { return f.path("cluster.json") }
func (f folder) lock() string                { return f.path("lock") }
func (f folder) recorderLock() string        { return f.path("recorder.lock") }
func (f folder) recorderLog() string         { return f.path("logs", recorderLog+".log") }
func (f folder) createLog() string           { return f.path("logs", kindLog+".log") }
func (f folder) kubeadmLog() string          { return f.path("logs", kubeadmLog+".log") }
func (f folder) recording() string           { return f.path("history") }
func (f folder) audit() string               { return f.path("audit") }
func (f folder) learnerKubeconfig() string   { return f.path("kubeconfig") }
func (f folder) identity(name string) string { return f.path("identities", name+".kubeconfig") }

// machine is the folder that is mounted into every node. No other container mounts it, so it tells k8slab's clusters
// apart.
func (f folder) machine() string { return f.path("machine") }

// power is the path of the file that marks the node's power as taken away.
func (f folder) power(node string) string { return f.path("power", node) }

// description is the content of cluster.json. It does not say whether the cluster exists and runs.
type description struct {
	Spec    cluster.Spec `json:"spec"`
	Created time.Time    `json:"created"`
	// Complete is set when the cluster has been made; without it the cluster is half made.
	Complete bool `json:"complete"`
	// Version of the API server, and its port on loopback.
	Version string `json:"version"`
	Port    int    `json:"port"`
}

func (f folder) readDescription() (*description, error) {
	raw, err := os.ReadFile(f.descriptionFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cluster.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	var d description
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.descriptionFile(), err)
	}
	return &d, nil
}

func (f folder) writeDescription(d *description) error {
	return private.WriteJSON(f.descriptionFile(), d)
}

// containers returns the cluster's containers. It does not refuse an engine that is old or has little room.
func (f folder) containers(ctx context.Context) ([]container, error) {
	e, err := locate(f.lab())
	if err != nil {
		return nil, err
	}
	return e.containers(ctx, f.name())
}

// owns reports whether every container mounts this folder's files.
func (f folder) owns(containers []container) bool {
	return !slices.ContainsFunc(containers, func(c container) bool { return !slices.Contains(c.mounted, f.machine()) })
}

// usual is the place below the home where the provider keeps its folders, unless another state folder is named.
var usual = filepath.Join(".local", "state", "k8slab", Name)

func (f folder) lab() string { return filepath.Base(string(f)) }

// name is the cluster's name in kind, with which its containers' names begin. Below another state folder than the usual
// one it ends in a hash of that folder, so that each state folder can have its cluster of a lab: containers' names are
// unique on a machine.
func (f folder) name() string {
	dir := filepath.Dir(string(f))
	if strings.HasSuffix(dir, string(filepath.Separator)+usual) {
		return namePrefix + f.lab()
	}
	sum := sha256.Sum256([]byte(dir))
	return namePrefix + f.lab() + "-" + hex.EncodeToString(sum[:3])
}

// machines returns the names of the containers: the control plane's, and the nodes' in the order of the spec, as kind
// numbers them (pkg/cluster/internal/providers/common/namer.go).
func (f folder) machines(spec cluster.Spec) []string {
	names := []string{f.name() + controlPlaneSuffix}
	for i := range spec.Nodes {
		name := f.name() + "-worker"
		if i > 0 {
			name += fmt.Sprint(i + 1)
		}
		names = append(names, name)
	}
	return names
}

const (
	// controlPlaneNode is the name of the control plane's Node. Its container's name ends in it.
	controlPlaneNode   = "control-plane"
	controlPlaneSuffix = "-" + controlPlaneNode

	stateRunning = "running"
	stateStopped = "stopped"
	stateCrashed = "crashed"
)

// components returns the machines as components, the control plane's first. A machine that is off was stopped by k8slab
// or by the engine's own command; a machine whose container is gone will not come back.
func (f folder) components(d *description, containers []container) []cluster.Component {
	var all []cluster.Component
	for i, name := range f.machines(d.Spec) {
		c := cluster.Component{Name: controlPlaneNode, State: stateCrashed, LastError: "the container is gone"}
		if i > 0 {
			c.Name = d.Spec.Nodes[i-1].Name
		}
		if at := slices.IndexFunc(containers, func(c container) bool { return c.name == name }); at >= 0 {
			c.State, c.LastError = stateStopped, ""
			if containers[at].running {
				c.State, c.PID, c.Since = stateRunning, containers[at].pid, containers[at].since
			}
		}
		all = append(all, c)
	}
	return all
}

// missing returns the names of the machines whose containers are gone.
func (f folder) missing(d *description, containers []container) []string {
	var gone []string
	for _, c := range f.components(d, containers) {
		if c.State == stateCrashed {
			gone = append(gone, c.Name)
		}
	}
	return gone
}

// isControlPlane reports whether the machine is that of the control plane.
func (f folder) isControlPlane(machine string) bool { return machine == f.name()+controlPlaneSuffix }

// controlPlaneRuns reports whether the machine of the control plane is on.
func (f folder) controlPlaneRuns(containers []container) bool {
	return slices.ContainsFunc(containers, func(c container) bool { return c.running && f.isControlPlane(c.name) })
}

func (f folder) hasNoPower(node string) bool {
	_, err := os.Stat(f.power(node))
	return err == nil
}

func (f folder) forgetPower() error { return os.RemoveAll(f.path("power")) }
