package embedded

import (
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

// readyPoll is how often a starting API server is asked whether it is ready.
const readyPoll = 20 * time.Millisecond

// startUp leads the control plane to the moment at which its clients may start.
func (s *supervisor) startUp() part {
	return s.vital("start of the control plane", func(ctx context.Context) error {
		if err := s.restoreFirst(ctx); err != nil {
			return err
		}
		close(s.restored)
		if err := s.awaitAPI(ctx); err != nil {
			return err
		}
		if err := s.settleResumed(); err != nil {
			return err
		}
		p, _ := s.component(apiServer)
		s.outages.over(p.snapshot().PID)
		close(s.served)
		return nil
	})
}

// awaitAPI waits until the API server answers /readyz.
func (s *supervisor) awaitAPI(ctx context.Context) error {
	cfg, err := clientcmd.BuildConfigFromFlags("", s.folder.identity("operator"))
	if err != nil {
		return err
	}
	ask, err := readiness(cfg)
	if err != nil {
		return err
	}
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for !ask(ctx) {
		if err := s.hopeless(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	s.mu.Lock()
	s.apiReady = time.Since(s.began)
	s.mu.Unlock()
	close(s.apiAnswers)
	s.log.Info("the API server is ready", "after", s.apiReady)
	return nil
}

// maxStartCrashes is how often a component may end before the cluster was ever ready. A component that cannot be
// started ends within milliseconds each time; a component that only has to wait for another ends far less often.
const maxStartCrashes = 6

// hopeless returns why the cluster will not become ready, or nil.
func (s *supervisor) hopeless() error {
	for _, p := range s.components() {
		if c := p.snapshot(); c.Restarts >= maxStartCrashes {
			return fmt.Errorf("%s ends again and again (%s): %s", c.Name, c.LastError, lastLine(s.folder.logFile(c.Name)))
		}
	}
	return nil
}
