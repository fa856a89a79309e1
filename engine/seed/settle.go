package seed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// lookTimeout bounds the search for the reason why a wait was in vain.
const lookTimeout = 5 * time.Second

// settle waits until every object that is not meant to be broken has become what it should be. It gives up with errGone
// if an object does not exist any more.
func (op *operator) settle(ctx context.Context, s *Scenario, objects []*unstructured.Unstructured) error {
	for _, o := range objects {
		if s.broken[o] {
			continue
		}
		var waiting string
		var seen *unstructured.Unstructured
		err := eventually(ctx, func() (bool, error) {
			r, err := op.resource(o.GroupVersionKind(), o.GetNamespace())
			if err != nil {
				return false, err
			}
			live, err := r.Get(ctx, o.GetName(), metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				seen = nil
				return true, errGone
			}
			if err != nil {
				return false, err
			}
			seen, waiting = live, unsettled(live)
			return waiting == "", nil
		})
		if errors.Is(err, context.Canceled) {
			return err
		}
		if err != nil {
			if why := op.whyUnsettled(ctx, seen); why != "" {
				waiting += "; " + why
			}
			return fmt.Errorf("wait for %s %s (%s): %w", strings.ToLower(o.GetKind()), o.GetName(), waiting, err)
		}
	}
	return nil
}

// unsettled returns what an object still waits for, or "".
func unsettled(o *unstructured.Unstructured) string {
	integer := func(fields ...string) int64 {
		n, _, _ := unstructured.NestedInt64(o.Object, fields...)
		return n
	}
	if observed, found, _ := unstructured.NestedInt64(o.Object, "status", "observedGeneration"); found && observed < o.GetGeneration() {
		return "its controller has not seen it"
	}
	switch o.GroupVersionKind().GroupKind().String() {
	case "Deployment.apps", "StatefulSet.apps", "ReplicaSet.apps":
		want, found, _ := unstructured.NestedInt64(o.Object, "spec", "replicas")
		if !found {
			want = 1
		}
		if got := integer("status", "availableReplicas"); got < want {
			return fmt.Sprintf("%d of %d replicas are available", got, want)
		}
	case "DaemonSet.apps":
		if integer("status", "observedGeneration") == 0 {
			return "its controller has not seen it"
		}
		if want, got := integer("status", "desiredNumberScheduled"), integer("status", "numberAvailable"); got < want || want == 0 {
			return fmt.Sprintf("%d of %d pods are available", got, want)
		}
	case "Pod":
		if !conditionTrue(o, "Ready") {
			return "it is not Ready"
		}
	case "PodDisruptionBudget.policy":
		if integer("status", "observedGeneration") == 0 {
			return "its controller has not seen it"
		}
		// The budget's controller counts healthy pods a moment after the pods became ready.
		if want, got := integer("status", "expectedPods"), integer("status", "currentHealthy"); got < want {
			return fmt.Sprintf("%d of %d pods are healthy", got, want)
		}
	case "CustomResourceDefinition.apiextensions.k8s.io":
		if !conditionTrue(o, "Established") {
			return "it is not established"
		}
	}
	return ""
}

func conditionTrue(o *unstructured.Unstructured, kind string) bool {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	return slices.ContainsFunc(conditions, func(c any) bool {
		m, ok := c.(map[string]any)
		return ok && m["type"] == kind && m["status"] == "True"
	})
}

// whyUnsettled returns what keeps the pods of the object from being ready, as far as the cluster tells, or "". live is
// the object as it was last seen, or nil. ctx may have ended.
func (op *operator) whyUnsettled(ctx context.Context, live *unstructured.Unstructured) string {
	if live == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
	defer cancel()
	if live.GetKind() == "Pod" {
		return whyNotReady(live)
	}
	selector, found, _ := unstructured.NestedStringMap(live.Object, "spec", "selector", "matchLabels")
	if !found {
		return ""
	}
	pods, err := op.resource(corev1.SchemeGroupVersion.WithKind("Pod"), live.GetNamespace())
	if err != nil {
		return ""
	}
	list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: selector})})
	if err != nil {
		return ""
	}
	for i := range list.Items {
		if why := whyNotReady(&list.Items[i]); why != "" {
			return why
		}
	}
	reasons := failures(live)
	if len(list.Items) == 0 {
		reasons = append([]string{"it has no pods"}, reasons...)
	}
	return strings.Join(reasons, ": ")
}

// failures returns the messages of the conditions with which a controller says that it cannot go on.
func failures(o *unstructured.Unstructured) []string {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	var all []string
	for _, c := range conditions {
		m, _ := c.(map[string]any)
		if message, _ := m["message"].(string); m["type"] == "ReplicaFailure" && m["status"] == "True" && message != "" {
			all = append(all, message)
		}
	}
	return all
}

// whyNotReady returns the state of a pod that is not Ready, and "" for one that is.
func whyNotReady(o *unstructured.Unstructured) string {
	if conditionTrue(o, string(corev1.PodReady)) && o.GetDeletionTimestamp() == nil {
		return ""
	}
	var pod corev1.Pod
	if runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &pod) != nil {
		return ""
	}
	if pod.DeletionTimestamp != nil {
		return fmt.Sprintf("pod %s is being deleted", pod.Name)
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return fmt.Sprintf("pod %s is not scheduled: %s", pod.Name, c.Message)
		}
	}
	if pod.Spec.NodeName == "" {
		return fmt.Sprintf("pod %s has not been looked at by the scheduler", pod.Name)
	}
	for _, c := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		switch {
		case c.State.Waiting != nil:
			return strings.TrimSuffix(fmt.Sprintf("container %s of pod %s waits: %s: %s", c.Name, pod.Name, c.State.Waiting.Reason, c.State.Waiting.Message), ": ")
		case c.State.Running != nil && !c.Ready:
			return fmt.Sprintf("container %s of pod %s is not ready", c.Name, pod.Name)
		}
	}
	return fmt.Sprintf("pod %s on %s is %s", pod.Name, pod.Spec.NodeName, pod.Status.Phase)
}
