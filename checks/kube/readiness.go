package kube

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/checks"
)

// FirstReason returns the reason of the first pod that has one for not being ready, and nothing if there is none. See
// NotReadyReason.
func FirstReason(pods []corev1.Pod) string {
	for i := range pods {
		if reason, _ := NotReadyReason(&pods[i]); reason != "" {
			return reason
		}
	}
	return ""
}

// backOffs are the reasons of waiting containers that waiting does not cure.
var backOffs = [...]string{
	"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull",
	"CreateContainerConfigError", "CreateContainerError", "RunContainerError",
}

// NotReadyReason says in the cluster's words why a pod is not ready, or returns "". stuck means that waiting does not
// help.
func NotReadyReason(pod *corev1.Pod) (reason string, stuck bool) {
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if w := status.State.Waiting; w != nil && w.Reason != "" {
			return Words(PodName(pod), w.Reason, w.Message), slices.Contains(backOffs[:], w.Reason)
		}
	}
	for _, of := range [...]corev1.PodConditionType{corev1.PodScheduled, corev1.ContainersReady, corev1.PodReady} {
		if c := PodCondition(pod, of); c != nil && c.Status == corev1.ConditionFalse {
			return Words(PodName(pod), c.Reason, c.Message), false
		}
	}
	return "", false
}

// Words joins the parts that are not empty by colons. A sentence of the API server loses its full stop if another part
// follows.
func Words(parts ...string) string {
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	return strings.ReplaceAll(strings.Join(parts, ": "), ".: ", ": ")
}

// Starting names the first pod that is on its way to being ready; empty if there is none.
func Starting(ctx context.Context, env checks.Env, pods []corev1.Pod) (string, error) {
	for i := range pods {
		pod := &pods[i]
		if IsFinished(pod) || IsTerminating(pod) || IsReady(pod) {
			continue
		}
		_, stuck := NotReadyReason(pod)
		if !stuck && IsUnschedulable(pod) {
			open, err := anyNodeOpenTo(ctx, env, pod)
			if err != nil {
				return "", err
			}
			stuck = !open
		}
		if !stuck {
			return PodName(pod) + " is not ready yet", nil
		}
	}
	return "", nil
}

// Coming says which pods are on their way: those that are starting, and those that a controller has yet to make. The
// controllers are asked after the pods were listed, so a pod that a controller counts and the list lacks is on its way
// too.
func Coming(ctx context.Context, env checks.Env, pods []corev1.Pod) (string, error) {
	if pending, err := Starting(ctx, env, pods); pending != "" || err != nil {
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

// unmade says that the controller of a ReplicaSet or of its Deployment has not seen the latest change, or had not made
// all pods when the pods were listed. It is empty if the ReplicaSet reports that it cannot make pods.
func unmade(ctx context.Context, env checks.Env, namespace, name string, listed int) (string, error) {
	set, err := env.Client.AppsV1().ReplicaSets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err == nil {
		if owner := metav1.GetControllerOf(set); owner != nil && owner.Kind == "Deployment" {
			if pending, err := unseen(ctx, env, namespace, owner.Name); pending != "" || err != nil {
				return pending, err
			}
			// The Deployment's controller writes into the ReplicaSet before it says that it has seen a change: read the
			// ReplicaSet afterwards.
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

// unseen says that the controller has not seen the latest change of a Deployment; empty if it has.
func unseen(ctx context.Context, env checks.Env, namespace, name string) (string, error) {
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
