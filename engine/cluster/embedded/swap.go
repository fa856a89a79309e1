package embedded

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// healthTimeout bounds the wait for a component that was replaced.
	healthTimeout = time.Minute
	// mostCrashes is how often a component that was replaced may end before it is given up. One that only has to wait
	// for another does not get there.
	mostCrashes = 3
)

var errEnding = errors.New("the cluster is being stopped")

// point lets the component be the release's from its next start on.
func (s *supervisor) point(name string, exe *executable, release string) error {
	p, ok := s.component(name)
	if !ok {
		return fmt.Errorf("no component %q", name)
	}
	desc := s.description()
	args, err := s.folder.arguments(desc.Ports, release, desc.Spec.RuntimeConfig)
	if err != nil {
		return err
	}
	p.replace(exe.Path, args[name])
	return nil
}

// runRelease replaces the components, one after the other, and waits for each until it is healthy.
func (s *supervisor) runRelease(ctx context.Context, exe *executable, release string, names ...string) error {
	for _, name := range names {
		p, ok := s.component(name)
		if !ok {
			return fmt.Errorf("no component %q", name)
		}
		healthy, err := s.health(name)
		if err != nil {
			return err
		}
		<-p.want(false)
		if err := s.point(name, exe, release); err != nil {
			return err
		}
		before := p.snapshot().Restarts
		p.want(true)
		if err := s.awaitHealthy(ctx, p, before, healthy); err != nil {
			return err
		}
	}
	return nil
}

// awaitHealthy waits until the component answers that it is well, or ends again and again.
func (s *supervisor) awaitHealthy(ctx context.Context, p *process, restarts int, healthy func(context.Context) bool) error {
	deadline := time.NewTimer(healthTimeout)
	defer deadline.Stop()
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for !healthy(ctx) {
		c := p.snapshot()
		if known, _ := s.outages.last(); p.name == apiServer && c.PID != 0 && c.PID != known {
			s.outages.over(c.PID) // its clients are replaced after it
		}
		if c.Restarts-restarts >= mostCrashes {
			return fmt.Errorf("%s ends again and again (%s): %s", c.Name, c.LastError, lastLine(s.folder.logFile(c.Name)))
		}
		select {
		case <-s.ending:
			return errEnding
		case <-deadline.C:
			return fmt.Errorf("%s did not become ready in %v: %s", p.name, healthTimeout, lastLine(s.folder.logFile(p.name)))
		case <-tick.C:
		}
	}
	return nil
}

// health returns how to ask a component whether it is well.
func (s *supervisor) health(name string) (func(context.Context) bool, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", s.folder.identity("operator"))
	if err != nil {
		return nil, err
	}
	desc := s.description()
	switch name {
	case controllerManager:
		return asking(cfg, "https://"+loopback(desc.Ports.ControllerManager)+"/healthz")
	case scheduler:
		return asking(cfg, "https://"+loopback(desc.Ports.Scheduler)+"/healthz")
	}
	return readiness(cfg)
}

// readiness returns a function that asks the API server's /readyz once.
func readiness(cfg *rest.Config) (func(context.Context) bool, error) {
	return asking(cfg, cfg.Host+"/readyz")
}

// asking returns a function that asks the address once, and says whether the answer was 200.
func asking(cfg *rest.Config, address string) (func(context.Context) bool, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.Timeout = 2 * time.Second
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) bool {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return false
		}
		res, err := client.Do(req)
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	}, nil
}
