package kube

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/k8slab/k8slab/checks"
)

// BaselinePods returns the pods of the starting state, of all namespaces.
func BaselinePods(baseline checks.Baseline) ([]corev1.Pod, error) {
	objects := baseline.Objects(schema.GroupKind{Kind: "Pod"})
	pods := make([]corev1.Pod, len(objects))
	for i, o := range objects {
		if err := FromUnstructured(o, &pods[i]); err != nil {
			return nil, err
		}
	}
	return pods, nil
}

// ListPods returns the pods of a namespace, or of all where it is empty, sorted by name.
func ListPods(ctx context.Context, env checks.Env, namespace string, options metav1.ListOptions) ([]corev1.Pod, error) {
	list, err := env.Client.CoreV1().Pods(namespace).List(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	slices.SortFunc(list.Items, func(a, b corev1.Pod) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	return list.Items, nil
}

// IsFinished reports whether all containers of the pod have ended for good.
func IsFinished(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// IsTerminating reports whether the pod is being deleted.
func IsTerminating(pod *corev1.Pod) bool { return pod.DeletionTimestamp != nil }

// IsReady reports whether the pod is what the API server and the disruption controller call healthy.
func IsReady(pod *corev1.Pod) bool {
	c := PodCondition(pod, corev1.PodReady)
	return c != nil && c.Status == corev1.ConditionTrue
}

// PodCondition returns nil if the pod has no such condition.
func PodCondition(pod *corev1.Pod, of corev1.PodConditionType) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == of {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

// IsMirror reports whether a kubelet made the pod from a file on its node: the API cannot remove such a pod.
func IsMirror(pod *corev1.Pod) bool {
	_, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]
	return mirror
}

// IsDaemon reports whether a pod's controller is a DaemonSet: a drain leaves such a pod where it is, and its controller
// tolerates the cordon.
func IsDaemon(controller *metav1.OwnerReference) bool {
	return controller != nil && controller.Kind == "DaemonSet" && strings.HasPrefix(controller.APIVersion, "apps/")
}

// PodName names the pod as kubectl does: "pod/web-0".
func PodName(pod *corev1.Pod) string { return "pod/" + pod.Name }

// Keep returns the pods of which keep is true.
func Keep(pods []corev1.Pod, keep func(*corev1.Pod) bool) []corev1.Pod {
	var kept []corev1.Pod
	for i := range pods {
		if keep(&pods[i]) {
			kept = append(kept, pods[i])
		}
	}
	return kept
}

// WithoutTerminating returns the pods that are not being deleted.
func WithoutTerminating(pods []corev1.Pod) []corev1.Pod {
	return Keep(pods, func(pod *corev1.Pod) bool { return !IsTerminating(pod) })
}

// PodNames returns the names of the pods.
func PodNames(pods []corev1.Pod) []string {
	names := make([]string, len(pods))
	for i := range pods {
		names[i] = pods[i].Name
	}
	return names
}
