package engine

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/flock"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
)

// seedTimeout bounds the making of a starting state.
const seedTimeout = 2 * time.Minute

// upgradeTimeout is added where a control plane or nodes have to be upgraded for it, which on real machines takes minutes.
const upgradeTimeout = 15 * time.Minute

// imagesTimeout is added where the nodes are given the images of the starting state.
const imagesTimeout = 10 * time.Minute

// Start brings up the lab's cluster and the step's starting state. A lab that is under way is resumed as it is.
func (e *Engine) Start(ctx context.Context, id string, opts StartOptions, report cluster.Progress) (*Session, error) {
	lab, attempt, err := e.choose(ctx, id, opts, report)
	if err != nil {
		return nil, err
	}
	id = lab.content.ID
	begin := opts.Restart || attempt == nil || !attempt.Finished.IsZero()
	if attempt != nil && attempt.Origin.Source != lab.content.Origin.Source {
		begin = true // the same id, but another lab
		if err := e.refuseForeignCluster(ctx, id, attempt); err != nil {
			return nil, err
		}
	}
	if opts.Provider == "" && !begin {
		opts.Provider = attempt.Provider
	}
	p, err := e.Provider(opts.Provider)
	if err != nil {
		return nil, err
	}
	guest, isGuest := p.(cluster.Guest)
	if err := e.refuseMismatch(ctx, lab.content, attempt, p, opts); err != nil {
		return nil, err
	}
	if !begin && attempt.Provider != p.Name() {
		begin = true // the same lab on another kind of cluster is another attempt
	}
	step, err := e.firstStep(lab, attempt, p, begin, opts)
	if err != nil {
		return nil, err
	}
	unlock, err := e.lockSession(ctx, id)
	if err != nil {
		return nil, err
	}
	defer unlock()
	fresh := false
	if isGuest {
		if lab, step, fresh, err = e.arrive(ctx, guest, lab, step, opts, report); err != nil {
			return nil, err
		}
	}
	c, err := p.Ensure(ctx, specOf(lab.content, step.content, opts.APIPort), report)
	if err != nil && fresh {
		// Nothing was changed there yet. Somebody else may come before the lab does, and then this person has to be asked again.
		return nil, errors.Join(err, guest.Forget(ctx, id))
	}
	if err != nil {
		return nil, err
	}
	if begin {
		started := progress.Event{Kind: progress.Started, Attempt: progress.NewID(), Lab: id, Provider: p.Name(), Origin: lab.content.Origin}
		if err := e.journal.Append(started); err != nil {
			return nil, err
		}
		attempt = &progress.Lab{ID: id, Attempt: started.Attempt, Provider: p.Name(), Origin: started.Origin}
	}
	s := &Session{Lab: lab.content, Step: step.content, Cluster: c, Attempt: attempt}
	if !begin {
		if s.Resumed, err = e.seeded(ctx, s); err != nil {
			return nil, err
		}
	}
	if !s.Resumed {
		if err := e.enter(ctx, s, progress.Entered, report); err != nil {
			return nil, err
		}
		if s.Cluster, err = p.Find(ctx, id); err != nil { // the step may start on a newer release
			return nil, err
		}
	}
	return e.refresh(s)
}

// specOf is the cluster that the lab asks for, which may begin as the step does.
func specOf(lab *content.Lab, step *content.Step, port int) cluster.Spec {
	spec := cluster.Spec{
		Name: lab.ID, Release: lab.Cluster.Release, RuntimeConfig: lab.Cluster.RuntimeConfig, History: lab.History, APIPort: port,
		Begin: cluster.Beginning{Release: step.Cluster.Release, Kubelets: step.Cluster.Kubelets},
	}
	for _, n := range lab.Cluster.Nodes {
		spec.Nodes = append(spec.Nodes, cluster.Node(n))
	}
	return spec
}

// Session returns the lab as it stands; "" means the current one. The cluster need not run; it may be nil.
func (e *Engine) Session(ctx context.Context, id string) (*Session, error) {
	done, err := e.progress()
	if err != nil {
		return nil, err
	}
	if id == "" {
		id = done.Current
	}
	if id == "" {
		return nil, problem.New(problem.Usage, "no lab is under way", "進行中のラボはありません", "k8slab list")
	}
	attempt := done.Labs[id]
	if attempt == nil {
		if _, err := e.known(ctx, id); err != nil {
			return nil, err
		}
		return nil, problem.New(problem.Usage,
			fmt.Sprintf("the lab %s has not been started", id), fmt.Sprintf("ラボ %s はまだ始まっていません", id),
			"k8slab start "+id)
	}
	lab, err := e.open(ctx, attempt.Origin, id)
	if err != nil {
		return nil, err
	}
	step, err := lab.step(attempt.Step)
	if err != nil {
		step = lab.steps[0]
	}
	c, err := e.find(ctx, id, attempt)
	if err != nil {
		return nil, err
	}
	if c != nil && len(c.NodeNames) > 0 {
		if lab, err = e.withNodes(lab, c.NodeNames); err != nil {
			return nil, err
		}
		if step, err = lab.step(step.content.ID); err != nil {
			return nil, err
		}
	}
	return e.measured(&Session{Lab: lab.content, Step: step.content, Cluster: c, Attempt: attempt, Resumed: true})
}

// refresh reads the attempt again after the journal has grown.
func (e *Engine) refresh(s *Session) (*Session, error) {
	done, err := e.progress()
	if err != nil {
		return nil, err
	}
	if a := done.Labs[s.Lab.ID]; a != nil {
		s.Attempt = a
	}
	return e.measured(s)
}

// measured says of each step how much of it the session's kind of cluster can play.
func (e *Engine) measured(s *Session) (*Session, error) {
	p, err := e.Provider(s.Attempt.Provider)
	if err != nil {
		return nil, err
	}
	s.Fits = e.fits(s.Lab, p)
	return s, nil
}

// lockSession keeps two processes from seeding the same lab at once. Grading takes no lock: it changes nothing.
func (e *Engine) lockSession(ctx context.Context, lab string) (unlock func(), err error) {
	dir, err := e.sessionDir(lab)
	if err != nil {
		return nil, err
	}
	return flock.Wait(ctx, sessionLock(dir))
}

func sessionLock(sessionDir string) string { return filepath.Join(sessionDir, "lock") }

// seeded reports whether the session's step stands on the session's cluster.
func (e *Engine) seeded(ctx context.Context, s *Session) (bool, error) {
	dir, err := e.sessionDir(s.Lab.ID)
	if err != nil {
		return false, err
	}
	b, err := loadBaseline(dir)
	if err != nil || b == nil {
		return false, err
	}
	op, err := e.operator(ctx, s)
	if err != nil {
		return false, err
	}
	id, err := op.clusterID(ctx)
	if err != nil {
		return false, err
	}
	return b.ClusterID == id && b.Step == s.Step.ID && b.Attempt == s.Attempt.Attempt, nil
}

func (e *Engine) operator(ctx context.Context, s *Session) (*operator, error) {
	p, err := e.Provider(s.Attempt.Provider)
	if err != nil {
		return nil, err
	}
	cfg, err := p.Config(ctx, s.Lab.ID, cluster.Operator)
	if err != nil {
		return nil, err
	}
	return newOperator(cfg)
}

// enter replaces whatever the lab has on the cluster by the starting state of the session's step and says so in the
// journal. The baseline goes first and comes last: an interruption leaves a step that counts as not seeded, and an intent that Mend
// carries out.
func (e *Engine) enter(ctx context.Context, s *Session, kind progress.Kind, report cluster.Progress) error {
	if err := e.canGoBack(ctx, s); err != nil {
		return err
	}
	p, err := e.Provider(s.Attempt.Provider)
	if err != nil {
		return err
	}
	limit := seedTimeout
	if _, loads := p.(cluster.ImageLoader); loads {
		limit += imagesTimeout
	}
	if s.Step.Cluster.Release != "" || len(s.Step.Cluster.Kubelets) > 0 {
		limit += upgradeTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	dir, err := e.sessionDir(s.Lab.ID)
	if err != nil {
		return err
	}
	if err := (intent{Attempt: s.Attempt.Attempt, Step: s.Step.ID, Kind: kind}).save(dir); err != nil {
		return err
	}
	if err := dropBaseline(dir); err != nil {
		return err
	}
	var b *baseline
	began := time.Now().UTC()
	err = report.Run("scenario", func() (string, error) {
		b, err = e.startingState(ctx, p, s, dir, report)
		return s.Step.ID, err
	})
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return err
		}
		return seedProblem(ctx, p, s, err).From(errors.Join(err, dropIntent(dir))) // nobody was cut short: it has been said what to do
	}
	b.Attempt, b.Time = s.Attempt.Attempt, time.Now().UTC()
	if err := b.save(dir); err != nil {
		return err
	}
	err = e.journal.Append(progress.Event{
		Kind: kind, Time: b.Time, Began: began, Attempt: s.Attempt.Attempt, Lab: s.Lab.ID, Step: s.Step.ID,
	})
	if err != nil {
		return err
	}
	return dropIntent(dir)
}

// seedProblem says why a step could not be entered within ctx. Where something was waited for in vain, a part of the cluster that does not run
// is likelier to be the reason.
func seedProblem(ctx context.Context, p cluster.Provider, s *Session, err error) *problem.Problem {
	var part, next string
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		part, next = missingPart(ctx, p, s.Lab.ID)
	}
	if part == "" {
		return problem.New(problem.Cluster,
			fmt.Sprintf("the starting state of %s could not be made: %v", s.Step.ID, err),
			fmt.Sprintf("%s の開始状態を用意できませんでした: %v", s.Step.ID, err), "k8slab reset --lab "+s.Lab.ID)
	}
	return problem.New(problem.Cluster,
		fmt.Sprintf("the starting state of %s could not be made, as %s does not run: %v", s.Step.ID, part, err),
		fmt.Sprintf("%s が動いていないため、%s の開始状態を用意できませんでした: %v", part, s.Step.ID, err), next)
}

// missingPart returns a part of the lab's cluster that does not run, or "", and the command that mends it or shows more. ctx may have ended.
func missingPart(ctx context.Context, p cluster.Provider, lab string) (part, next string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
	defer cancel()
	c, err := p.Find(ctx, lab)
	if err != nil {
		return "", ""
	}
	down := func(c cluster.Component) bool { return c.State != "running" }
	i := slices.IndexFunc(c.Components, down)
	if i < 0 {
		return "", ""
	}
	part = c.Components[i].Name
	_, switched := p.(cluster.ComponentControl)
	logs, logged := p.(cluster.LogFiles)
	switch {
	case !slices.ContainsFunc(c.Components, func(c cluster.Component) bool { return !down(c) }):
		next = "k8slab start " + lab // nothing runs at all
	case c.Components[i].State == "stopped" && switched:
		next = "k8slab cluster start " + part + " --lab " + lab
	case logged && slices.Contains(logs.Logs(), part):
		next = "k8slab cluster logs " + part + " --lab " + lab
	default:
		next = "k8slab cluster status --lab " + lab
	}
	return part, next
}

// startingState restores the step's checkpoint where the cluster has one, and seeds the step where not.
func (e *Engine) startingState(ctx context.Context, p cluster.Provider, s *Session, dir string, report cluster.Progress) (*baseline, error) {
	defer catchUp(ctx, p, s.Lab.ID)
	checkpointer, ok := p.(cluster.Checkpointer)
	if ok {
		if b, err := e.restore(ctx, checkpointer, s, dir); err != nil || b != nil {
			return b, err
		}
	}
	b := &baseline{Lab: s.Lab.ID, Step: s.Step.ID}
	if err := e.prepare(ctx, p, s, b, report); err != nil {
		return nil, err
	}
	if ok {
		return b, e.keep(ctx, checkpointer, s, dir, b)
	}
	return b, nil
}

// awake makes sure that the session's cluster runs before it is used: one that died is repaired, one that was stopped or
// deleted is not started behind the learner's back.
func (e *Engine) awake(ctx context.Context, s *Session, report cluster.Progress) error {
	if s.Cluster == nil {
		return problem.New(problem.Cluster,
			fmt.Sprintf("the lab %s has no cluster now", s.Lab.ID), fmt.Sprintf("ラボ %s のクラスターは今ありません", s.Lab.ID),
			"k8slab start "+s.Lab.ID)
	}
	switch s.Cluster.State {
	case cluster.Running:
		return nil
	case cluster.Stopped:
		return problem.New(problem.Cluster,
			fmt.Sprintf("the cluster of %s is stopped", s.Lab.ID), fmt.Sprintf("%s のクラスターは停止しています", s.Lab.ID),
			"k8slab start "+s.Lab.ID)
	}
	p, err := e.Provider(s.Cluster.Provider)
	if err != nil {
		return err
	}
	if _, ok := p.(cluster.ComponentControl); ok && stoppedByHand(s.Cluster) {
		return nil // stopping a component can be what a lesson asks for
	}
	c, err := p.Ensure(ctx, specOf(s.Lab, s.Step, 0), report)
	if err != nil {
		return err
	}
	s.Cluster = c
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

// Next goes to the step after the session's that its kind of cluster can play.
func (e *Engine) Next(ctx context.Context, s *Session, report cluster.Progress) (*Session, error) {
	lab, err := e.linked(s.Lab)
	if err != nil {
		return nil, err
	}
	following, passedOver := s.Following()
	if following == nil {
		return nil, lastStep(s, passedOver)
	}
	next, err := lab.step(following.ID)
	if err != nil {
		return nil, err
	}
	return e.move(ctx, s, next, progress.Entered, report)
}

func lastStep(s *Session, passedOver []Fit) error {
	en, ja := fmt.Sprintf("%s is the last step of %s", s.Step.ID, s.Lab.ID), fmt.Sprintf("%s は %s の最後のステップです", s.Step.ID, s.Lab.ID)
	if len(passedOver) > 0 {
		en += " that can be played on this cluster"
		ja = fmt.Sprintf("%s は、このクラスターで実行できる %s の最後のステップです", s.Step.ID, s.Lab.ID)
	}
	return problem.New(problem.Usage, en, ja, "k8slab finish")
}

// Goto goes to any step of the session's lab.
func (e *Engine) Goto(ctx context.Context, s *Session, step string, report cluster.Progress) (*Session, error) {
	lab, err := e.linked(s.Lab)
	if err != nil {
		return nil, err
	}
	to, err := lab.step(step)
	if err != nil {
		return nil, err
	}
	return e.move(ctx, s, to, progress.Entered, report)
}

// Reset restores the starting state of the session's step.
func (e *Engine) Reset(ctx context.Context, s *Session, report cluster.Progress) (*Session, error) {
	lab, err := e.linked(s.Lab)
	if err != nil {
		return nil, err
	}
	step, err := lab.step(s.Step.ID)
	if err != nil {
		return nil, err
	}
	return e.move(ctx, s, step, progress.WasReset, report)
}

func (e *Engine) move(ctx context.Context, s *Session, to *linkedStep, kind progress.Kind, report cluster.Progress) (*Session, error) {
	unlock, err := e.lockSession(ctx, s.Lab.ID)
	if err != nil {
		return nil, err
	}
	defer unlock()
	p, err := e.Provider(s.Attempt.Provider)
	if err != nil {
		return nil, err
	}
	if err := playable(s.Lab, to.content, p, e.cfg.Vocabulary, "k8slab status"); err != nil {
		return nil, err
	}
	if err := e.awake(ctx, s, report); err != nil {
		return nil, err
	}
	moved := &Session{Lab: s.Lab, Step: to.content, Cluster: s.Cluster, Attempt: s.Attempt}
	if err := e.enter(ctx, moved, kind, report); err != nil {
		return nil, err
	}
	return e.refresh(moved)
}

// Hint takes the next hint level of the session's step, and shows the last one again when all are taken. Once the step
// has passed, hints cost nothing.
func (e *Engine) Hint(_ context.Context, s *Session) (*Hint, error) {
	levels := len(s.Step.Hints)
	if levels == 0 {
		return nil, problem.New(problem.Usage,
			fmt.Sprintf("%s has no hints", s.Step.ID), fmt.Sprintf("%s にヒントはありません", s.Step.ID), "k8slab lesson")
	}
	taken, passed := 0, false
	if st := s.Attempt.Steps[s.Step.ID]; st != nil {
		taken, passed = st.HintsSeen, !st.Passed.IsZero()
	}
	level := min(taken+1, levels)
	h := &Hint{Level: level, Levels: levels, Cost: s.Step.Hints[level-1].Cost, Last: level == levels, Passed: passed, Text: content.Text{
		EN: s.Step.Lessons[content.English].Hints[level-1],
		JA: s.Step.Lessons[content.Japanese].Hints[level-1],
	}}
	if passed {
		h.Cost = 0
	}
	if level == taken {
		h.Cost = 0 // it was paid for
		return h, nil
	}
	return h, e.journal.Append(progress.Event{
		Kind: progress.Hinted, Attempt: s.Attempt.Attempt, Lab: s.Lab.ID, Step: s.Step.ID, Level: level, Cost: h.Cost,
	})
}

// Solution shows what a learner could have typed; the step is worth nothing more in this attempt.
func (e *Engine) Solution(_ context.Context, s *Session) (content.File, error) {
	return s.Step.Solution, e.journal.Append(progress.Event{
		Kind: progress.Revealed, Attempt: s.Attempt.Attempt, Lab: s.Lab.ID, Step: s.Step.ID,
	})
}

// Finish ends the attempt.
func (e *Engine) Finish(_ context.Context, s *Session) (*progress.Lab, error) {
	err := e.journal.Append(progress.Event{Kind: progress.Finished, Attempt: s.Attempt.Attempt, Lab: s.Lab.ID})
	if err != nil {
		return nil, err
	}
	s, err = e.refresh(s)
	if err != nil {
		return nil, err
	}
	return s.Attempt, nil
}
