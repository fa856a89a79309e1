package kube

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	schedulingv1 "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"

	"github.com/k8slab/k8slab/checks"
)

// unschedulableFor is how long the scheduler's word stands before a check gives up on the pod. A learner who works by
// hand has long seen it by then.
const unschedulableFor = 5 * time.Second

// IsUnschedulable reports whether the scheduler found no node for the pod, and has not changed its mind for some
// seconds.
func IsUnschedulable(pod *corev1.Pod) bool {
	c := PodCondition(pod, corev1.PodScheduled)
	return c != nil && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable &&
		time.Since(c.LastTransitionTime.Time) > unschedulableFor
}

// anyNodeOpenTo reports whether a node would take the pod now, whatever room there is. The scheduler's word may be out
// of date: after an uncordon the scheduler waits for up to ten seconds before it tries the pod again
// (DefaultPodMaxBackoffDuration in kubernetes/pkg/scheduler/backend/queue/scheduling_queue.go), and a learner who has
// just uncordoned must not fail for that.
func anyNodeOpenTo(ctx context.Context, env checks.Env, pod *corev1.Pod) (bool, error) {
	nodes, err := env.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, fmt.Errorf("listing nodes: %w", err)
	}
	for i := range nodes.Items {
		if isOpenTo(ctx, &nodes.Items[i], pod) {
			return true, nil
		}
	}
	return false, nil
}

// isOpenTo leaves the cordon to the node's own field: the taint that follows from it comes and goes a moment later. In
// doubt, as with an affinity that cannot be read, the node counts as open and the pod is waited for.
func isOpenTo(ctx context.Context, node *corev1.Node, pod *corev1.Pod) bool {
	if node.Spec.Unschedulable {
		return false
	}
	_, kept := schedulingv1.FindMatchingUntoleratedTaint(klog.FromContext(ctx), node.Spec.Taints, pod.Spec.Tolerations, keepsOut, true)
	matches, err := nodeaffinity.GetRequiredNodeAffinity(pod).Match(node)
	return !kept && (matches || err != nil)
}

func keepsOut(taint *corev1.Taint) bool {
	return taint.Effect != corev1.TaintEffectPreferNoSchedule && taint.Key != corev1.TaintNodeUnschedulable
}
