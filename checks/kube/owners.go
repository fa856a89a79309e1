package kube

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/text"
)

func hasEmptyDir(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.EmptyDir != nil })
}

// ownerChain returns the pod's controller, the controller of that controller, and so on: "ReplicaSet/web-5d →
// Deployment/web". It is empty for a bare pod.
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

// controllerObject reads a controller that may have a controller itself, and returns nil for any other kind.
func controllerObject(ctx context.Context, client kubernetes.Interface, namespace string, ref *metav1.OwnerReference) (metav1.Object, error) {
	switch ref.Kind {
	case "ReplicaSet":
		return client.AppsV1().ReplicaSets(namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	case "Job":
		return client.BatchV1().Jobs(namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	}
	return nil, nil
}

// DescribePod names the pod, its owners or that it is a bare pod, and says whether it keeps data on the node.
func DescribePod(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod) (text.Text, error) {
	chain, err := ownerChain(ctx, client, pod)
	if err != nil {
		return text.Text{}, err
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
	return text.Text{
		EN: fmt.Sprintf("%s (%s)", name, strings.Join(en, "; ")),
		JA: fmt.Sprintf("%s (%s)", name, strings.Join(ja, "、")),
	}, nil
}

// PresentTemplate returns the prefix of the names of all pods that the Deployment makes from its present template. It
// is empty if there is no such Deployment or it has no ReplicaSet yet, and an error while the controller has not seen
// the Deployment's latest change.
func PresentTemplate(ctx context.Context, env checks.Env, namespace, name string) (prefix string, err error) {
	deployment, err := env.Client.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading deployment/%s: %w", name, err)
	}
	if deployment.Status.ObservedGeneration < deployment.Generation {
		return "", fmt.Errorf("deployment/%s has not been observed at generation %d", name, deployment.Generation)
	}
	sets, err := env.Client.AppsV1().ReplicaSets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", fmt.Errorf("listing ReplicaSets: %w", err)
	}
	own := slices.DeleteFunc(sets.Items, func(rs appsv1.ReplicaSet) bool { return !metav1.IsControlledBy(&rs, deployment) })
	if len(own) == 0 {
		return "", nil
	}
	latest := slices.MaxFunc(own, func(a, b appsv1.ReplicaSet) int { return cmp.Compare(revisionOf(&a), revisionOf(&b)) })
	return latest.Name + "-", nil
}

// revisionOf returns the revision that a ReplicaSet is of, which is an annotation of the Deployment controller
// (RevisionAnnotation in kubernetes/pkg/controller/deployment/util).
func revisionOf(rs *appsv1.ReplicaSet) int {
	revision, err := strconv.Atoi(rs.Annotations["deployment.kubernetes.io/revision"])
	if err != nil {
		return 0
	}
	return revision
}
