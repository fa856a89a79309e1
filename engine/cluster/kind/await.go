package kind

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/engine/cluster"
)

// readyTimeout is how long an API server may take to say whether it is ready.
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
	var waiting []string
	var failed error
	err = wait.PollUntilContextCancel(ctx, poll, true, func(ctx context.Context) (bool, error) {
		waiting, failed = f.unready(ctx, client, spec, containers)
		return failed == nil && len(waiting) == 0, nil
	})
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return err
	case failed != nil:
		return fmt.Errorf("list the nodes: %w", errors.Join(err, failed))
	default:
		return notReady(spec.Name, waiting, err)
	}
}

// unready returns the names of the nodes that are not Ready or not there. A condition from the time before the node's
// machine came up does not count.
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
			up = containers[at].since.Truncate(time.Second) // a Node's times have no fractions of a second
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

// steadyLooks is how many looks in a row the API server has to be ready: the kubelet may start it once more right after
// a machine has come up.
const steadyLooks = 3

const (
	// askForMachine is the time between two looks at a machine whose API server is silent.
	askForMachine = 2 * time.Second
	// backByItself is how long a machine may be off: the engine starts a machine that has died again.
	backByItself = 5 * time.Second
)

// awaitAPI returns when the API server has been ready for that many looks in a row. It gives up at the end of ctx, or
// when the control plane's machine is off and stays off.
func (p *Provider) awaitAPI(ctx context.Context, f folder, looks int) error {
	watch, ready := powerWatch{asked: time.Now()}, 0
	err := wait.PollUntilContextCancel(ctx, poll, true, func(ctx context.Context) (bool, error) {
		if p.answers(ctx, f) {
			ready++
			watch = powerWatch{asked: time.Now()}
			return ready == looks, nil
		}
		ready = 0
		if watch.goneOff(ctx, f) {
			return false, f.hasGoneOff()
		}
		return false, nil
	})
	if wait.Interrupted(err) {
		return fmt.Errorf("the API server does not answer: %w", err)
	}
	return err
}

// powerWatch looks now and then whether the control plane's machine runs.
type powerWatch struct {
	// asked is the time of the last look; off is the time since which no look has found the machine on, or zero.
	asked, off time.Time
}

// goneOff reports whether the machine is off and stays off.
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

// hasGoneOff returns a problem that leads to the machine's last output.
func (f folder) hasGoneOff() error {
	e, err := locate(f.lab())
	if err != nil {
		return err
	}
	return hasGoneOff(f.lab(), e.command, f.name()+controlPlaneSuffix)
}

// mayRun reports whether the control plane's machine runs; true if the engine does not say.
func (f folder) mayRun(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	containers, err := f.containers(ctx)
	return err != nil || f.controlPlaneRuns(containers)
}
