package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/flock"
	"github.com/k8slab/k8slab/engine/machine"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// Runner proves labs. Each of its workers has a cluster of its own, in a state folder that is gone when it ends.
type Runner struct {
	Labs []*content.Lab
	// Step limits the proof to the steps of that id; empty means all.
	Step       string
	Vocabulary *checks.Vocabulary
	// Providers makes the kinds of cluster whose state lives below dir. What runs that were killed have left of any of
	// them is deleted.
	Providers func(dir string) ([]cluster.Provider, error)
	// Cluster is the kind to play on; empty means the first one.
	Cluster string
	// Program is an executable that is k8slab when it is called by that name, for answers that switch a machine off;
	// empty means that answers have no k8slab. Env is what it needs of the environment, to find labs, beside what the
	// kind of cluster needs (see cluster.Environment).
	Program string
	Env     []string
	// Parallel is how many clusters there are at once; zero means as many as the kind of cluster says (see
	// cluster.Capacity), or else as [DefaultCrew] does.
	Parallel int
	// Repeat is how often each answer is played; zero means once.
	Repeat int
	// NearMisses are derived from the solutions, and played, too.
	NearMisses bool
	// Selection says which answers are played; nil means all.
	Selection *Selection
	// Progress hears of every task. It is called by one goroutine at a time, and may be nil.
	Progress func(Event)
}

// Event is the beginning or the end of a task.
type Event struct {
	Lab, Step, Answer string
	Kind              Kind
	// Ended: the task is over; Passed and Elapsed are about it.
	Ended, Passed bool
	Elapsed       time.Duration
	// Done of All tasks are over, and Disagree of them are not as they should be. All grows when near misses are
	// derived.
	Done, All, Disagree int
}

// run is one Run.
type run struct {
	cluster   string
	crew      crewSize
	selection *Selected
	queue     *queue
	steps     []*stepRun
	repeat    int
	mu        sync.Mutex
	progress  func(Event)
}

// Run proves the labs. An error means that they could not be proved: a lab that cannot be linked, no clusters, or ctx
// has ended. With it comes the result of what had been played by then, or nil where nothing was. All clusters are
// deleted when it returns, whatever it returns, but for one of which [ErrLeft] tells.
func (r *Runner) Run(ctx context.Context) (*Result, error) {
	began := time.Now()
	before, counted := machine.Processors(machine.Proc)
	sweep(ctx, r.Providers)
	home, unlock, err := newHome()
	if err != nil {
		return nil, err
	}
	defer unlock()
	current, err := r.plan(home)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(home))
	}
	result, err := r.play(ctx, current, home)
	if !errors.Is(err, ErrLeft) { // its folder has to stay; the next run sweeps it
		err = errors.Join(err, os.RemoveAll(home))
	}
	if err != nil && current.queue.done == 0 && current.queue.disagree == 0 {
		return nil, err
	}
	result.Elapsed = time.Since(began)
	if after, ok := machine.Processors(machine.Proc); ok && counted {
		result.Idle = new(idle(before, after))
	}
	return result, err
}

// ErrLeft says that a cluster could not be deleted.
var ErrLeft = errors.New("a cluster is left")

// play lets the workers do what was planned.
func (r *Runner) play(ctx context.Context, current *run, home string) (*Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	size := current.crew
	if r.Parallel > 0 {
		size = crewSize{r.Parallel, r.Parallel}
	}
	all := &crew{runner: r, run: current, home: home, cancel: cancel}
	all.play(ctx, size)
	err := first(all.errs)
	result := current.result(err != nil)
	result.Parallel = all.all
	return result, err
}

// first returns what went wrong and not what ended because of it; that a cluster is left goes before everything.
func first(errs []error) error {
	var found error
	for _, err := range errs {
		switch {
		case errors.Is(err, ErrLeft):
			return err
		case err != nil && (found == nil || errors.Is(found, context.Canceled)):
			found = err
		}
	}
	return found
}

// plan queues every answer of the steps that this kind of cluster can play. An error says that there are none.
func (r *Runner) plan(home string) (*run, error) {
	p, err := r.provider(home)
	if err != nil {
		return nil, err
	}
	current := &run{cluster: p.Name(), crew: crewOn(p), queue: newQueue(), repeat: max(1, r.Repeat), progress: r.Progress}
	because, err := r.whole()
	if err != nil {
		return nil, err
	}
	current.selection = r.Selection.selected(r.Labs, because)
	var unplayable error
	for _, lab := range r.Labs {
		for _, step := range lab.Steps {
			if r.Step != "" && r.Step != step.ID && r.Step != step.Dir {
				continue
			}
			s := &stepRun{lab: lab, step: step, answers: Answers(step), plays: map[string][]*play{}, nearMisses: r.NearMisses}
			if because[lab] == "" && r.Selection != nil {
				s.answers, s.leftOut = r.Selection.choose(lab, step, s.answers)
				s.sampled, s.nearMisses = true, false
			}
			current.steps = append(current.steps, s)
			if err := catalog.Playable(lab, step, p, r.Vocabulary); err != nil {
				lacks, ok := errors.AsType[*problem.Problem](err)
				if !ok {
					return nil, err
				}
				s.elsewhere, unplayable = &lacks.What, err
				continue
			}
			for _, a := range s.answers {
				current.queue.addAnswer(s, a, current.repeat)
			}
		}
	}
	switch {
	case len(current.steps) == 0:
		return nil, r.noStep()
	case len(current.queue.waiting) == 0:
		return nil, unplayable
	}
	return current, nil
}

// whole returns for each lab of which all is to be played the reason, where there is a selection.
func (r *Runner) whole() (because map[*content.Lab]string, err error) {
	if r.Selection == nil {
		return nil, nil
	}
	return r.Selection.touched(r.Labs, r.Vocabulary)
}

// provider is the kind of cluster to play on.
func (r *Runner) provider(dir string) (cluster.Provider, error) {
	all, err := r.Providers(dir)
	if err != nil {
		return nil, err
	}
	e, err := engine.New(engine.Config{Providers: all, StateDir: dir, Vocabulary: r.Vocabulary})
	if err != nil {
		return nil, err
	}
	return e.Provider(r.Cluster)
}

func (r *Runner) noStep() error {
	if r.Step == "" {
		return problem.New(problem.Usage, text.New("there is no lab to prove", "検証するラボがありません"), action.Do(action.List))
	}
	var ids []string
	for _, lab := range r.Labs {
		for _, step := range lab.Steps {
			ids = append(ids, step.ID)
		}
	}
	en := fmt.Sprintf("no lab has a step %q; there are %s", r.Step, strings.Join(ids, ", "))
	ja := fmt.Sprintf("%q というステップはどのラボにもありません。あるのは %s です", r.Step, strings.Join(ids, "、"))
	if near, ok := text.Nearest(r.Step, ids); ok {
		en, ja = fmt.Sprintf("no lab has a step %q; did you mean %s?", r.Step, near), fmt.Sprintf("%q というステップはどのラボにもありません。%s のことですか？", r.Step, near)
	}
	return problem.New(problem.Usage, text.Text{EN: en, JA: ja}, action.HelpOn(action.Verify))
}

func (r *run) tell(t *task, e Event) {
	if r.progress == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue.mu.Lock()
	e.Done, e.Disagree = r.queue.done, r.queue.disagree
	e.All = e.Done + len(r.queue.waiting) + len(r.queue.running)
	r.queue.mu.Unlock()
	e.Lab, e.Step, e.Answer, e.Kind = t.step.lab.ID, t.step.step.ID, t.answer.Name(), t.answer.Kind
	r.progress(e)
}

func (r *run) began(t *task) { r.tell(t, Event{}) }

func (r *run) finished(t *task, p *play) {
	r.tell(t, Event{Ended: true, Passed: p.good(t.answer, t.step.step), Elapsed: p.elapsed})
}

func (r *run) cannot(t *task) { r.tell(t, Event{Ended: true}) }

// homePrefix keeps paths short: a unix socket's may have about a hundred bytes.
const homePrefix = "k8slab-v-"

// newHome makes the folder of a run, for this user alone, and locks it for as long as the process lives.
func newHome() (dir string, unlock func(), err error) {
	dir, err = os.MkdirTemp("", homePrefix) // 0700
	if err != nil {
		return "", nil, fmt.Errorf("making a state folder: %w", err)
	}
	unlock, _, err = flock.Try(filepath.Join(dir, "lock"))
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, unlock, nil
}

// sweep removes what runs left behind that were killed: their folders are locked by nobody.
func sweep(ctx context.Context, providers func(string) ([]cluster.Provider, error)) {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), homePrefix+"*", "lock"))
	if err != nil {
		return
	}
	for _, lock := range left {
		unlock, ok, err := flock.Try(lock)
		if err != nil || !ok {
			continue // it is at work, or somebody else's
		}
		homes, _ := filepath.Glob(filepath.Join(filepath.Dir(lock), "*", "k8slab"))
		for _, dir := range homes {
			deleteAll(ctx, dir, providers)
		}
		_ = os.RemoveAll(filepath.Dir(lock))
		unlock()
	}
}

func deleteAll(ctx context.Context, dir string, providers func(string) ([]cluster.Provider, error)) {
	all, err := providers(dir)
	if err != nil {
		return
	}
	for _, p := range all {
		lister, ok := cluster.As[cluster.Lister](p)
		if !ok {
			continue
		}
		names, _ := lister.List(ctx)
		for _, name := range names {
			_ = p.Delete(ctx, name)
		}
	}
}
