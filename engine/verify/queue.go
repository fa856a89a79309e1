package verify

import (
	"cmp"
	"context"
	"math"
	"sync"
	"time"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/text"
)

// task is one play of one answer.
type task struct {
	step   *stepRun
	answer Answer
	// round counts the repeats from zero.
	round int
}

// stepRun collects what becomes of a step while it is being proved. The queue's lock guards it.
type stepRun struct {
	lab     *content.Lab
	step    *content.Step
	answers []Answer
	// leftOut are the answers that a sample does without; sampled says that there is one.
	leftOut []Answer
	sampled bool
	// nearMisses: they are derived from the solution.
	nearMisses bool
	// plays by name of the answer, in the order in which they ended.
	plays map[string][]*play
	// elsewhere says why the step cannot be played on this kind of cluster.
	elsewhere *text.Text
	// broken says why the step cannot be played at all.
	broken *text.Text
	near   []nearMiss
	// derived: the solution passed, so that near misses could be derived from it.
	derived bool
	// solving is when the solution was begun.
	solving time.Time
	// scripts and others are the times of what was played so far: others run no script, and only talk to the API.
	scripts, others mean
}

// unknownTask is what a task counts for of which nobody knows yet how long it takes.
const unknownTask = 3 * time.Second

type mean struct {
	sum   time.Duration
	count int
}

func (m *mean) add(d time.Duration) { m.sum += d; m.count++ }

func (m mean) value() time.Duration {
	if m.count == 0 {
		return 0
	}
	return m.sum / time.Duration(m.count)
}

func (s *stepRun) mean(kind Kind) *mean {
	if kind == NearMiss || kind == Nothing {
		return &s.others
	}
	return &s.scripts
}

// estimate is how long such an answer takes: as long as those before it, and while the solution has not ended, at least
// as long as that has taken up to now.
func (s *stepRun) estimate(kind Kind) time.Duration {
	m := s.mean(kind)
	if m == &s.scripts && m.count == 0 && !s.solving.IsZero() {
		return time.Since(s.solving)
	}
	return m.value()
}

// queue hands out tasks. The solutions go first: they tell how long a step's answers take, and the near misses are
// derived from them. Then come the longest, so that no long one is left over when all others are done.
type queue struct {
	mu      sync.Mutex
	changed *sync.Cond
	waiting []*task
	// running tasks may add more.
	running map[*task]bool
	// labs that workers are at.
	labs map[*worker]*content.Lab
	// done and disagree count what has ended.
	done, disagree int
}

func newQueue() *queue {
	q := &queue{running: map[*task]bool{}, labs: map[*worker]*content.Lab{}}
	q.changed = sync.NewCond(&q.mu)
	return q
}

func (q *queue) add(tasks ...*task) {
	q.waiting = append(q.waiting, tasks...)
	q.changed.Broadcast()
}

// next waits for a task, and reports false when there will be none any more.
func (q *queue) next(ctx context.Context, w *worker) (*task, bool) {
	stop := context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.changed.Broadcast()
	})
	defer stop()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.arrived(w)
	for !q.anythingFor(w) && !q.over() && ctx.Err() == nil {
		q.changed.Wait()
	}
	if q.over() || ctx.Err() != nil {
		return nil, false
	}
	i := q.choose(w.at)
	t := q.waiting[i]
	q.waiting = append(q.waiting[:i:i], q.waiting[i+1:]...)
	q.running[t] = true
	q.labs[w] = t.step.lab
	if t.answer.Kind == Solution && t.step.solving.IsZero() {
		t.step.solving = time.Now()
	}
	return t, true
}

// over reports whether there is nothing to do any more. Tasks that are running may bring others.
func (q *queue) over() bool { return len(q.waiting) == 0 && len(q.running) == 0 }

// left is how many tasks nobody has begun.
func (q *queue) left() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// awaitEnd returns when there is nothing to do any more, or ctx ends.
func (q *queue) awaitEnd(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.changed.Broadcast()
	})
	defer stop()
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.over() && ctx.Err() == nil {
		q.changed.Wait()
	}
}

// worthAnother reports whether there is so much to do that another worker's cluster would pay.
func (q *queue) worthAnother() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.work(nil) >= time.Duration(len(q.labs)+1)*worthACluster
}

// anythingFor reports whether there is a task that the worker should do. The task is of the lab at which the worker is,
// of a lab at which no worker is, or of a lab with so many tasks left that another cluster pays.
func (q *queue) anythingFor(w *worker) bool {
	lab := q.labFor(w.at)
	if lab == nil {
		return false
	}
	here := q.workersAt(lab)
	return here == 0 || w.at != nil && w.at.lab == lab || q.work(lab) >= time.Duration(here+1)*worthACluster
}

// workersAt is how many workers have a cluster of the lab.
func (q *queue) workersAt(lab *content.Lab) (n int) {
	for _, at := range q.labs {
		if at == lab {
			n++
		}
	}
	return n
}

// work is how long the waiting tasks of the lab take, or those of all labs for nil.
func (q *queue) work(lab *content.Lab) (sum time.Duration) {
	for _, t := range q.waiting {
		if lab == nil || t.step.lab == lab {
			sum += cmp.Or(t.estimate(), unknownTask)
		}
	}
	return sum
}

// arrived records that a worker has no cluster, or none any more.
func (q *queue) arrived(w *worker) {
	if w.at == nil {
		delete(q.labs, w)
	}
}

// choose returns the index of the task to do next. A worker stays at its lab while that has tasks, since another lab
// wants another cluster, and at its step while that has tasks that are not much shorter than the longest.
func (q *queue) choose(at *stepRun) int {
	lab := q.labFor(at)
	best, here := -1, -1
	for i, t := range q.waiting {
		if t.step.lab != lab {
			continue
		}
		if best < 0 || before(t, q.waiting[best]) {
			best = i
		}
		if t.step == at && (here < 0 || before(t, q.waiting[here])) {
			here = i
		}
	}
	if here >= 0 && q.waiting[best].answer.Kind != Solution && 2*q.waiting[here].estimate() >= q.waiting[best].estimate() {
		return here
	}
	return best
}

// before orders tasks of a lab.
func before(a, b *task) bool {
	if first := a.answer.Kind == Solution; first != (b.answer.Kind == Solution) {
		return first
	}
	return a.estimate() > b.estimate()
}

func (t *task) estimate() time.Duration { return t.step.estimate(t.answer.Kind) }

// labFor is the lab that the worker is at, one that nobody is at, or else the one with the most to do for each worker;
// nil where nothing waits.
func (q *queue) labFor(at *stepRun) *content.Lab {
	var best *content.Lab
	var most time.Duration
	seen := map[*content.Lab]bool{}
	for _, t := range q.waiting {
		lab := t.step.lab
		if at != nil && lab == at.lab {
			return lab
		}
		if seen[lab] {
			continue
		}
		seen[lab] = true
		share := q.work(lab) / time.Duration(q.workersAt(lab)+1)
		if q.workersAt(lab) == 0 {
			share = math.MaxInt64
		}
		if best == nil || share > most {
			best, most = lab, share
		}
	}
	return best
}

// ended records a play, and adds what follows from it.
func (q *queue) ended(t *task, p *play, repeat int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.running, t)
	s := t.step
	name := t.answer.Name()
	s.plays[name] = append(s.plays[name], p)
	s.mean(t.answer.Kind).add(p.elapsed)
	q.done++
	if !p.good(t.answer, s.step) {
		q.disagree++
	}
	if p.derived && !s.derived {
		s.derived, s.near = true, p.near
		for i := range s.near {
			q.addAnswer(s, Answer{Kind: NearMiss, near: &s.near[i]}, repeat)
		}
	}
	q.changed.Broadcast()
}

func (q *queue) addAnswer(s *stepRun, a Answer, repeat int) {
	for round := range repeat {
		q.add(&task{step: s, answer: a, round: round})
	}
}

// cannot records that the step of the task cannot be played, and drops its other tasks.
func (q *queue) cannot(t *task, why text.Text) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.running, t)
	t.step.broken = &why
	var rest []*task
	for _, other := range q.waiting {
		if other.step != t.step {
			rest = append(rest, other)
		}
	}
	q.waiting = rest
	q.disagree++
	q.changed.Broadcast()
}
