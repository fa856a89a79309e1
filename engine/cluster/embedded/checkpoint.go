package embedded

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// checkpointer is the program in the control plane executable that reads and writes etcd.
const checkpointer = "etcd-checkpoint"

const checkpointSuffix = ".checkpoint"

var checkpointName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

func (f folder) checkpoint(name string) string { return f.path("checkpoints", name+checkpointSuffix) }

// checkpointedSimulator is the copy of what the simulated nodes know: which of them are off, how workloads behave.
func (f folder) checkpointedSimulator(name string) string {
	return f.path("checkpoints", name+".simulator")
}

// checkpointedRelease is the file that says which release the API server had that wrote the checkpoint: another one may
// not understand everything in it.
func (f folder) checkpointedRelease(name string) string {
	return f.path("checkpoints", name+".release")
}

// SaveCheckpoint implements cluster.Checkpointer.
func (p *Provider) SaveCheckpoint(ctx context.Context, name, checkpoint string) error {
	return p.checkpoint(ctx, name, checkpoint, "save")
}

// RestoreCheckpoint implements cluster.Checkpointer.
func (p *Provider) RestoreCheckpoint(ctx context.Context, name, checkpoint string) error {
	f := p.folder(name)
	if _, err := os.Stat(f.checkpoint(checkpoint)); errors.Is(err, os.ErrNotExist) {
		return cluster.ErrNoCheckpoint
	}
	return p.checkpoint(ctx, name, checkpoint, "restore")
}

func (p *Provider) checkpoint(ctx context.Context, name, checkpoint, verb string) error {
	if !checkpointName.MatchString(checkpoint) {
		return problem.New(problem.Usage,
			text.New("%q cannot be the name of a checkpoint; use small letters, digits, dots, dashes and underscores", "%q はチェックポイントの名前にできません。英小文字、数字、ドット、ハイフン、アンダースコアを使ってください", checkpoint), action.Action{})
	}
	return p.command(ctx, name, "/checkpoints/"+checkpoint+"/"+verb, nil)
}

// Checkpoints implements cluster.Checkpointer.
func (p *Provider) Checkpoints(_ context.Context, name string) ([]cluster.Checkpoint, error) {
	entries, err := os.ReadDir(p.folder(name).path("checkpoints"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var found []cluster.Checkpoint
	for _, e := range entries {
		checkpoint, ok := strings.CutSuffix(e.Name(), checkpointSuffix)
		if !ok {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		found = append(found, cluster.Checkpoint{Name: checkpoint, Saved: info.ModTime(), Bytes: info.Size()})
	}
	slices.SortFunc(found, func(a, b cluster.Checkpoint) int { return a.Saved.Compare(b.Saved) })
	return found, nil
}

// switchCheckpoint saves or restores. It is done in the supervisor, so that it is finished even if the command that
// asked for it is killed.
func (s *supervisor) switchCheckpoint(ctx context.Context, name, action string) error {
	if !checkpointName.MatchString(name) {
		return fmt.Errorf("no checkpoint %q", name)
	}
	s.changes.Lock()
	defer s.changes.Unlock()
	ctx = context.WithoutCancel(ctx)
	if err := os.MkdirAll(s.folder.path("checkpoints"), 0o700); err != nil {
		return err
	}
	switch action {
	case "save":
		return s.saveCheckpoint(ctx, name)
	case "restore":
		release, err := s.folder.checkpointRelease(name, s.description().Spec.Release)
		if err != nil {
			return err
		}
		if release != s.description().release() {
			return s.restoreAcross(ctx, name, release)
		}
		return s.withoutControllers(func() error {
			return s.simulation.restart(func() error {
				if err := copyFolder(s.folder.checkpointedSimulator(name), s.folder.simulator()); err != nil {
					return err
				}
				return s.runCheckpointer(ctx, "restore", name)
			})
		})
	}
	return fmt.Errorf("no action %q", action)
}

func (s *supervisor) saveCheckpoint(ctx context.Context, name string) error {
	if err := copyFolder(s.folder.simulator(), s.folder.checkpointedSimulator(name)); err != nil {
		return err
	}
	if err := writeJSON(s.folder.checkpointedRelease(name), s.description().release()); err != nil {
		return err
	}
	return s.runCheckpointer(ctx, "save", name)
}

// checkpointRelease is the release that wrote the checkpoint; made is what the cluster was made with, as it was before
// there were upgrades.
func (f folder) checkpointRelease(name, made string) (string, error) {
	raw, err := os.ReadFile(f.checkpointedRelease(name))
	if errors.Is(err, os.ErrNotExist) {
		return made, nil
	}
	if err != nil {
		return "", err
	}
	var release string
	if err := json.Unmarshal(raw, &release); err != nil {
		return "", fmt.Errorf("read %s: %w", f.checkpointedRelease(name), err)
	}
	return release, nil
}

// copyFolder makes to a copy of the flat folder from.
func copyFolder(from, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := copyFile(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// withoutControllers runs f while neither the controllers nor the scheduler run. They would act on what is half
// restored: the garbage collector, for one, deletes a pod whose ReplicaSet has not come back yet. Those that ran are
// started again, and read the world anew.
func (s *supervisor) withoutControllers(f func() error) error {
	var ran []*process
	for _, name := range clientComponents {
		p, ok := s.component(name)
		if !ok || !p.isWanted() {
			continue
		}
		ran = append(ran, p)
	}
	var stopped []<-chan struct{}
	for _, p := range ran {
		stopped = append(stopped, p.want(false))
	}
	for _, ch := range stopped {
		<-ch
	}
	err := f()
	for _, p := range ran {
		p.want(true)
	}
	return err
}

func (s *supervisor) runCheckpointer(ctx context.Context, action, name string) error {
	began := time.Now()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, s.etcdExe.Path,
		"--endpoint=https://"+loopback(s.description().Ports.EtcdClient),
		"--cacert="+s.folder.pki(etcdCA+".crt"),
		"--cert="+s.folder.pki("apiserver-etcd-client.crt"),
		"--key="+s.folder.pki("apiserver-etcd-client.key"),
		action, s.folder.checkpoint(name))
	cmd.Args[0] = checkpointer
	cmd.Env = componentEnvironment(os.Environ())
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	s.log.Info(checkpointer, "action", action, "name", name, "file", filepath.Base(s.folder.checkpoint(name)),
		"took", time.Since(began), "output", strings.TrimSpace(out.String()), "error", err)
	if err != nil {
		return fmt.Errorf("%s the checkpoint %s: %w: %s", action, name, err, strings.TrimSpace(out.String()))
	}
	return nil
}
