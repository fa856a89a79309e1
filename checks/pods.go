package checks

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/content"
)

// listPods returns the pods of a namespace, or of all where it is empty, sorted by name.
func listPods(ctx context.Context, env Env, namespace string, options metav1.ListOptions) ([]corev1.Pod, error) {
	list, err := env.Client.CoreV1().Pods(namespace).List(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	slices.SortFunc(list.Items, func(a, b corev1.Pod) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	return list.Items, nil
}

func isFinished(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

func isTerminating(pod *corev1.Pod) bool { return pod.DeletionTimestamp != nil }

// isReady is what the API server and the disruption controller call healthy.
func isReady(pod *corev1.Pod) bool {
	c := podCondition(pod, corev1.PodReady)
	return c != nil && c.Status == corev1.ConditionTrue
}

func podCondition(pod *corev1.Pod, of corev1.PodConditionType) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == of {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

// isMirror: the kubelet made it from a file of its own, and the API cannot remove it.
func isMirror(pod *corev1.Pod) bool {
	_, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]
	return mirror
}

// isDaemon: drain leaves it where it is, and the DaemonSet controller tolerates the cordon.
func isDaemon(controller *metav1.OwnerReference) bool {
	return controller != nil && controller.Kind == "DaemonSet" && strings.HasPrefix(controller.APIVersion, "apps/")
}

func hasEmptyDir(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.EmptyDir != nil })
}

func podName(pod *corev1.Pod) string { return "pod/" + pod.Name }

// ownerChain returns the pod's controller, that one's controller, and so on: "ReplicaSet/web-5d → Deployment/web". It
// is empty for a bare pod.
func ownerChain(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod) (string, error) {
	var chain []string
	for ref := metav1.GetControllerOf(pod); ref != nil; {
		chain = append(chain, ref.Kind+"/"+ref.Name)
		owner, err := controllerObject(ctx, client, pod.Namespace, ref)
		if apierrors.IsNotFound(err) || owner == nil && err == nil {
			break
		}
		if err != nil {
			return "", fmt.Errorf("looking up who owns pod %s: %w", pod.Name, err)
		}
		ref = metav1.GetControllerOf(owner)
	}
	return strings.Join(chain, " → "), nil
}

// controllerObject returns nil for a kind that has no controller of its own among the built-in ones.
func controllerObject(ctx context.Context, client kubernetes.Interface, namespace string, ref *metav1.OwnerReference) (metav1.Object, error) {
	switch ref.Kind {
	case "ReplicaSet":
		return client.AppsV1().ReplicaSets(namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	case "Job":
		return client.BatchV1().Jobs(namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	}
	return nil, nil
}

// describePod says which pod it is and what kind of pod: whose, or bare, and whether it keeps data on the node.
func describePod(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod) (content.Text, error) {
	chain, err := ownerChain(ctx, client, pod)
	if err != nil {
		return content.Text{}, err
	}
	var en, ja []string
	if chain == "" {
		en, ja = append(en, "a bare pod, no controller will make it again"), append(ja, "コントローラーを持たない単独の Pod")
	} else {
		en, ja = append(en, "owned by "+chain), append(ja, "所有者は "+chain)
	}
	if hasEmptyDir(pod) {
		en, ja = append(en, "keeps data in an emptyDir"), append(ja, "emptyDir にデータを持つ")
	}
	name := pod.Namespace + "/" + pod.Name
	return content.Text{
		EN: fmt.Sprintf("%s (%s)", name, strings.Join(en, "; ")),
		JA: fmt.Sprintf("%s (%s)", name, strings.Join(ja, "、")),
	}, nil
}

// backOffs are the waiting reasons that do not go away by waiting.
var backOffs = [...]string{
	"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull",
	"CreateContainerConfigError", "CreateContainerError", "RunContainerError",
}

// notReadyReason says in the cluster's words why a pod is not ready, or returns "". stuck means that waiting is no help.
func notReadyReason(pod *corev1.Pod) (reason string, stuck bool) {
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if w := status.State.Waiting; w != nil && w.Reason != "" {
			return words(podName(pod), w.Reason, w.Message), slices.Contains(backOffs[:], w.Reason)
		}
	}
	for _, of := range [...]corev1.PodConditionType{corev1.PodScheduled, corev1.ContainersReady, corev1.PodReady} {
		if c := podCondition(pod, of); c != nil && c.Status == corev1.ConditionFalse {
			return words(podName(pod), c.Reason, c.Message), false
		}
	}
	return "", false
}

// words joins what is not empty. A sentence of the API server that goes on loses its full stop.
func words(parts ...string) string {
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	return strings.ReplaceAll(strings.Join(parts, ": "), ".: ", ": ")
}

// starting says which of the pods are on their way to being ready; empty where none is.
func starting(ctx context.Context, env Env, pods []corev1.Pod) (string, error) {
	for i := range pods {
		pod := &pods[i]
		if isFinished(pod) || isTerminating(pod) || isReady(pod) {
			continue
		}
		_, stuck := notReadyReason(pod)
		if !stuck && isUnschedulable(pod) {
			open, err := anyNodeOpenTo(ctx, env, pod)
			if err != nil {
				return "", err
			}
			stuck = !open
		}
		if !stuck {
			return podName(pod) + " is not ready yet", nil
		}
	}
	return "", nil
}

// coming says which pods are on their way: those that are starting, and those that a controller has yet to make. The
// controllers are asked after the pods were listed, so a pod that they count and the list lacks is on its way too.
func coming(ctx context.Context, env Env, pods []corev1.Pod) (string, error) {
	if pending, err := starting(ctx, env, pods); pending != "" || err != nil {
		return pending, err
	}
	listed := map[string]int{}
	for i := range pods {
		if owner := metav1.GetControllerOf(&pods[i]); owner != nil && owner.Kind == "ReplicaSet" {
			listed[owner.Name]++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(listed)) {
		if pending, err := unmade(ctx, env, pods[0].Namespace, name, listed[name]); pending != "" || err != nil {
			return pending, err
		}
	}
	return "", nil
}

// unmade says of a ReplicaSet and its Deployment that what they ask for has not been seen, or has not been made when
// the pods were listed, and that nothing is in the way.
func unmade(ctx context.Context, env Env, namespace, name string, listed int) (string, error) {
	set, err := env.Client.AppsV1().ReplicaSets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err == nil {
		if owner := metav1.GetControllerOf(set); owner != nil && owner.Kind == "Deployment" {
			if pending, err := unseen(ctx, env, namespace, owner.Name); pending != "" || err != nil {
				return pending, err
			}
			// What the Deployment's controller has seen, it has written into the ReplicaSet; look after it, not before.
			set, err = env.Client.AppsV1().ReplicaSets(namespace).Get(ctx, name, metav1.GetOptions{})
		}
	}
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("looking at replicaset %s: %w", name, err)
	}
	for _, c := range set.Status.Conditions {
		if c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue {
			return "", nil
		}
	}
	if wanted := int(*set.Spec.Replicas); set.Status.ObservedGeneration < set.Generation || int(set.Status.Replicas) < wanted || listed < wanted {
		return fmt.Sprintf("replicaset/%s to have made %d pods", name, wanted), nil
	}
	return "", nil
}

// unseen says of a Deployment that its controller has not seen what it asks for.
func unseen(ctx context.Context, env Env, namespace, name string) (string, error) {
	deployment, err := env.Client.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("looking at deployment %s: %w", name, err)
	}
	if deployment.Status.ObservedGeneration < deployment.Generation {
		return fmt.Sprintf("deployment/%s to be observed at generation %d", name, deployment.Generation), nil
	}
	return "", nil
}

// keep returns the pods of which keep is true.
func keep(pods []corev1.Pod, keep func(*corev1.Pod) bool) []corev1.Pod {
	var kept []corev1.Pod
	for i := range pods {
		if keep(&pods[i]) {
			kept = append(kept, pods[i])
		}
	}
	return kept
}

func withoutTerminating(pods []corev1.Pod) []corev1.Pod {
	return keep(pods, func(pod *corev1.Pod) bool { return !isTerminating(pod) })
}

func podNames(pods []corev1.Pod) []string {
	names := make([]string, len(pods))
	for i := range pods {
		names[i] = pods[i].Name
	}
	return names
}
