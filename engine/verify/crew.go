package verify

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/machine"
)

// clusterMemory is what there has to be for one cluster: a control plane with four simulated nodes takes 400 MB, and
// 500 MB where it collects garbage as lazily as it does for a proof.
const clusterMemory = 600 << 20

// crewSize is how many workers, each with a cluster, there are at first, and how many there may be.
type crewSize struct{ first, most int }

// DefaultCrew is one cluster for each processor at first, and up to four where that leaves processors idle: long
// answers wait for most of their time. To start a cluster costs about as much as to play three short answers, so that
// it is not done on a guess. Where nobody says whether processors are idle there are two clusters for each. They are no
// more than the memory can hold, and at least two.
func DefaultCrew() (first, most int) {
	first, most = runtime.NumCPU(), 4*runtime.NumCPU()
	if _, ok := machine.Processors(machine.Proc); !ok {
		first, most = 2*runtime.NumCPU(), 2*runtime.NumCPU()
	}
	if available, ok := machine.AvailableMemory(machine.Proc); ok {
		most = min(most, int(available/clusterMemory))
	}
	most = max(2, most)
	return min(max(2, first), most), most
}

// crewOn is how many clusters of the provider there may be at once.
func crewOn(p cluster.Provider) crewSize {
	if capacity, ok := cluster.As[cluster.Capacity](p); ok {
		return crewSize{capacity.Capacity(), capacity.Capacity()}
	}
	first, most := DefaultCrew()
	return crewSize{first, most}
}

const (
	// look is how often a crew looks at the processors; idleFor is how many looks in a row count together.
	look    = 500 * time.Millisecond
	idleFor = 4
	// idleShare of the processors is too much to be left idle.
	idleShare = 0.2
	// worthACluster is how much work there has to be for each worker, so that another cluster is not started for the
	// last few answers.
	worthACluster = 15 * time.Second
)

// crew is the workers of a run.
type crew struct {
	runner  *Runner
	run     *run
	home    string
	cancel  context.CancelFunc
	workers sync.WaitGroup

	mu   sync.Mutex
	all  int
	errs []error
}

// hire adds a worker. Whatever goes wrong with one of them ends the run.
func (c *crew) hire(ctx context.Context) *worker {
	c.mu.Lock()
	defer c.mu.Unlock()
	w, err := newWorker(c.runner, filepath.Join(c.home, fmt.Sprint(c.all)))
	c.all++
	if err != nil {
		c.failed(err)
		return nil
	}
	c.workers.Go(func() {
		if err := w.work(ctx, c.run); err != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.failed(err)
		}
	})
	return w
}

// failed is called with the lock held.
func (c *crew) failed(err error) {
	c.errs = append(c.errs, err)
	c.cancel()
}

// play lets the crew do all tasks.
func (c *crew) play(ctx context.Context, size crewSize) {
	for range min(size.first, c.run.queue.left()) {
		c.hire(ctx)
	}
	if size.first < size.most {
		// grow is one of those that are waited for, so that nobody is hired when the wait is over.
		c.workers.Go(func() { c.grow(ctx, size.most) })
	}
	c.workers.Wait()
}

// grow hires another worker whenever processors have been idle for a while and there is enough to do. It returns when
// nothing is to be done any more.
func (c *crew) grow(ctx context.Context, most int) {
	over := make(chan struct{})
	go func() {
		c.run.queue.awaitEnd(ctx)
		close(over)
	}()
	tick := time.NewTicker(look)
	defer tick.Stop()
	var seen []machine.ProcessorTime
	var newest *worker
	for c.size() < most {
		select {
		case <-over:
			return
		case <-tick.C:
		}
		now, ok := machine.Processors(machine.Proc)
		if !ok {
			return
		}
		if newest != nil && !newest.started.Load() {
			seen = nil // what starts takes all the processors there are, and says nothing of the time afterwards
			continue
		}
		seen = append(seen, now)
		if len(seen) <= idleFor {
			continue
		}
		seen = seen[1:]
		if idle(seen[0], now) < idleShare || !c.run.queue.worthAnother() {
			continue
		}
		newest, seen = c.hire(ctx), nil
		if newest == nil {
			return
		}
	}
}

func (c *crew) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all
}

// idle is the share of the processors' time that was idle between two looks.
func idle(from, to machine.ProcessorTime) float64 {
	all := to.All - from.All
	if all <= 0 {
		return 0
	}
	return (to.Idle - from.Idle) / all
}
