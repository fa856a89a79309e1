package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/release"
	"github.com/k8slab/k8slab/engine/history"
)

// upgradeCheckpoint is saved before the API server is replaced. Its name is none that an engine gives.
const upgradeCheckpoint = "before-upgrade"

// upgradeNews is one line of the answer to a request for an upgrade: a phase, or the end.
type upgradeNews struct {
	Phase  *cluster.Phase   `json:"phase,omitempty"`
	Result *history.Upgrade `json:"result,omitempty"`
	Error  string           `json:"error,omitempty"`
}

// serveUpgrade upgrades the control plane and writes news of it as they come.
func (s *supervisor) serveUpgrade(w http.ResponseWriter, r *http.Request) {
	var order cluster.UpgradeOrder
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&order); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/jsonl")
	out, flush := json.NewEncoder(w), http.NewResponseController(w)
	tell := func(news upgradeNews) {
		if out.Encode(news) == nil { // else whoever asked has gone, and the upgrade goes on
			_ = flush.Flush()
		}
	}
	result, err := s.upgrade(context.WithoutCancel(r.Context()), order, func(p cluster.Phase) { tell(upgradeNews{Phase: &p}) })
	if err != nil {
		tell(upgradeNews{Error: err.Error()})
		return
	}
	tell(upgradeNews{Result: &result})
}

// upgrade brings the control plane to the next minor release. It is done in the supervisor, so that it is finished even
// if the command that asked for it is killed.
func (s *supervisor) upgrade(ctx context.Context, order cluster.UpgradeOrder, progress cluster.Progress) (history.Upgrade, error) {
	s.changes.Lock()
	defer s.changes.Unlock()
	select {
	case <-s.ready:
	default:
		return history.Upgrade{}, errors.New("the cluster is not ready")
	}
	desc := s.description()
	if err := release.Next(desc.release(), order.Release); err != nil {
		return history.Upgrade{}, err
	}
	exe, err := findExecutable(order.Release, searchPath())
	if err != nil {
		return history.Upgrade{}, err
	}
	t := &transition{
		From: desc.release(), To: order.Release, FromVersion: desc.Version, ToVersion: exe.Version, Checkpoint: upgradeCheckpoint,
		Upgrade: true, Began: time.Now().UTC(), Forced: order.Forced, Ignored: order.Ignored,
	}
	if err := s.replaceAll(ctx, t, exe, progress); err != nil {
		if errors.Is(err, errEnding) {
			return history.Upgrade{}, err // the next start takes it up
		}
		s.log.Warn("the upgrade is rolled back", "error", err)
		t.Error = err.Error()
		return s.rollBack(ctx, t, progress)
	}
	return s.conclude(t, false)
}

// replaceAll goes through the phases of an upgrade.
func (s *supervisor) replaceAll(ctx context.Context, t *transition, exe *executable, progress cluster.Progress) error {
	run := func(name string) func() error {
		return func() error { return s.runRelease(ctx, exe, t.To, name) }
	}
	for _, step := range []struct {
		phase string
		do    func() error
	}{
		{phaseSave, func() error { return s.saveCheckpoint(ctx, upgradeCheckpoint) }},
		{phaseAPIServer, run(apiServer)},
		{phaseControllers, run(controllerManager)},
		{phaseScheduler, run(scheduler)},
		{phaseReady, func() error { return s.awaitAllHealthy(ctx) }},
	} {
		if err := s.enter(t, step.phase); err != nil {
			return err
		}
		if err := progress.Run(step.phase, func() (string, error) { return t.ToVersion, step.do() }); err != nil {
			return err
		}
	}
	return nil
}

// awaitAllHealthy asks the new control plane once more, all of it.
func (s *supervisor) awaitAllHealthy(ctx context.Context) error {
	for _, name := range []string{apiServer, controllerManager, scheduler} {
		p, ok := s.component(name)
		if !ok {
			return fmt.Errorf("no component %q", name)
		}
		healthy, err := s.health(name)
		if err != nil {
			return err
		}
		if err := s.awaitHealthy(ctx, p, p.snapshot().Restarts, healthy); err != nil {
			return err
		}
	}
	return nil
}

// rollBack runs the old version again, on what etcd holds now, so that nothing is lost that was written meanwhile. Only
// if the old version does not start on that, the checkpoint is restored.
func (s *supervisor) rollBack(ctx context.Context, t *transition, progress cluster.Progress) (done history.Upgrade, err error) {
	old, err := findExecutable(t.From, searchPath())
	if err != nil {
		return done, err
	}
	err = progress.Run(phaseRollBack, func() (string, error) {
		if err := s.enter(t, phaseRollBack); err != nil {
			return "", err
		}
		err := s.runRelease(ctx, old, t.From, apiServer)
		if err != nil && !errors.Is(err, errEnding) {
			err = s.rollBackToCheckpoint(ctx, t, old)
		}
		if err != nil {
			return "", err
		}
		return t.FromVersion, s.runRelease(ctx, old, t.From, clientComponents...)
	})
	if err != nil {
		return done, err
	}
	return s.conclude(t, false)
}

func (s *supervisor) rollBackToCheckpoint(ctx context.Context, t *transition, old *executable) error {
	if err := s.enter(t, phaseRestore); err != nil {
		return err
	}
	api, ok := s.component(apiServer)
	if !ok {
		return fmt.Errorf("no component %q", apiServer)
	}
	<-api.want(false)
	if err := s.runCheckpointer(ctx, "restore", upgradeCheckpoint); err != nil {
		return err
	}
	return s.runRelease(ctx, old, t.From, apiServer)
}

// appendUpgrade adds a line to the record of upgrades, in one write that is on the disk when it returns.
func (f folder) appendUpgrade(u history.Upgrade) error {
	line, err := json.Marshal(u)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(f.upgrades(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	return errors.Join(err, file.Sync(), file.Close())
}
