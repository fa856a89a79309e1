package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/k8slab/k8slab/engine/behavior"
	"github.com/k8slab/k8slab/engine/cluster/embedded/clients"
	"github.com/k8slab/k8slab/engine/cluster/embedded/kubelet"
)

// simulation runs the simulated kubelet, and another one in its place when the state in its folder has been replaced.
type simulation struct {
	mu      sync.Mutex
	players *players      // nil between two
	there   chan struct{} // closed while players is not nil
	// asked holds what to do between the end of one kubelet and the start of the next, and where to say how it went.
	asked chan interlude
}

// players are all that is played: the nodes, and the clients that a lab declared.
type players struct {
	kubelet *kubelet.Kubelet
	clients *clients.Player
}

// run plays until ctx ends.
func (p *players) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var calling sync.WaitGroup
	defer calling.Wait()
	defer cancel()
	calling.Go(func() { p.clients.Run(ctx) })
	return p.kubelet.Run(ctx)
}

type interlude struct {
	do   func() error
	done chan error
}

// awaitSimulation is how long a request waits for a kubelet that is being replaced, or for one that is being restarted.
const awaitSimulation = 10 * time.Second

var errNotSimulating = errors.New("the simulated nodes are not running")

func newSimulation() *simulation {
	return &simulation{asked: make(chan interlude), there: make(chan struct{})}
}

// run plays the nodes until ctx ends. It calls started once, when the first kubelet is there to be asked.
func (s *simulation) run(ctx context.Context, create func() (*players, error), started func()) error {
	answer := func(error) {}
	var did error
	for {
		k, err := create()
		if err != nil {
			answer(errors.Join(did, err))
			return err
		}
		s.set(k)
		answer(did)
		if started != nil {
			started()
			started = nil
		}
		asked, err := s.play(ctx, k)
		s.set(nil)
		if err != nil || ctx.Err() != nil {
			return err
		}
		answer, did = func(err error) { asked.done <- err }, asked.do()
	}
}

// play runs k until ctx ends or an interlude is asked for.
func (s *simulation) play(ctx context.Context, k *players) (asked interlude, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- k.run(ctx) }()
	select {
	case err = <-ended:
		return asked, err
	case asked = <-s.asked:
		cancel()
		return asked, <-ended
	}
}

// restart stops the kubelet, calls f, and starts a new kubelet, which reads its folder anew. It returns when the
// new one is there to be asked.
func (s *simulation) restart(f func() error) error {
	asked := interlude{do: f, done: make(chan error, 1)}
	select {
	case s.asked <- asked:
		return <-asked.done
	case <-time.After(awaitSimulation):
		return errNotSimulating
	}
}

func (s *simulation) set(p *players) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.players = p
	if p != nil {
		close(s.there)
	} else {
		s.there = make(chan struct{})
	}
}

// get returns the players, and waits for those that are about to start.
func (s *simulation) get() (*players, error) {
	timeout := time.After(awaitSimulation)
	for {
		s.mu.Lock()
		k, there := s.players, s.there
		s.mu.Unlock()
		if k != nil {
			return k, nil
		}
		select {
		case <-there:
		case <-timeout:
			return nil, errNotSimulating
		}
	}
}

func (s *simulation) dialNode(ctx context.Context, addr string) (net.Conn, error) {
	k, err := s.get()
	if err != nil {
		return nil, err
	}
	return k.kubelet.DialNode(ctx, addr)
}

// NodeMetrics implements metrics.Source.
func (s *simulation) NodeMetrics(ctx context.Context) ([]v1beta1.NodeMetrics, error) {
	k, err := s.get()
	if err != nil {
		return nil, err
	}
	return k.kubelet.NodeMetrics(ctx)
}

// PodMetrics implements metrics.Source.
func (s *simulation) PodMetrics(ctx context.Context) ([]v1beta1.PodMetrics, error) {
	k, err := s.get()
	if err != nil {
		return nil, err
	}
	return k.kubelet.PodMetrics(ctx)
}

func (s *simulation) setBehaviors(documents []byte) error {
	all, err := behavior.Decode(documents)
	if err != nil {
		return err
	}
	callers, err := behavior.DecodeClients(documents)
	if err != nil {
		return err
	}
	p, err := s.get()
	if err != nil {
		return err
	}
	if err := p.kubelet.SetBehaviors(all); err != nil {
		return err
	}
	return p.clients.Set(callers)
}

func (s *simulation) act(node, action string, options url.Values) error {
	p, err := s.get()
	if err != nil {
		return err
	}
	k := p.kubelet
	switch action {
	case "stop":
		return k.StopNode(node)
	case "start":
		return k.StartNode(node)
	case "reboot":
		return k.RebootNode(node)
	case "touch":
		return k.TouchNode(node, options.Get("file"))
	case "upgrade":
		return k.UpgradeKubelet(node, options.Get("version"))
	case "set-kubelet":
		return k.SetKubelet(node, options.Get("version"))
	}
	return fmt.Errorf("no action %q", action)
}

// SetBehaviors implements cluster.Simulator.
func (p *Provider) SetBehaviors(ctx context.Context, name string, documents []byte) error {
	return p.command(ctx, name, "/behaviors", documents)
}

// StopNode implements cluster.NodePower.
func (p *Provider) StopNode(ctx context.Context, name, node string) error {
	return p.command(ctx, name, "/nodes/"+url.PathEscape(node)+"/stop", nil)
}

// StartNode implements cluster.NodePower.
func (p *Provider) StartNode(ctx context.Context, name, node string) error {
	return p.command(ctx, name, "/nodes/"+url.PathEscape(node)+"/start", nil)
}

// RebootNode implements cluster.NodePower.
func (p *Provider) RebootNode(ctx context.Context, name, node string) error {
	return p.command(ctx, name, "/nodes/"+url.PathEscape(node)+"/reboot", nil)
}

// TouchNode implements cluster.NodePower.
func (p *Provider) TouchNode(ctx context.Context, name, node, file string) error {
	return p.command(ctx, name, "/nodes/"+url.PathEscape(node)+"/touch?file="+url.QueryEscape(file), nil)
}
