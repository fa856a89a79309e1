package embedded

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/clientcmd"
)

// outageTimeout is how long an API server that was started by hand may take to answer.
const outageTimeout = time.Minute

// outages knows which API server the controllers and the scheduler were started for.
type outages struct {
	changed chan struct{} // has a value after a component's state has changed
	mu      sync.Mutex
	pid     int
	ended   chan struct{} // closed and replaced whenever pid changes
}

func newOutages() *outages {
	return &outages{changed: make(chan struct{}, 1), ended: make(chan struct{})}
}

// look wakes the one who follows the API server.
func (o *outages) look() {
	select {
	case o.changed <- struct{}{}:
	default:
	}
}

// over records that the controllers and the scheduler were started for the API server with this process id.
func (o *outages) over(pid int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pid = pid
	close(o.ended)
	o.ended = make(chan struct{})
}

func (o *outages) last() (pid int, ended <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pid, o.ended
}

// outageFollower looks after the clients of an API server that was replaced.
func (s *supervisor) outageFollower() part {
	return s.background("follow the API server", from(s.served, s.followAPIServer))
}

// followAPIServer restarts the controllers and the scheduler whenever another API server answers, until ctx ends. On
// a cluster that elects a leader they end by themselves when they cannot renew their lease for ten seconds
// (RenewDeadline in k8s.io/component-base/config/v1alpha1/defaults.go). Here nobody is elected, and their caches
// would stay as old as the outage for up to half a minute more (defaultBackoffMax in
// k8s.io/client-go/tools/cache/reflector.go): the scheduler would, for example, put pods on a node that was cordoned
// meanwhile.
func (s *supervisor) followAPIServer(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.outages.changed:
		}
		p, ok := s.component(apiServer)
		if !ok {
			continue
		}
		now := p.snapshot()
		if before, _ := s.outages.last(); now.State != stateRunning || now.PID == before || !s.awaitAnswer(ctx, p, now.PID) {
			continue
		}
		if known, _ := s.outages.last(); known == now.PID {
			continue // whoever replaced it looks after its clients
		}
		s.log.Info("the API server is back; its clients start again", "pid", now.PID)
		s.restartClients(ctx)
		s.outages.over(now.PID)
	}
}

// restartClients returns when other processes have taken the place of those that ran.
func (s *supervisor) restartClients(ctx context.Context) {
	before := map[*process]int{}
	for _, name := range clientComponents {
		if p, ok := s.component(name); ok {
			before[p] = p.snapshot().PID
			p.restart()
		}
	}
	for p, pid := range before {
		err := wait.PollUntilContextCancel(ctx, readyPoll, true, func(context.Context) (bool, error) {
			return !p.isWanted() || p.snapshot().PID != pid, nil
		})
		if err != nil {
			return
		}
	}
}

// awaitAnswer waits until the API server answers /readyz, and reports false if it ended before.
func (s *supervisor) awaitAnswer(ctx context.Context, p *process, pid int) bool {
	cfg, err := clientcmd.BuildConfigFromFlags("", s.folder.identity("operator"))
	if err != nil {
		s.log.Error("follow the API server", "error", err)
		return false
	}
	ask, err := readiness(cfg)
	if err != nil {
		s.log.Error("follow the API server", "error", err)
		return false
	}
	ended := false
	err = wait.PollUntilContextCancel(ctx, readyPoll, true, func(ctx context.Context) (bool, error) {
		if ask(ctx) {
			return true, nil
		}
		ended = p.snapshot().PID != pid
		return ended, nil
	})
	if ended {
		s.outages.look() // another one may run already
	}
	return err == nil && !ended
}

// awaitOutageEnd returns when the API server answers and its clients know it. Without etcd that would not come about.
func (s *supervisor) awaitOutageEnd(ctx context.Context) error {
	if p, ok := s.component(etcd); ok && !p.isWanted() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, outageTimeout)
	defer cancel()
	p, ok := s.component(apiServer)
	if !ok {
		return errors.New("there is no API server")
	}
	for {
		known, ended := s.outages.last()
		if now := p.snapshot(); now.State == stateRunning && now.PID == known {
			return nil
		}
		select {
		case <-ended:
		case <-s.failed:
			return errors.New("the supervisor has given up")
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer (logs: %s)", apiServer, s.folder.logFile(apiServer))
		}
	}
}
