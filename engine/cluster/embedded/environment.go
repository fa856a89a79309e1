package embedded

import (
	"os"
	"path/filepath"

	"github.com/k8slab/k8slab/engine/cluster"
)

// CollectVariable names the environment variable that says how lazily the components of a control plane collect
// garbage, as GOGC does for other programs (cmd/k8slab-controlplane/memory.go). They are frugal without it.
const CollectVariable = "K8SLAB_GC_PERCENT"

var _ cluster.Environment = (*Provider)(nil)

// Environment implements cluster.Environment: where the executables of the control plane are, if somebody has said so.
func (p *Provider) Environment() (env, path []string) {
	dir := os.Getenv(DirVariable)
	if dir == "" {
		return nil, nil
	}
	if whole, err := filepath.Abs(dir); err == nil {
		dir = whole
	}
	return []string{DirVariable + "=" + dir}, nil
}
