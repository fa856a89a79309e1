package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/k8slab/k8slab/engine/history"
)

// Phases of a transition. The first five are those that an upgrade reports; the others are ways to end one.
const (
	phaseSave        = "save"
	phaseAPIServer   = "api-server"
	phaseControllers = "controllers"
	phaseScheduler   = "scheduler"
	phaseReady       = "ready"
	// phaseFinish: a start of the cluster finishes an upgrade whose new API server had been ready.
	phaseFinish = "finish"
	// phaseRollBack: the old version runs on what etcd holds now.
	phaseRollBack = "roll-back"
	// phaseRestore: a checkpoint of another release is restored before its API server starts.
	phaseRestore = "restore"
)

// transition is the way of a cluster from one release to another. It is written down before each phase, so that whoever
// finds it after a crash knows what was under way. There is none while nothing is.
type transition struct {
	Phase string `json:"phase"`
	// From and To are releases, and the versions of their executables.
	From        string `json:"from"`
	To          string `json:"to"`
	FromVersion string `json:"fromVersion"`
	ToVersion   string `json:"toVersion"`
	// Checkpoint is restored in phaseRestore, and where the old version does not start any more on what the new one
	// left.
	Checkpoint string `json:"checkpoint,omitempty"`
	// Upgrade tells an upgrade, which is recorded, from the restoring of a checkpoint.
	Upgrade bool      `json:"upgrade"`
	Began   time.Time `json:"began"`
	Forced  bool      `json:"forced,omitempty"`
	Ignored []string  `json:"ignored,omitempty"`
	// Attempts counts how often a start tried to roll back.
	Attempts int `json:"attempts,omitempty"`
	// Error is why it is rolled back.
	Error string `json:"error,omitempty"`
}

// mostRollBacks is how often the old version is started on what the new one left, before it is started on the
// checkpoint.
const mostRollBacks = 2

// release is the one that runs when the transition is over.
func (t *transition) release() string {
	if t.Phase == phaseRollBack || t.Phase == phaseRestore && t.Upgrade {
		return t.From
	}
	return t.To
}

// resume decides what becomes of a transition that a dead supervisor left behind. An upgrade is finished if the new API
// server had been ready, and undone if not; one that could not be finished by a start is undone by the next.
func (t *transition) resume() {
	switch t.Phase {
	case phaseSave, phaseAPIServer:
		t.Error = "the supervisor was killed in the phase " + t.Phase
		t.Phase = phaseRollBack
	case phaseControllers, phaseScheduler, phaseReady:
		t.Phase = phaseFinish
	case phaseFinish:
		t.Error = "the new version did not become ready when the cluster was started"
		t.Phase = phaseRollBack
	case phaseRollBack:
		if t.Attempts++; t.Attempts >= mostRollBacks {
			t.Phase = phaseRestore
		}
	}
}

// record is what is remembered of a transition that has ended.
func (t *transition) record(resumed bool) history.Upgrade {
	now := time.Now().UTC()
	u := history.Upgrade{
		Time: now, From: t.FromVersion, To: t.ToVersion, Outcome: history.Upgraded,
		Forced: t.Forced, Ignored: t.Ignored, Resumed: resumed, TookMS: now.Sub(t.Began).Milliseconds(),
	}
	if t.release() == t.From {
		u.Outcome, u.Error, u.Log = history.RolledBack, t.Error, apiServer
	}
	return u
}

func (f folder) readTransition() (*transition, error) {
	raw, err := os.ReadFile(f.transition())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var t transition
	if err := json.Unmarshal(raw, &t); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.transition(), err)
	}
	return &t, nil
}

// enter writes down that the transition is in the phase from now on.
func (s *supervisor) enter(t *transition, phase string) error {
	t.Phase = phase
	return writeJSON(s.folder.transition(), t)
}

// conclude makes the release to which the transition led the cluster's, and forgets the transition.
func (s *supervisor) conclude(t *transition, resumed bool) (history.Upgrade, error) {
	desc := *s.description()
	desc.Release, desc.Version = t.release(), t.ToVersion
	if t.release() == t.From {
		desc.Version = t.FromVersion
	}
	if err := s.describe(&desc); err != nil {
		return history.Upgrade{}, err
	}
	if err := s.relinkKubectl(); err != nil {
		return history.Upgrade{}, err
	}
	var done history.Upgrade
	if t.Upgrade {
		done = t.record(resumed)
		if err := s.folder.appendUpgrade(done); err != nil {
			return done, err
		}
	}
	return done, os.Remove(s.folder.transition())
}

// relinkKubectl lets open shells have the kubectl that fits.
func (s *supervisor) relinkKubectl() error {
	if _, err := os.Lstat(s.folder.path("bin", "kubectl")); err != nil {
		return nil // nobody has asked for it yet
	}
	exe, err := findExecutable(s.description().release(), searchPath())
	if err != nil {
		return err
	}
	_, err = s.folder.linkKubectl(exe)
	return err
}

// resume takes up what an earlier supervisor left half-done, and says in desc which release is to run.
func (s *supervisor) resume(desc *description) error {
	t, err := s.folder.readTransition()
	if err != nil || t == nil {
		return err
	}
	t.resume()
	if err := s.enter(t, t.Phase); err != nil {
		return err
	}
	s.log.Info("an earlier supervisor left a change of the release half-done", "from", t.From, "to", t.To, "now", t.Phase)
	s.resumed = t
	desc.Release = t.release()
	return nil
}

// restoresFirst reports whether a checkpoint is restored before the API server may start.
func (s *supervisor) restoresFirst() bool { return s.resumed != nil && s.resumed.Phase == phaseRestore }

// restoreFirst restores that checkpoint, if there is one, as soon as etcd answers. The API server may start then.
func (s *supervisor) restoreFirst(ctx context.Context) error {
	if !s.restoresFirst() {
		return nil
	}
	if err := copyFolder(s.folder.checkpointedSimulator(s.resumed.Checkpoint), s.folder.simulator()); err != nil {
		return err
	}
	var failed error
	err := wait.PollUntilContextTimeout(ctx, readyPoll, healthTimeout, true, func(context.Context) (bool, error) {
		failed = s.runCheckpointer(ctx, "restore", s.resumed.Checkpoint) // a restore that has begun is not cut short
		return failed == nil, nil
	})
	if err != nil {
		return failed
	}
	return nil
}

// settleResumed ends the resumed transition when the API server answers.
func (s *supervisor) settleResumed() error {
	if s.resumed == nil {
		return nil
	}
	t := s.resumed
	s.resumed = nil
	_, err := s.conclude(t, true)
	return err
}

// restoreAcross restores a checkpoint that an API server of another release wrote. No API server runs meanwhile,
// because the present release may not understand the checkpoint's objects; then an API server of the checkpoint's
// release is started.
func (s *supervisor) restoreAcross(ctx context.Context, name, release string) error {
	exe, err := findExecutable(release, searchPath())
	if err != nil {
		return err
	}
	desc := s.description()
	t := &transition{
		From: desc.release(), To: release, FromVersion: desc.Version, ToVersion: exe.Version, Checkpoint: name, Began: time.Now().UTC(),
	}
	if err := s.enter(t, phaseRestore); err != nil {
		return err
	}
	old, err := findExecutable(t.From, searchPath())
	if err != nil {
		return err
	}
	return s.withoutControllers(func() error {
		return s.simulation.restart(func() (err error) {
			api, ok := s.component(apiServer)
			if !ok {
				return fmt.Errorf("no component %q", apiServer)
			}
			<-api.want(false)
			defer func() {
				if err != nil { // a cluster without an API server could not even be asked to try again
					err = errors.Join(err, s.point(apiServer, old, t.From))
					api.want(true)
				}
			}()
			if err := copyFolder(s.folder.checkpointedSimulator(name), s.folder.simulator()); err != nil {
				return err
			}
			if err := s.runCheckpointer(ctx, "restore", name); err != nil {
				return err
			}
			if err := s.runRelease(ctx, exe, release, apiServer); err != nil {
				return err
			}
			for _, component := range clientComponents {
				if err := s.point(component, exe, release); err != nil {
					return err
				}
			}
			_, err = s.conclude(t, false)
			return err
		})
	})
}
