package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/private"
)

// folder is one cluster's place in the state folder. Folders are 0700 and files 0600: they hold keys.
type folder string

func (f folder) path(elem ...string) string {
	return filepath.Join(append([]string{string(f)}, elem...)...)
}

func (f folder) description() string         { return f.path("cluster.json") }
func (f folder) userLock() string            { return f.path("lock") }
func (f folder) supervisorLock() string      { return f.path("supervisor.lock") }
func (f folder) supervisorLog() string       { return f.path("logs", "supervisor.log") }
func (f folder) pidFile() string             { return f.path("pids.json") }
func (f folder) stoppedMark() string         { return f.path("stopped") }
func (f folder) addonsMark() string          { return f.path("addons") }
func (f folder) pki(name string) string      { return f.path("pki", name) }
func (f folder) etcdData() string            { return f.path("etcd") }
func (f folder) auditLog() string            { return f.path("audit", "audit.log") }
func (f folder) upgrades() string            { return f.path("upgrades.jsonl") }
func (f folder) transition() string          { return f.path("transition.json") }
func (f folder) recording() string           { return f.path("history") }
func (f folder) simulator() string           { return f.path("simulator") }
func (f folder) learnerKubeconfig() string   { return f.path("kubeconfig") }
func (f folder) logFile(name string) string  { return f.path("logs", name+".log") }
func (f folder) identity(name string) string { return f.path("identities", name+".kubeconfig") }
func (f folder) config(name string) string   { return f.path("config", name) }

// socket returns where the unix socket of that name lives.
func (f folder) socket(name string) (string, error) { return private.Socket(string(f), name) }

// description is what cluster.json holds: what was asked for and what was allotted. Whether the cluster runs is not in
// it.
type description struct {
	// Spec is what the cluster was made as.
	Spec cluster.Spec `json:"spec"`
	// Release that runs now, where an upgrade has changed it; empty means Spec's.
	Release string    `json:"release,omitempty"`
	Version string    `json:"version"`
	Created time.Time `json:"created"`
	Ports   ports     `json:"ports"`
}

func (d *description) release() string {
	if d.Release == "" {
		return d.Spec.Release
	}
	return d.Release
}

func (f folder) readDescription() (*description, error) {
	raw, err := os.ReadFile(f.description())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cluster.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	var d description
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.description(), err)
	}
	return &d, nil
}

func (f folder) writeDescription(d *description) error { return private.WriteJSON(f.description(), d) }

func writeJSON(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(path, append(raw, '\n'))
}

// writeFile does not sync: etcd, which holds the cluster, runs with --unsafe-no-fsync.
func writeFile(path string, data []byte) error { return private.WriteUnsynced(path, data) }
