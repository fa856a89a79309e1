package embedded

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/k8slab/k8slab/engine/cluster/embedded/inprocess"
	"github.com/k8slab/k8slab/engine/flock"
	"github.com/k8slab/k8slab/engine/history/recorder"
)

// lockPatience is how long a supervisor waits to become the only one.
const lockPatience = 2 * time.Second

// parts lists what the supervisor runs, row by row in the order in which it is started. Nobody waits for one row
// before the next is started: a part that depends on others waits for one of the supervisor's moments (restored,
// apiAnswers, served). The rows are stopped in the reverse order, the parts of a row together, so that what writes
// ends before what keeps it.
func (s *supervisor) parts() [][]part {
	return [][]part{
		{s.controlSocket()},
		{s.foundations()},
		{s.historyRecorder(), s.logTrimmer(), s.folderWatch()},
		{s.etcdProcess()},
		{s.apiServerProcess(), s.controllerManagerProcess(), s.schedulerProcess()},
		{s.egressProxy(), s.metricsServer(), s.startUp(), s.addonInstaller(), s.outageFollower()},
		{s.simulatedNodes()},
	}
}

// run starts everything, waits to be stopped, and stops everything in order.
func (s *supervisor) run(ctx context.Context) error {
	stop := s.start(ctx, s.parts())
	select {
	case <-ctx.Done():
	case <-s.stop:
	case <-s.failed:
	}
	close(s.ending)
	stop()
	if s.fatal != "" {
		return errors.New(s.fatal)
	}
	os.Remove(s.folder.pidFile())
	return nil
}

// start starts the parts, up to the first that fails. stop stops the parts that were started.
func (s *supervisor) start(ctx context.Context, parts [][]part) (stop func()) {
	var started [][]func()
	for _, row := range parts {
		started = append(started, nil)
		for _, p := range row {
			stop, err := p.start(ctx)
			if err != nil {
				s.giveUp(err)
				return stopRows(started)
			}
			started[len(started)-1] = append(started[len(started)-1], stop)
		}
	}
	return stopRows(started)
}

// stopRows returns a function that stops the last row first and the parts of a row together.
func stopRows(rows [][]func()) func() {
	return func() {
		for _, stops := range slices.Backward(rows) {
			var stopping sync.WaitGroup
			for _, stop := range stops {
				stopping.Go(stop)
			}
			stopping.Wait()
		}
	}
}

// supervisor runs one cluster.
type supervisor struct {
	folder folder
	// etcdExe is that of the release with which the cluster was made: the files of a newer etcd cannot be read by an
	// older one, and a reset may go back.
	etcdExe *executable
	log     *slog.Logger
	began   time.Time
	procs   map[string]*process

	restored   chan struct{} // closed when the API server may be started
	apiAnswers chan struct{} // closed when the API server answers
	served     chan struct{} // closed when the clients of the API server may be started
	ready      chan struct{} // closed when the nodes are there to be asked, too
	failed     chan struct{} // closed when the supervisor gives up
	stop       chan struct{} // closed to ask for a clean stop
	ending     chan struct{} // closed when the components are about to be stopped

	mu       sync.Mutex
	desc     *description // replaced, never changed
	fatal    string
	apiReady time.Duration
	stopOnce sync.Once

	changes    sync.Mutex  // held by whatever replaces state or executables: one at a time
	resumed    *transition // what an earlier supervisor left half-done; nil once it is settled
	simulation *simulation
	outages    *outages
	// metricsConns takes the API server's connections to metrics-server.
	metricsConns *inprocess.Listener
	// releasePorts lets other clusters have the ports.
	releasePorts func()
	recorder     atomic.Pointer[recorder.Recorder] // nil while none runs
}

func newSupervisor(f folder, desc *description, log *slog.Logger) *supervisor {
	return &supervisor{
		folder: f, desc: desc, log: log, began: time.Now(), releasePorts: func() {},
		simulation: newSimulation(), outages: newOutages(), metricsConns: inprocess.New(&net.TCPAddr{Port: metricsPort}),
		restored: make(chan struct{}), apiAnswers: make(chan struct{}), served: make(chan struct{}),
		ready: make(chan struct{}), failed: make(chan struct{}), stop: make(chan struct{}), ending: make(chan struct{}),
	}
}

func (s *supervisor) requestStop() { s.stopOnce.Do(func() { close(s.stop) }) }

func (s *supervisor) giveUp(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fatal == "" {
		s.fatal = err.Error()
		close(s.failed)
	}
}

// RunSupervisor is the body of the supervisor process. It returns the exit code.
func RunSupervisor(ctx context.Context, args []string) int {
	flags := flag.NewFlagSet("supervise", flag.ContinueOnError)
	dir := flags.String("dir", "", "the cluster's folder")
	if err := flags.Parse(args); err != nil || *dir == "" {
		fmt.Fprintln(os.Stderr, "usage: k8slab supervise --dir DIR (k8slab runs this by itself)")
		return 2
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, cancel := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	// The terminal that started it may go away.
	signal.Ignore(syscall.SIGHUP)
	if err := supervise(ctx, folder(*dir), log); err != nil {
		log.Error("supervisor ends", "error", err)
		return 1
	}
	return 0
}

func supervise(ctx context.Context, f folder, log *slog.Logger) error {
	// Whoever asks whether a supervisor runs holds the lock for a moment; another supervisor holds it for good.
	locking, cancel := context.WithTimeout(ctx, lockPatience)
	release, err := flock.Wait(locking, f.supervisorLock())
	cancel()
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("another supervisor runs this cluster")
	}
	if err != nil {
		return err
	}
	// The lock is held until the process has ended: whoever gets the lock can rely on no supervisor being left, not
	// even a supervisor that is about to end.
	defer runtime.KeepAlive(release)
	desc, err := f.readDescription()
	if err != nil {
		return err
	}
	return newSupervisor(f, desc, log).run(ctx)
}
