package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
)

// deleteTimeout bounds the end of a cluster, which Ctrl-C does not cut short.
const deleteTimeout = 3 * time.Minute

// worker has one cluster at a time and a state folder of its own.
type worker struct {
	// home is what XDG_STATE_HOME names for its answers.
	home     string
	engine   *engine.Engine
	provider cluster.Provider
	script   script
	// nearMisses: they are derived from solutions.
	nearMisses bool

	// session is that of the worker's cluster, nil where it has none, and at the step that it was last at.
	session *engine.Session
	at      *stepRun
}

// newWorker keeps its state where k8slab does below XDG_STATE_HOME, so that an answer's k8slab finds it.
func newWorker(r *Runner, home string) (*worker, error) {
	state := filepath.Join(home, "k8slab")
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, fmt.Errorf("making a state folder: %w", err)
	}
	providers, err := r.Providers(state)
	if err != nil {
		return nil, err
	}
	e, err := engine.New(engine.Config{Labs: r.Labs, Vocabulary: r.Vocabulary, Providers: providers, StateDir: state})
	if err != nil {
		return nil, err
	}
	provider, err := e.Provider(r.Cluster)
	if err != nil {
		return nil, err
	}
	env := append([]string{"XDG_STATE_HOME=" + home}, r.Env...)
	return &worker{home: home, engine: e, provider: provider, script: script{program: r.Program, env: env, path: r.Path}, nearMisses: r.NearMisses}, nil
}

// work does tasks until there are none. An error means that no cluster can be had, or that one cannot be deleted.
func (w *worker) work(ctx context.Context, r *run) (err error) {
	defer func() { err = errors.Join(err, w.leave(ctx)) }()
	for {
		t, ok := r.queue.next(ctx, w)
		if !ok {
			return ctx.Err()
		}
		r.began(t)
		p, err := w.try(ctx, t)
		var unplayable *unplayableError
		switch {
		case err == nil:
			r.queue.ended(t, p, r.repeat)
			r.finished(t, p)
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &unplayable):
			r.queue.cannot(t, unplayable.text())
			r.cannot(t)
		default:
			return err
		}
	}
}

// unplayableError says that there is a cluster, but the step cannot be played on it.
type unplayableError struct{ err error }

func (e *unplayableError) Error() string { return e.err.Error() }

func (e *unplayableError) Unwrap() error { return e.err }

func (e *unplayableError) text() content.Text {
	if p, ok := errors.AsType[*problem.Problem](e.err); ok {
		return p.What
	}
	return content.Text{EN: e.err.Error(), JA: e.err.Error()}
}

// try plays the task, and once more on a new cluster where the first broke: an answer may have ruined it for the next.
func (w *worker) try(ctx context.Context, t *task) (*play, error) {
	fresh := w.session == nil || w.session.Lab != t.step.lab
	p, err := w.attempt(ctx, t)
	if _, ok := errors.AsType[*unplayableError](err); ok && !fresh && ctx.Err() == nil {
		if err := w.leave(ctx); err != nil {
			return nil, err
		}
		return w.attempt(ctx, t)
	}
	return p, err
}

func (w *worker) attempt(ctx context.Context, t *task) (*play, error) {
	began := time.Now()
	if err := w.enter(ctx, t.step); err != nil {
		return nil, err
	}
	p, err := w.prove(ctx, t.answer)
	if err != nil {
		return nil, &unplayableError{err}
	}
	p.elapsed = time.Since(began)
	return p, nil
}

// enter brings the worker's cluster to the starting state of the step.
func (w *worker) enter(ctx context.Context, to *stepRun) (err error) {
	if w.session != nil && w.session.Lab == to.lab {
		w.at = to
		s, err := w.engine.Goto(ctx, w.session, to.step.ID, nil)
		if err != nil {
			return &unplayableError{err}
		}
		w.session = s
		return nil
	}
	if err := w.leave(ctx); err != nil {
		return err
	}
	// Whatever comes of it, there may be a cluster from here on.
	w.at, w.session = to, &engine.Session{Lab: to.lab}
	s, err := w.engine.Start(ctx, to.lab.ID, engine.StartOptions{Step: to.step.ID, Provider: w.provider.Name()}, nil)
	if err != nil {
		if c, findErr := w.provider.Find(ctx, to.lab.ID); findErr == nil && c.State == cluster.Running {
			return errors.Join(w.leave(ctx), &unplayableError{err})
		}
		return err
	}
	w.session = s
	return nil
}

// leave deletes the worker's cluster, however the run ends.
func (w *worker) leave(ctx context.Context) error {
	if w.session == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteTimeout)
	defer cancel()
	lab := w.session.Lab.ID
	w.session, w.at = nil, nil
	if err := w.provider.Delete(ctx, lab); err != nil {
		return fmt.Errorf("%w in %s: %w", ErrLeft, w.home, err)
	}
	return nil
}

// play is what became of one play of an answer.
type play struct {
	report     *engine.Report
	transcript string
	problems   []content.Text
	// refused: the API server did not let the near miss be done.
	refused bool
	// near misses were derived, which are none where the solution changes nothing that can be seen.
	derived bool
	near    []nearMiss
	elapsed time.Duration
}

// prove plays the answer on the starting state and grades it, twice where an author wrote it. An error means that it could not be
// played.
func (w *worker) prove(ctx context.Context, a Answer) (*play, error) {
	p := &play{}
	derive := a.Kind == Solution && w.nearMisses
	var before observation
	if derive {
		var err error
		if before, err = w.observe(ctx); err != nil {
			return nil, err
		}
	}
	if err := w.do(ctx, a, p); err != nil {
		return nil, err
	}
	report, err := w.engine.Check(ctx, w.session)
	if err != nil {
		return nil, err
	}
	p.report = report
	if a.Kind == NearMiss {
		return p, nil
	}
	again, err := w.engine.Check(ctx, w.session)
	if err != nil {
		return nil, err
	}
	p.problems = append(p.problems, judge(a, report)...)
	p.problems = append(p.problems, differences(report, again)...)
	if derive && len(p.problems) == 0 {
		after, err := w.observe(ctx)
		if err != nil {
			return nil, err
		}
		p.derived, p.near = true, nearMisses(effects(before, after))
	}
	return p, nil
}

// do plays the answer.
func (w *worker) do(ctx context.Context, a Answer, p *play) error {
	switch a.Kind {
	case Nothing:
		return nil
	case NearMiss:
		cfg, err := w.provider.Config(ctx, w.session.Lab.ID, cluster.Learner)
		if err != nil {
			return err
		}
		h, err := newHand(cfg)
		if err != nil {
			return err
		}
		if err = h.do(ctx, *a.near); errors.Is(err, errRefused) {
			p.refused, p.transcript = true, err.Error()
			return nil
		}
		return err
	}
	transcript, err := w.script.play(ctx, w.provider, w.session, a.Script)
	p.transcript = transcript
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		p.problems = append(p.problems, content.Text{
			EN: fmt.Sprintf("the script ended with: %v", err),
			JA: fmt.Sprintf("スクリプトがエラーで終わりました: %v", err),
		})
	}
	return nil
}

func (w *worker) observe(ctx context.Context) (observation, error) {
	cfg, err := w.provider.Config(ctx, w.session.Lab.ID, cluster.Grader)
	if err != nil {
		return nil, err
	}
	return observe(ctx, cfg)
}

// outcome of a near miss.
func (p *play) outcome() NearMissOutcome {
	switch {
	case p.refused:
		return Refused
	case len(failedChecks(p.report)) > 0:
		return Killed
	case p.report.Passed:
		return Survived
	}
	return CouldNotTell
}

// good reports whether the play, looked at alone, is as it should be.
func (p *play) good(a Answer, step *content.Step) bool {
	if a.Kind != NearMiss {
		return len(p.problems) == 0
	}
	switch p.outcome() {
	case Killed, Refused:
		return true
	case Survived:
		return accepts(step, a.near.id) != nil
	}
	return false
}

// errored are what the grader could not tell.
func (p *play) errored() (problems []content.Text) {
	for _, v := range p.report.Verdicts {
		if v.Outcome == checks.Errored {
			problems = append(problems, content.Text{
				EN: fmt.Sprintf("%s could not tell: %s", v.ID, v.Error),
				JA: fmt.Sprintf("%s は判定できませんでした: %s", v.ID, v.Error),
			})
		}
	}
	return problems
}
