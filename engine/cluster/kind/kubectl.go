package kind

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// Kubectl implements cluster.Kubectl: on Linux the node's own kubectl, which has the cluster's version, and elsewhere
// the one on PATH.
func (p *Provider) Kubectl(ctx context.Context, name string) (string, error) {
	f := p.folder(name)
	d, err := f.readDescription()
	if err != nil {
		return "", err
	}
	if runtime.GOOS != "linux" {
		path, err := exec.LookPath("kubectl")
		if err != nil {
			return "", problem.New(problem.Cluster,
				text.New("kubectl is not on the PATH, and that of the nodes does not run on this system", "kubectl が PATH にありません。ノードにある kubectl はこのシステムでは動きません"),
				action.InTerminal("brew install kubectl")).From(err)
		}
		return path, nil
	}
	path := f.path("bin", d.Version, "kubectl")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	e, _, err := p.find(ctx, name)
	if err != nil {
		return "", err
	}
	return path, e.copyOut(ctx, f.machines(d.Spec)[0]+":/usr/bin/kubectl", path)
}

// copyOut copies a file of a machine to this one; the copy appears all at once.
func (e *engine) copyOut(ctx context.Context, from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(to), ".new-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	copied := filepath.Join(tmp, "file")
	if _, err := e.run(ctx, "cp", from, copied); err != nil {
		return err
	}
	return os.Rename(copied, to)
}
