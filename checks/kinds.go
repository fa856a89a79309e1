package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/k8slab/k8slab/content"
)

// kind is a built-in kind, so that a lab is linked without asking a cluster.
type kind struct {
	schema.GroupVersionKind
	resource   string
	namespaced bool
}

func builtInKinds() []kind {
	var kinds []kind
	add := func(group, version string, namespaced bool, pairs ...string) {
		for i := 0; i < len(pairs); i += 2 {
			kinds = append(kinds, kind{schema.GroupVersionKind{Group: group, Version: version, Kind: pairs[i]}, pairs[i+1], namespaced})
		}
	}
	add("", "v1", true, "Pod", "pods", "Service", "services", "ConfigMap", "configmaps", "Secret", "secrets",
		"ServiceAccount", "serviceaccounts", "PersistentVolumeClaim", "persistentvolumeclaims",
		"ResourceQuota", "resourcequotas", "LimitRange", "limitranges", "ReplicationController", "replicationcontrollers")
	add("", "v1", false, "Namespace", "namespaces", "Node", "nodes", "PersistentVolume", "persistentvolumes")
	add("apps", "v1", true, "Deployment", "deployments", "StatefulSet", "statefulsets", "DaemonSet", "daemonsets", "ReplicaSet", "replicasets")
	add("batch", "v1", true, "Job", "jobs", "CronJob", "cronjobs")
	add("policy", "v1", true, "PodDisruptionBudget", "poddisruptionbudgets")
	add("autoscaling", "v2", true, "HorizontalPodAutoscaler", "horizontalpodautoscalers")
	add("networking.k8s.io", "v1", true, "NetworkPolicy", "networkpolicies", "Ingress", "ingresses")
	add("networking.k8s.io", "v1", false, "IngressClass", "ingressclasses")
	add("rbac.authorization.k8s.io", "v1", true, "Role", "roles", "RoleBinding", "rolebindings")
	add("rbac.authorization.k8s.io", "v1", false, "ClusterRole", "clusterroles", "ClusterRoleBinding", "clusterrolebindings")
	add("scheduling.k8s.io", "v1", false, "PriorityClass", "priorityclasses")
	add("storage.k8s.io", "v1", false, "StorageClass", "storageclasses")
	add("admissionregistration.k8s.io", "v1", false,
		"ValidatingWebhookConfiguration", "validatingwebhookconfigurations", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations",
		"ValidatingAdmissionPolicy", "validatingadmissionpolicies", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings")
	add("apiextensions.k8s.io", "v1", false, "CustomResourceDefinition", "customresourcedefinitions")
	return kinds
}

// kindNamed finds "Deployment" and "apps/Deployment". Among the built-in kinds the short name is enough.
func kindNamed(name string) (kind, error) {
	group, short, qualified := strings.Cut(name, "/")
	if !qualified {
		short = name
	}
	var names []string
	for _, k := range builtInKinds() {
		if k.Kind == short && (!qualified || k.Group == group) {
			return k, nil
		}
		names = append(names, k.Kind)
	}
	if near, ok := content.Nearest(short, names); ok {
		return kind{}, fmt.Errorf("kind: there is no built-in kind %q; did you mean %s?", name, near)
	}
	return kind{}, fmt.Errorf("kind: there is no built-in kind %q", name)
}

// readLive returns nil for an object that does not exist.
func readLive(ctx context.Context, env Env, gk schema.GroupKind, namespace, name string) (*unstructured.Unstructured, error) {
	at := slices.IndexFunc(builtInKinds(), func(k kind) bool { return k.GroupVersionKind.GroupKind() == gk })
	if at < 0 {
		return nil, fmt.Errorf("%s is no built-in kind", gk)
	}
	k := builtInKinds()[at]
	gvr := k.GroupVersion().WithResource(k.resource)
	live, err := env.Dynamic.Resource(gvr).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", k.Kind, name, err)
	}
	return live, nil
}
