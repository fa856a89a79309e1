package kind

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/engine/cluster"
)

// readyTimeout is how long an API server may think about whether it is ready.
const readyTimeout = 2 * time.Second

// answers reports whether the API server is ready.
func (p *Provider) answers(ctx context.Context, f folder) bool {
	client, err := f.client(readyTimeout)
	if err != nil {
		return false
	}
	return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error() == nil
}

// awaitNodes returns when every node of the spec that has power is Ready.
func (p *Provider) awaitNodes(ctx context.Context, e *engine, f folder, spec cluster.Spec) error {
	client, err := f.client(readyTimeout)
	if err != nil {
		return err
	}
	containers, err := e.containers(ctx, f.name())
	if err != nil {
		return err
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		waiting, err := f.unready(ctx, client, spec, containers)
		if err == nil && len(waiting) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			if err != nil {
				return fmt.Errorf("list the nodes: %w", errors.Join(ctx.Err(), err))
			}
			return notReady(spec.Name, waiting, ctx.Err())
		case <-tick.C:
		}
	}
}

// unready names the nodes that are not Ready, or not there. What a Node says of the time before its machine came up does not count.
func (f folder) unready(ctx context.Context, client kubernetes.Interface, spec cluster.Spec, containers []container) ([]string, error) {
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var waiting []string
	machines := f.machines(spec)
	for i, want := range spec.Nodes {
		var up time.Time
		if at := slices.IndexFunc(containers, func(c container) bool { return c.name == machines[i+1] }); at >= 0 {
			up = containers[at].since.Truncate(time.Second) // as precise as a Node's times are
		}
		ready := slices.ContainsFunc(list.Items, func(n corev1.Node) bool { return n.Name == want.Name && isReady(&n, up) })
		if !ready && !f.hasNoPower(want.Name) {
			waiting = append(waiting, want.Name)
		}
	}
	return waiting, nil
}

func isReady(n *corev1.Node, since time.Time) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue && !c.LastHeartbeatTime.Time.Before(since)
	})
}

// steadyLooks is for how long the API server has to be ready, in looks: the kubelet may start it once more right after a machine has come
// up.
const steadyLooks = 3

const (
	// askForMachine is how often a machine whose API server is silent is looked at.
	askForMachine = 2 * time.Second
	// backByItself is how long a machine may be off: the engine starts one again that has died.
	backByItself = 5 * time.Second
)

// awaitAPI returns when the API server has been ready for so many looks. It gives up at the end of ctx, or when the machine is off and
// stays so.
func (p *Provider) awaitAPI(ctx context.Context, f folder, looks int) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	watch := powerWatch{asked: time.Now()}
	for ready := 0; ; {
		if p.answers(ctx, f) {
			if ready++; ready == looks {
				return nil
			}
			watch = powerWatch{asked: time.Now()}
		} else {
			ready = 0
			if watch.goneOff(ctx, f) {
				return f.hasGoneOff()
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the API server does not answer: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// powerWatch looks now and then whether the machine of the control plane runs.
type powerWatch struct {
	// asked is when it was last looked at, and off since when nobody has seen it run.
	asked, off time.Time
}

// goneOff reports whether the machine is off and stays so.
func (w *powerWatch) goneOff(ctx context.Context, f folder) bool {
	if time.Since(w.asked) <= askForMachine {
		return false
	}
	on := f.mayRun(ctx)
	w.asked = time.Now()
	switch {
	case on:
		w.off = time.Time{}
	case w.off.IsZero():
		w.off = w.asked
	}
	return !on && w.asked.Sub(w.off) > backByItself
}

// hasGoneOff is a problem that leads to what the machine said last.
func (f folder) hasGoneOff() error {
	e, err := locate(f.lab())
	if err != nil {
		return err
	}
	return hasGoneOff(f.lab(), e.command, f.name()+controlPlaneSuffix)
}

// mayRun reports whether the machine of the control plane runs, as far as the engine says.
func (f folder) mayRun(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	containers, err := f.containers(ctx)
	return err != nil || f.controlPlaneRuns(containers)
}
