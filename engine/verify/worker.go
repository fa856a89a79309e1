package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/grading"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
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

	// lab is the lab whose cluster the worker has, nil where it has none. Play is held open on it, and at is the step
	// that it was last at.
	lab  *content.Lab
	play *engine.Play
	at   *stepRun
	// started: its first cluster has.
	started atomic.Bool
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
	e, err := engine.New(engine.Config{Labs: catalog.Loaded(r.Labs...), Vocabulary: r.Vocabulary, Providers: providers, StateDir: state})
	if err != nil {
		return nil, err
	}
	provider, err := e.Provider(r.Cluster)
	if err != nil {
		return nil, err
	}
	answers := script{program: r.Program, env: append([]string{"XDG_STATE_HOME=" + home}, r.Env...)}
	if needs, ok := cluster.As[cluster.Environment](provider); ok {
		env, path := needs.Environment()
		answers.env, answers.path = append(answers.env, env...), path
	}
	return &worker{home: home, engine: e, provider: provider, script: answers}, nil
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

func (e *unplayableError) text() text.Text {
	if p, ok := errors.AsType[*problem.Problem](e.err); ok {
		return p.What
	}
	return text.Text{EN: e.err.Error(), JA: e.err.Error()}
}

// try plays the task, and once more on a new cluster where the first broke: an answer may have ruined it for the next.
func (w *worker) try(ctx context.Context, t *task) (*play, error) {
	fresh := w.lab != t.step.lab
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
	began, phase := time.Now(), Reset
	if w.play == nil || w.lab != t.step.lab {
		phase = Start
	}
	p := &play{spent: Spent{}}
	if err := p.spent.in(phase, func() error { return w.enter(ctx, t.step) }); err != nil {
		return nil, err
	}
	w.started.Store(true)
	if err := w.prove(ctx, t.answer, p); err != nil {
		return nil, &unplayableError{err}
	}
	p.elapsed = time.Since(began)
	return p, nil
}

// enter brings the worker's cluster to the starting state of the step.
func (w *worker) enter(ctx context.Context, to *stepRun) (err error) {
	if w.play != nil && w.lab == to.lab {
		w.at = to
		if err := w.play.Goto(ctx, to.step.ID, nil); err != nil {
			return &unplayableError{err}
		}
		return nil
	}
	if err := w.leave(ctx); err != nil {
		return err
	}
	// Whatever comes of it, there may be a cluster from here on.
	w.at, w.lab = to, to.lab
	p, err := w.engine.Start(ctx, to.lab.ID, engine.StartOptions{Step: to.step.ID, Provider: w.provider.Name()}, nil)
	if err != nil {
		if c, findErr := w.provider.Find(ctx, to.lab.ID); findErr == nil && c.State == cluster.Running {
			return errors.Join(w.leave(ctx), &unplayableError{err})
		}
		return err
	}
	w.play = p
	return nil
}

// leave deletes the worker's cluster, however the run ends.
func (w *worker) leave(ctx context.Context) error {
	if w.lab == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteTimeout)
	defer cancel()
	lab := w.lab.ID
	w.lab, w.play, w.at = nil, nil, nil
	if err := w.provider.Delete(ctx, lab); err != nil {
		return fmt.Errorf("%w in %s: %w", ErrLeft, w.home, err)
	}
	return nil
}

// play is what became of one play of an answer.
type play struct {
	report     *grading.Report
	transcript string
	problems   []text.Text
	// refused: the API server did not let the near miss be done.
	refused bool
	// near misses were derived, which are none where the solution changes nothing that can be seen.
	derived bool
	near    []nearMiss
	elapsed time.Duration
	spent   Spent
}

// prove plays the answer on the starting state and grades it, twice where an author wrote it. An error means that it
// could not be played.
func (w *worker) prove(ctx context.Context, a Answer, p *play) (err error) {
	derive := a.Kind == Solution && w.at.nearMisses
	var before, after observation
	if derive {
		if err := p.spent.in(Derive, func() error { before, err = w.observe(ctx); return err }); err != nil {
			return err
		}
	}
	if err := p.spent.in(Play, func() error { return w.do(ctx, a, p) }); err != nil {
		return err
	}
	if err := p.spent.in(Grade, func() error { p.report, err = w.play.Check(ctx, nil); return err }); err != nil {
		return err
	}
	if a.Kind == NearMiss {
		return nil
	}
	var again *grading.Report
	if err := p.spent.in(GradeAgain, func() error { again, err = w.play.Check(ctx, nil); return err }); err != nil {
		return err
	}
	p.problems = append(p.problems, judge(a, p.report)...)
	p.problems = append(p.problems, differences(p.report, again)...)
	if derive && len(p.problems) == 0 {
		if err := p.spent.in(Derive, func() error { after, err = w.observe(ctx); return err }); err != nil {
			return err
		}
		p.derived, p.near = true, nearMisses(effects(before, after))
	}
	return nil
}

// do plays the answer.
func (w *worker) do(ctx context.Context, a Answer, p *play) error {
	switch a.Kind {
	case Nothing:
		return nil
	case NearMiss:
		cfg, err := w.provider.Config(ctx, w.lab.ID, cluster.Learner)
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
	transcript, err := w.script.play(ctx, w.provider, w.play.Session(), a.Script)
	p.transcript = transcript
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		p.problems = append(p.problems, text.New("the script ended with: %v", "スクリプトがエラーで終わりました: %v", err))
	}
	return nil
}

func (w *worker) observe(ctx context.Context) (observation, error) {
	cfg, err := w.provider.Config(ctx, w.lab.ID, cluster.Grader)
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
func (p *play) errored() (problems []text.Text) {
	for _, v := range p.report.Verdicts {
		if v.Outcome == checks.Errored {
			problems = append(problems, text.New("%s could not tell: %s", "%s は判定できませんでした: %s", v.ID, v.Error))
		}
	}
	return problems
}
