package embedded

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

const (
	etcd              = "etcd"
	apiServer         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
	scheduler         = "kube-scheduler"
)

// componentNames are in the order in which components are shown and started, the reverse of the order in which they are
// stopped.
var componentNames = []string{etcd, apiServer, controllerManager, scheduler}

// clientComponents are started when the API server is ready. Started earlier they would only take the processor from
// the API server, and the controller manager asks once a second whether it is there yet.
var clientComponents = []string{controllerManager, scheduler}

// componentPart keeps the process of a component running from a moment on; nil means at once.
func (s *supervisor) componentPart(name string, moment <-chan struct{}) part {
	return part{name, func(ctx context.Context) (func(), error) {
		p, ok := s.component(name)
		if !ok {
			return nil, fmt.Errorf("no component %q", name)
		}
		ctx, end := context.WithCancel(context.WithoutCancel(ctx))
		var running sync.WaitGroup
		running.Go(func() { p.run(ctx) })
		if moment == nil {
			p.want(true)
		} else {
			running.Go(func() {
				select {
				case <-moment:
					p.want(true)
				case <-ctx.Done():
				}
			})
		}
		return func() {
			<-p.want(false)
			end()
			running.Wait()
		}, nil
	}}
}

// arguments returns the command lines. A comment says why a flag departs from what kubeadm sets. The release decides
// what of runtimeConfig the API server can be told to serve.
func (f folder) arguments(p ports, release string, runtimeConfig []string) (map[string][]string, error) {
	egress, err := f.socket(egressSocket)
	if err != nil {
		return nil, err
	}
	if err := f.writeComponentConfigs(egress); err != nil {
		return nil, err
	}
	return map[string][]string{
		etcd:              f.etcdArguments(p),
		apiServer:         append(f.apiServerArguments(p), runtimeConfigArguments(runtimeConfig, release)...),
		controllerManager: f.controllerManagerArguments(p),
		scheduler:         f.schedulerArguments(p),
	}, nil
}

// servingArguments are those that the controller manager and the scheduler share.
func (f folder) servingArguments(name string, port int) []string {
	kubeconfig := f.identity(name)
	return []string{
		"--kubeconfig=" + kubeconfig,
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
		// The lookup waits for an API server that starts at the same time as they do.
		"--authentication-skip-lookup",
		"--client-ca-file=" + f.pki(clusterCA+".crt"),
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(port),
		"--tls-cert-file=" + f.pki("component-server.crt"),
		"--tls-private-key-file=" + f.pki("component-server.key"),
		// There is one of each, so nobody to elect a leader from.
		"--leader-elect=false",
		"--profiling=false",
	}
}

// componentEnvironment is the user's environment without what steers Go or Kubernetes in their shell: it is not meant
// for these processes.
func componentEnvironment(environ []string) []string {
	var env []string
	for _, kv := range environ {
		if strings.HasPrefix(kv, "GO") || strings.HasPrefix(kv, "KUBE") || strings.HasPrefix(kv, "ETCD_") {
			continue
		}
		env = append(env, kv)
	}
	return env
}

// components returns the processes in their order; none before they are prepared.
func (s *supervisor) components() []*process {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*process
	for _, name := range componentNames {
		if p, ok := s.procs[name]; ok {
			all = append(all, p)
		}
	}
	return all
}

func (s *supervisor) component(name string) (*process, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.procs[name]
	return p, ok
}

// switchComponent stops or starts one component and returns when it has.
func (s *supervisor) switchComponent(ctx context.Context, name, action string) error {
	p, ok := s.component(name)
	if !ok {
		return fmt.Errorf("no component %q", name)
	}
	switch action {
	case "stop":
		select {
		case <-p.want(false):
		case <-ctx.Done():
			return ctx.Err()
		}
	case "start":
		p.want(true)
		if name == apiServer {
			return s.awaitOutageEnd(ctx)
		}
	default:
		return fmt.Errorf("no action %q", action)
	}
	return nil
}

// componentChanged is called after each change of a component's state.
func (s *supervisor) componentChanged() {
	s.outages.look()
	s.recordPIDs()
}
