package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"
)

const (
	// settleTimeout is how long a near miss waits for what it did, as a learner would. One that never comes to rest is
	// graded as it is.
	settleTimeout = 20 * time.Second
	settlePoll    = 50 * time.Millisecond
	createTimeout = 2 * time.Second
)

// errRefused says that the API server does not let a near miss be done.
var errRefused = errors.New("the API server refuses it")

// hand does near misses in the learner's name.
type hand struct{ client dynamic.Interface }

func newHand(cfg *rest.Config) (hand, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.QPS = -1
	cfg.WarningHandler = rest.NoWarnings{}
	client, err := dynamic.NewForConfig(cfg)
	return hand{client}, err
}

// do makes all moves. An error that is errRefused is the API server's answer to the near miss.
func (h hand) do(ctx context.Context, n nearMiss) error {
	for _, round := range n.rounds {
		for _, m := range round {
			if err := h.move(ctx, m); err != nil {
				o := m.object()
				return fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err)
			}
		}
		for _, m := range round {
			if err := h.settle(ctx, m); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h hand) move(ctx context.Context, m move) error {
	if m.to == nil || m.anew {
		if err := h.remove(ctx, m); err != nil || m.to == nil {
			return err
		}
	}
	_, err := h.get(ctx, m)
	if apierrors.IsNotFound(err) {
		// Somebody else may be faster: a kubelet makes its Node again, a controller what it looks after.
		if err = h.create(ctx, m); !apierrors.IsAlreadyExists(err) {
			return err
		}
	} else if err != nil {
		return err
	}
	return refused(retry.RetryOnConflict(retry.DefaultRetry, func() error {
		live, err := h.get(ctx, m)
		if err != nil {
			return err
		}
		_, err = h.at(m).Update(ctx, rewritten(live, m.to), metav1.UpdateOptions{})
		return err
	}))
}

// create waits a moment for what a namespace or a definition that was made just now brings with it.
func (h hand) create(ctx context.Context, m move) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, settlePoll, createTimeout, true, func(ctx context.Context) (bool, error) {
		_, last = h.at(m).Create(ctx, creatable(m.to), metav1.CreateOptions{})
		return !apierrors.IsNotFound(last) && !apierrors.IsForbidden(last), nil
	})
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return refused(last) // which keeps it for errors.As
}

func (h hand) at(m move) dynamic.ResourceInterface {
	if ns := m.object().GetNamespace(); ns != "" {
		return h.client.Resource(m.resource).Namespace(ns)
	}
	return h.client.Resource(m.resource)
}

func (h hand) get(ctx context.Context, m move) (*unstructured.Unstructured, error) {
	return h.at(m).Get(ctx, m.object().GetName(), metav1.GetOptions{})
}

// remove returns when the object has gone, or when it takes longer than anybody waits.
func (h hand) remove(ctx context.Context, m move) error {
	background := metav1.DeletePropagationBackground
	err := h.at(m).Delete(ctx, m.object().GetName(), metav1.DeleteOptions{PropagationPolicy: &background})
	if err != nil && !apierrors.IsNotFound(err) {
		return refused(err)
	}
	return h.await(ctx, func() (bool, error) {
		_, err := h.get(ctx, m)
		return apierrors.IsNotFound(err), ignoreNotFound(err)
	})
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// await asks until done, but no longer than settleTimeout, which is no error.
func (h hand) await(ctx context.Context, done wait.ConditionFunc) error {
	err := wait.PollUntilContextTimeout(ctx, settlePoll, settleTimeout, true, func(context.Context) (bool, error) { return done() })
	if wait.Interrupted(err) {
		return ctx.Err()
	}
	return err
}

// settle waits until the controllers have done what follows from the move.
func (h hand) settle(ctx context.Context, m move) error {
	if m.to == nil {
		return nil
	}
	return h.await(ctx, func() (bool, error) {
		live, err := h.get(ctx, m)
		if err != nil {
			return apierrors.IsNotFound(err), ignoreNotFound(err)
		}
		return settled(live), nil
	})
}

// settled reports whether the status says that a controller is done with the spec. What has no such status is done at
// once.
func settled(o *unstructured.Unstructured) bool {
	number := func(fields ...string) int64 {
		n, _, _ := unstructured.NestedInt64(o.Object, fields...)
		return n
	}
	if observed, found, _ := unstructured.NestedInt64(o.Object, "status", "observedGeneration"); found && observed < o.GetGeneration() {
		return false
	}
	switch o.GroupVersionKind().GroupKind().String() {
	case "Deployment.apps", "StatefulSet.apps":
		want := number("spec", "replicas")
		return number("status", "replicas") == want && number("status", "updatedReplicas") == want && number("status", "availableReplicas") == want
	case "DaemonSet.apps":
		want := number("status", "desiredNumberScheduled")
		return number("status", "updatedNumberScheduled") == want && number("status", "numberAvailable") == want
	case "PodDisruptionBudget.policy":
		return number("status", "observedGeneration") > 0
	}
	return true
}

// refused tells the answers of the API server that are about the near miss from those about its own state.
func refused(err error) error {
	if apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsBadRequest(err) || apierrors.IsAlreadyExists(err) ||
		apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	return err
}

// rewritten is the live object with what is written in to.
func rewritten(live, to *unstructured.Unstructured) *unstructured.Unstructured {
	o := to.DeepCopy()
	meta, _, _ := unstructured.NestedMap(live.Object, "metadata")
	annotations := map[string]string{}
	for key, value := range live.GetAnnotations() {
		if bookkeeping(key) {
			annotations[key] = value
		}
	}
	for key, value := range to.GetAnnotations() {
		annotations[key] = value
	}
	o.Object["metadata"] = meta
	o.SetLabels(to.GetLabels())
	o.SetAnnotations(annotations)
	o.SetManagedFields(nil)
	if status, found := live.Object["status"]; found {
		o.Object["status"] = status // a kind without the subresource would lose it
	}
	for _, kept := range [][]string{{"spec", "nodeName"}, {"spec", "volumeName"}} {
		if value, found, _ := unstructured.NestedString(live.Object, kept...); found {
			_ = unstructured.SetNestedField(o.Object, value, kept...) // both have a spec
		}
	}
	return o
}

// creatable is the object without what the API server gives to each object once.
func creatable(to *unstructured.Unstructured) *unstructured.Unstructured {
	o := to.DeepCopy()
	o.SetGenerateName("")
	switch o.GetKind() {
	case "Service":
		if ip, _, _ := unstructured.NestedString(o.Object, "spec", "clusterIP"); ip != "None" {
			unstructured.RemoveNestedField(o.Object, "spec", "clusterIP")
			unstructured.RemoveNestedField(o.Object, "spec", "clusterIPs")
		}
		removeNodePorts(o)
	case "Job":
		if manual, _, _ := unstructured.NestedBool(o.Object, "spec", "manualSelector"); !manual {
			unstructured.RemoveNestedField(o.Object, "spec", "selector")
			for _, label := range []string{"batch.kubernetes.io/controller-uid", "controller-uid"} {
				unstructured.RemoveNestedField(o.Object, "spec", "template", "metadata", "labels", label)
				unstructured.RemoveNestedField(o.Object, "metadata", "labels", label)
			}
		}
	}
	return o
}

// removeNodePorts lets the copy of a Service have ports of its own: each is given out once in a cluster.
func removeNodePorts(service *unstructured.Unstructured) {
	ports, found, _ := unstructured.NestedSlice(service.Object, "spec", "ports")
	if !found {
		return
	}
	for _, p := range ports {
		if port, ok := p.(map[string]any); ok {
			delete(port, "nodePort")
		}
	}
	_ = unstructured.SetNestedSlice(service.Object, ports, "spec", "ports") // spec is there: the ports were
}
