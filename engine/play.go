package engine

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/engine/seed"
	"github.com/k8slab/k8slab/text"
)

// Play is one attempt at a lab that is held open: the lab, linked once, the step at which the learner is, the provider,
// and the readers of what the cluster remembers. A command opens a play and asks one thing; a screen keeps one open for
// hours.
//
// One method that changes something runs at a time; Look may run beside it.
type Play struct {
	engine *Engine
	// dir is the session's folder.
	dir string

	mu sync.Mutex
	held
	step    *catalog.Step
	session Session
	// found is when the cluster was looked up.
	found time.Time
	// recorded is how many bytes the cluster's record had when the last Look began.
	recorded int64
}

// held is what a play looks up once for its attempt.
type held struct {
	provider cluster.Provider
	lab      *catalog.Lab
	// auditLog, history and written read what the cluster remembers. Written also answers for a cluster that does not
	// run.
	auditLog history.Reader
	history  history.Watcher
	written  history.Watcher
}

// Session is what a play shows: the lab and the step, the attempt at it, and the cluster on which it is played.
type Session struct {
	Lab  *content.Lab
	Step *content.Step
	// Cluster is nil where the lab has none now.
	Cluster *cluster.Cluster
	// Attempt is what the journal knows of the lab.
	Attempt *progress.Lab
	// Resumed is true where Start found the lab already begun and left its state alone.
	Resumed bool
	// Fits says of each of the lab's steps how much of it can be played on the cluster.
	Fits []catalog.Fit
}

// stale is how long a look at the cluster counts as one of now.
const stale = time.Second

// Open returns the play of the lab that is under way; "" means the lab that was touched last. The cluster need not run,
// and there need not be one.
func (e *Engine) Open(ctx context.Context, id string) (*Play, error) {
	done, err := e.progress()
	if err != nil {
		return nil, err
	}
	if id == "" {
		id = done.Current
	}
	if id == "" {
		return nil, problem.New(problem.Usage, text.New("no lab is under way", "進行中のラボはありません"), action.Do(action.List))
	}
	attempt := done.Labs[id]
	if attempt == nil {
		if _, err := e.catalog.Known(ctx, id); err != nil {
			return nil, err
		}
		return nil, problem.New(problem.Usage,
			text.New("the lab %s has not been started", "ラボ %s はまだ始まっていません", id), action.Do(action.Start).On(id))
	}
	p, err := e.Provider(attempt.Provider)
	if err != nil {
		return nil, err
	}
	var c *cluster.Cluster
	var missing error
	var looking sync.WaitGroup
	looking.Go(func() { c, missing = find(ctx, p, id) }) // the cluster answers while the lab is read
	lab, err := e.catalog.Resume(ctx, attempt.Origin, id)
	looking.Wait()
	if err := cmp.Or(err, missing); err != nil {
		return nil, err
	}
	if c != nil {
		if lab, err = lab.WithNodes(c.NodeNames, e.Vocabulary()); err != nil {
			return nil, err
		}
	}
	step, err := lab.Find(attempt.Step)
	if err != nil {
		step = lab.Steps[0]
	}
	play, err := e.play(p, lab, step, attempt)
	if err != nil {
		return nil, err
	}
	play.session.Cluster, play.session.Resumed, play.found = c, true, time.Now()
	return play, nil
}

// play returns the play of an attempt at the step.
func (e *Engine) play(p cluster.Provider, lab *catalog.Lab, step *catalog.Step, attempt *progress.Lab) (*Play, error) {
	dir, err := e.sessionDir(lab.ID)
	if err != nil {
		return nil, err
	}
	return &Play{
		engine: e, dir: dir, step: step,
		held: held{
			provider: p, lab: lab,
			auditLog: cluster.AuditLogOf(p, lab.ID), history: cluster.RecordOf(p, lab.ID), written: cluster.WrittenRecordOf(p, lab.ID),
		},
		session: Session{Lab: lab.Lab, Step: step.Step, Attempt: attempt, Fits: catalog.Fits(lab.Lab, p, e.Vocabulary())},
	}, nil
}

// Session returns what the play shows now. It is a copy, which later moves do not change.
func (p *Play) Session() *Session {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.session
	return &s
}

// Provider of the play's cluster.
func (p *Play) Provider() cluster.Provider { return p.holds().provider }

// holds returns what the play holds for the attempt that is under way now.
func (p *Play) holds() held {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}

// linked returns the step at which the play is, with its checks.
func (p *Play) linked() *catalog.Step {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.step
}

// at sets the step at which the play is.
func (p *Play) at(step *catalog.Step) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.step, p.session.Step = step, step.Step
}

// target is where the step's starting state is made.
func (p *Play) target(step *catalog.Step) seed.Target {
	s := p.Session()
	t := seed.Target{Provider: p.Provider(), Lab: s.Lab, Step: step.Step, Dir: p.dir}
	if s.Cluster != nil {
		t.Server = s.Cluster.Server
	}
	return t
}

// Refresh reads the attempt and looks the cluster up again, and goes where another process has gone meanwhile.
func (p *Play) Refresh(ctx context.Context) error {
	before := p.Session().Attempt.Attempt
	if err := p.reread(); err != nil {
		return err
	}
	if p.Session().Attempt.Attempt != before {
		return p.reopen(ctx) // another attempt may be at another version of the lab, on another kind of cluster
	}
	if err := p.look(ctx); err != nil {
		return err
	}
	s := p.Session()
	if s.Attempt.Step == s.Step.ID || s.Attempt.Step == "" {
		return nil
	}
	if step, err := p.holds().lab.Find(s.Attempt.Step); err == nil {
		p.at(step)
	}
	return nil
}

// reopen makes the play one of the attempt that is under way now.
func (p *Play) reopen(ctx context.Context) error {
	now, err := p.engine.Open(ctx, p.Session().Lab.ID)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held, p.step, p.session, p.found, p.recorded = now.held, now.step, now.session, now.found, 0
	return nil
}

// reread reads the attempt again, for the journal may have grown.
func (p *Play) reread() error {
	done, err := p.engine.progress()
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if attempt := done.Labs[p.session.Lab.ID]; attempt != nil {
		p.session.Attempt = attempt
	}
	return nil
}

// look looks the cluster up again.
func (p *Play) look(ctx context.Context) error {
	c, err := find(ctx, p.Provider(), p.Session().Lab.ID)
	if err != nil {
		return err
	}
	p.has(c)
	return nil
}

// has sets the cluster as it was found now.
func (p *Play) has(c *cluster.Cluster) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.session.Cluster, p.found = c, time.Now()
}

// awake makes sure that the play's cluster runs before it is used: a cluster that died is repaired, a cluster that was
// stopped or deleted is not started behind the learner's back.
func (p *Play) awake(ctx context.Context, report cluster.Progress) error {
	p.mu.Lock()
	old := time.Since(p.found) > stale
	p.mu.Unlock()
	if old {
		if err := p.look(ctx); err != nil {
			return err
		}
	}
	s := p.Session()
	if s.Cluster == nil {
		return problem.New(problem.Cluster,
			text.New("the lab %s has no cluster now", "ラボ %s のクラスターは今ありません", s.Lab.ID), action.Do(action.Start).On(s.Lab.ID))
	}
	switch s.Cluster.State {
	case cluster.Running:
		return nil
	case cluster.Stopped:
		return problem.New(problem.Cluster,
			text.New("the cluster of %s is stopped", "%s のクラスターは停止しています", s.Lab.ID), action.Do(action.Start).On(s.Lab.ID))
	}
	if _, ok := cluster.As[cluster.ComponentControl](p.Provider()); ok && stoppedByHand(s.Cluster) {
		return nil // stopping a component can be what a lesson asks for
	}
	c, err := p.Provider().Ensure(ctx, seed.Spec(s.Lab, s.Step, 0), report)
	if err != nil {
		return err
	}
	p.has(c)
	return nil
}

// stoppedByHand reports whether all that keeps the cluster from running is components that someone stopped.
func stoppedByHand(c *cluster.Cluster) bool {
	stopped := 0
	for _, component := range c.Components {
		switch component.State {
		case "stopped":
			stopped++
		case "running":
		default:
			return false
		}
	}
	return stopped > 0 && stopped < len(c.Components)
}

// append writes the event of this attempt into the journal, and reads the attempt again.
func (p *Play) append(event progress.Event) error {
	s := p.Session()
	event.Attempt, event.Lab = s.Attempt.Attempt, s.Lab.ID
	if event.Step == "" && event.Kind != progress.Finished && event.Kind != progress.Started {
		event.Step = s.Step.ID
	}
	return errors.Join(p.engine.journal.Append(event), p.reread())
}

// locked runs f while no other process changes the lab.
func (p *Play) locked(ctx context.Context, f func() error) error {
	unlock, err := p.engine.lockSession(ctx, p.Session().Lab.ID)
	if err != nil {
		return err
	}
	defer unlock()
	return f()
}
