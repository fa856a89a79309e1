package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/record"
	"k8s.io/component-helpers/apimachinery/lease"
	"k8s.io/utils/clock"
)

// The kubelet's defaults (pkg/kubelet/apis/config/v1beta1/defaults.go).
const (
	leaseSeconds    = 40
	leaseInterval   = 10 * time.Second
	statusFrequency = 10 * time.Second
	reportFrequency = 5 * time.Minute
)

// node is one simulated node. It runs by itself, so that switching off its power is to end its run.
type node struct {
	Node
	cluster   string
	client    kubernetes.Interface
	recorder  record.EventRecorder
	log       *slog.Logger
	addresses *addresses
	images    images
	// created says that this run created the Node object, perhaps in an attempt to register that failed afterwards.
	created bool
	// leaseInterval is how often the lease is renewed.
	leaseInterval time.Duration
	// wake asks for lease and status at once.
	wake chan struct{}
	// registered is closed once the node has been registered in this run, or has no power.
	registered     chan struct{}
	registeredOnce sync.Once
	// bootTime is how long the machine boots.
	bootTime time.Duration
	// conns are the open connections to the node's API.
	conns openConns
	meter meter

	mu      sync.Mutex
	machine machine
	// up says that the machine has power and has booted.
	up bool
	// switched is closed when the machine's power is switched or it is rebooted.
	switched chan struct{}
}

// nudge asks for lease and status at once.
func (n *node) nudge() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// run registers the node, once as a real kubelet does (registerWithAPIServer): a Node object that is deleted while the
// kubelet runs stays away until the kubelet is started again. Then it keeps lease and status fresh until ctx ends.
func (n *node) run(ctx context.Context) {
	n.created = false
	if err := n.registerUntilDone(ctx); err != nil {
		return
	}
	n.markRegistered()
	leases := lease.NewController(clock.RealClock{}, n.client, n.Name, leaseSeconds, nil, n.leaseInterval, n.Name,
		corev1.NamespaceNodeLease, func(l *coordinationv1.Lease) error { return n.ownLease(ctx, l) })

	reported := time.Now()
	for ctx.Err() == nil {
		awake, stop := context.WithCancel(ctx)
		var running sync.WaitGroup
		// A fresh Run renews at once; the controller remembers its lease.
		running.Go(func() { leases.Run(awake) })
		running.Go(func() {
			for {
				reported = n.syncStatus(awake, reported)
				select {
				case <-awake.Done():
					return
				case <-time.After(n.untilNextStatus(time.Now())):
				}
			}
		})
		select {
		case <-ctx.Done():
		case <-n.wake:
		}
		stop()
		running.Wait()
	}
}

// untilNextStatus is how long until the status is looked at again: as soon as the node has settled after a boot, as the
// kubelet does (fastStatusUpdateOnce).
func (n *node) untilNextStatus(now time.Time) time.Duration {
	if left := n.settlesAt(n.identity()).Sub(now); left > 0 {
		return min(left, statusFrequency)
	}
	return statusFrequency
}

// registerUntilDone registers the node as soon as the API server lets it. The real kubelet backs off to 7 s; here the
// API server is on the same machine and a learner is waiting.
func (n *node) registerUntilDone(ctx context.Context) error {
	backoff := wait.Backoff{Duration: 20 * time.Millisecond, Factor: 1.5, Steps: 10, Cap: time.Second}
	return backoff.DelayFunc().Until(ctx, true, true, func(ctx context.Context) (bool, error) {
		if err := n.register(ctx); err != nil {
			n.log.Debug("node is not registered yet", "node", n.Name, "error", err)
			return false, nil
		}
		return true, nil
	})
}

// register creates the Node object, or brings an existing one up to date.
func (n *node) register(ctx context.Context) error {
	object, err := n.client.CoreV1().Nodes().Create(ctx, nodeObject(n.Node, n.identity(), n.cluster, metav1.Now()), metav1.CreateOptions{})
	switch {
	case err == nil:
		n.created = true
		n.log.Info("node registered", "node", n.Name)
	case apierrors.IsAlreadyExists(err):
		if object, err = n.reconcile(ctx); err != nil {
			return err
		}
	default:
		return fmt.Errorf("register node %s: %w", n.Name, err)
	}
	if object, err = n.letSchedule(ctx, object); err != nil {
		return err
	}
	for _, image := range object.Status.Images {
		// The digest comes first; a tag, where there is one, last (nodeImages).
		if len(image.Names) > 0 {
			n.images.add(image.Names[len(image.Names)-1])
		}
	}
	n.event(object.UID, corev1.EventTypeNormal, "Starting", "Starting kubelet.")
	if n.created {
		n.event(object.UID, corev1.EventTypeNormal, "NodeReady", fmt.Sprintf("Node %s status is now: NodeReady", n.Name))
	}
	return nil
}

// reconcile sets the labels that the kubelet owns on the existing Node (updateDefaultLabels).
func (n *node) reconcile(ctx context.Context) (*corev1.Node, error) {
	object, err := n.client.CoreV1().Nodes().Get(ctx, n.Name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("find node %s: %w", n.Name, err)
	}
	want := maps.Clone(object.Labels)
	if want == nil {
		want = map[string]string{}
	}
	maps.Copy(want, nodeLabels(n.Node))
	if maps.Equal(want, object.Labels) {
		return object, nil
	}
	object.Labels = want
	if object, err = n.client.CoreV1().Nodes().Update(ctx, object, metav1.UpdateOptions{}); err != nil {
		return nil, fmt.Errorf("update labels of node %s: %w", n.Name, err)
	}
	return object, nil
}

// letSchedule takes away the taint that admission puts on every new node until a controller has seen it Ready
// (plugin/pkg/admission/nodetaint). The node is registered Ready, and the node lifecycle controller would do the same
// once it has started; a learner need not wait for that.
func (n *node) letSchedule(ctx context.Context, object *corev1.Node) (*corev1.Node, error) {
	if !nodeIsReady(object) {
		return object, nil
	}
	var taints []corev1.Taint
	for _, t := range object.Spec.Taints {
		if t.Key != corev1.TaintNodeNotReady || t.Effect != corev1.TaintEffectNoSchedule {
			taints = append(taints, t)
		}
	}
	if len(taints) == len(object.Spec.Taints) {
		return object, nil
	}
	object.Spec.Taints = taints
	object, err := n.client.CoreV1().Nodes().Update(ctx, object, metav1.UpdateOptions{})
	if err != nil {
		return nil, fmt.Errorf("let pods be scheduled to node %s: %w", n.Name, err)
	}
	return object, nil
}

func nodeIsReady(object *corev1.Node) bool {
	for _, c := range object.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// syncStatus writes the node's status if it changed or was not reported for long (tryUpdateNodeStatus). It returns
// when the status was written last.
func (n *node) syncStatus(ctx context.Context, reported time.Time) time.Time {
	object, err := n.client.CoreV1().Nodes().Get(ctx, n.Name, metav1.GetOptions{ResourceVersion: "0"})
	if err != nil {
		n.log.Debug("status of node is not updated", "node", n.Name, "error", err)
		return reported
	}
	now := time.Now()
	changed := object.DeepCopy()
	m := n.identity()
	setNodeStatus(&changed.Status, n.Node, m, n.images.list(), !now.Before(n.settlesAt(m)), metav1.NewTime(now))
	if !statusChanged(&object.Status, &changed.Status) && now.Sub(reported) < reportFrequency {
		return reported
	}
	if boot := object.Status.NodeInfo.BootID; boot != "" && boot != m.BootID {
		n.event(object.UID, corev1.EventTypeWarning, "Rebooted", fmt.Sprintf("Node %s has been rebooted, boot id: %s", n.Name, m.BootID))
	}
	if is := nodeIsReady(changed); is != nodeIsReady(object) {
		reason := "NodeNotReady"
		if is {
			reason = "NodeReady"
		}
		n.event(object.UID, corev1.EventTypeNormal, reason, fmt.Sprintf("Node %s status is now: %s", n.Name, reason))
	}
	patch, err := nodeStatusPatch(object, changed)
	if err == nil {
		_, err = n.client.CoreV1().Nodes().PatchStatus(ctx, n.Name, patch)
	}
	if err != nil {
		n.log.Debug("status of node is not updated", "node", n.Name, "error", err)
		return reported
	}
	return now
}

func nodeStatusPatch(old, changed *corev1.Node) ([]byte, error) {
	before, err := json.Marshal(corev1.Node{Status: old.Status})
	if err != nil {
		return nil, fmt.Errorf("encode status of node %s: %w", old.Name, err)
	}
	after, err := json.Marshal(corev1.Node{Status: changed.Status})
	if err != nil {
		return nil, fmt.Errorf("encode status of node %s: %w", old.Name, err)
	}
	patch, err := strategicpatch.CreateTwoWayMergePatch(before, after, corev1.Node{})
	if err != nil {
		return nil, fmt.Errorf("compare statuses of node %s: %w", old.Name, err)
	}
	return patch, nil
}

// ownLease makes the Node the owner of its lease, so that both go together (pkg/kubelet/util/nodelease.go). An error
// keeps the lease from being created: a node without Node object has none.
func (n *node) ownLease(ctx context.Context, l *coordinationv1.Lease) error {
	if len(l.OwnerReferences) > 0 {
		return nil
	}
	object, err := n.client.CoreV1().Nodes().Get(ctx, n.Name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("find node %s for its lease: %w", n.Name, err)
	}
	l.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: corev1.SchemeGroupVersion.String(), Kind: "Node", Name: n.Name, UID: object.UID,
	}}
	return nil
}

// event records an event about the Node, with the UID as the kubelet gives it (nodeRefWithUID), by which describe finds
// it.
func (n *node) event(uid types.UID, kind, reason, message string) {
	n.recorder.Event(&corev1.ObjectReference{APIVersion: "v1", Kind: "Node", Name: n.Name, UID: uid}, kind, reason, message)
}
