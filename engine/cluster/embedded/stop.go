package embedded

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/flock"
)

// Stop implements cluster.Stopper.
func (p *Provider) Stop(ctx context.Context, name string) error {
	f := p.folder(name)
	if _, err := os.Stat(f.description()); err != nil {
		return cluster.ErrNotFound
	}
	release, err := flock.Wait(ctx, f.userLock())
	if err != nil {
		return err
	}
	defer release()
	if err := f.end(ctx); err != nil {
		return err
	}
	return f.storageProblem(writeFile(f.stoppedMark(), nil))
}

// end stops the supervisor, by force if it does not answer, and what an earlier one may have left.
func (f folder) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	var pid int
	if f.supervised() {
		if st, err := f.control(ctx, "POST", "/stop"); err == nil {
			pid = st.PID
		}
	}
	release, err := flock.Wait(ctx, f.supervisorLock())
	if errors.Is(err, context.DeadlineExceeded) && pid != 0 {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return err
		}
		release, err = flock.Wait(context.WithoutCancel(ctx), f.supervisorLock())
	}
	if err != nil {
		return err
	}
	defer release()
	return f.endLeftovers(discardLog)
}

// Delete implements cluster.Provider.
func (p *Provider) Delete(ctx context.Context, name string) error {
	f := p.folder(name)
	if _, err := os.Stat(string(f)); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	release, err := flock.Wait(ctx, f.userLock())
	if err != nil {
		return f.storageProblem(err)
	}
	defer release()
	if err := f.end(ctx); err != nil {
		return err
	}
	elsewhere := string(f)
	for _, name := range []string{controlSocketName, egressSocket} {
		path, err := f.socket(name)
		if err != nil {
			return err
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		elsewhere = filepath.Dir(path)
	}
	if elsewhere != string(f) {
		// The folder of the sockets, if the cluster's own folder is too deep for a socket. A folder with other files
		// stays.
		_ = os.Remove(elsewhere)
	}
	// The description goes first: what is left after an interruption is no cluster any more, and the next Delete or
	// Ensure clears it.
	if err := os.Remove(f.description()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return f.storageProblem(err)
	}
	return f.storageProblem(os.RemoveAll(string(f)))
}
