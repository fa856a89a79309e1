package verify

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
)

// scriptTimeout bounds one answer where nodes are played, realScriptTimeout where they are machines: there, an upgrade
// of the control plane alone takes up to four minutes on two processors.
const (
	scriptTimeout     = 3 * time.Minute
	realScriptTimeout = 15 * time.Minute
)

// lazy lets the commands of an answer, which live for a tenth of a second and more than half of that for the start of
// their program, not collect garbage (a quarter of their processor time), unless one of them becomes large.
var lazy = []string{"GOGC=off", "GOMEMLIMIT=256MiB"}

// script plays answers that are scripts.
type script struct {
	// program is k8slab for answers that switch a machine off; empty means that they have none.
	program string
	// env is what the program needs of the environment, to find the clusters and their executables.
	env []string
	// path are the last folders of PATH.
	path []string
}

// play runs the file as the learner would type it: their kubeconfig, the cluster's kubectl, k8slab, and nothing else of
// this process's environment. Its whole process group ends with ctx.
func (v script) play(ctx context.Context, p cluster.Provider, s *engine.Session, file content.File) (transcript string, err error) {
	limit := scriptTimeout
	if !slices.Contains(cluster.CapabilitiesOf(p), cluster.Simulated) {
		limit = realScriptTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	path := strings.Join(append([]string{"/usr/local/bin", "/usr/bin", "/bin"}, v.path...), ":")
	if k, ok := cluster.As[cluster.Kubectl](p); ok {
		kubectl, err := k.Kubectl(ctx, s.Lab.ID)
		if err != nil {
			return "", err
		}
		path = filepath.Dir(kubectl) + ":" + path
	}
	home, err := os.MkdirTemp("", "k8slab-answer-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(home)
	name := filepath.Join(home, "answer.sh")
	if err := os.WriteFile(name, file.Data, 0o600); err != nil {
		return "", err
	}
	if v.program != "" {
		if err := os.Symlink(v.program, filepath.Join(home, "k8slab")); err != nil {
			return "", err
		}
		path = home + ":" + path
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "/bin/sh", name)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Dir = home
	cmd.Env = append([]string{"PATH=" + path, "HOME=" + home, "KUBECONFIG=" + s.Cluster.Kubeconfig, "LANG=C.UTF-8", "K8SLAB_LAB=" + s.Lab.ID},
		slices.Concat(lazy, v.env)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err = cmd.Run()
	if ctxErr := ctx.Err(); ctxErr != nil {
		err = errors.Join(ctxErr, err)
	}
	return out.String(), err
}
