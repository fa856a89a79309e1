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
	add("networking.k8s.io", "v1", false, "IngressClass", "ingressclasses", "ServiceCIDR", "servicecidrs", "IPAddress", "ipaddresses")
	add("rbac.authorization.k8s.io", "v1", true, "Role", "roles", "RoleBinding", "rolebindings")
	add("rbac.authorization.k8s.io", "v1", false, "ClusterRole", "clusterroles", "ClusterRoleBinding", "clusterrolebindings")
	add("scheduling.k8s.io", "v1", false, "PriorityClass", "priorityclasses")
	add("storage.k8s.io", "v1", false, "StorageClass", "storageclasses", "VolumeAttributesClass", "volumeattributesclasses")
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
	return builtInKinds()[at].get(ctx, env, namespace, name)
}

// servedKind returns the kind of that version, and nil where the cluster does not serve it. Built-in kinds are known; the
// API server is asked for others.
func servedKind(ctx context.Context, env Env, apiVersion, name string) (*kind, error) {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return nil, fmt.Errorf("apiVersion: %w", err)
	}
	for _, k := range builtInKinds() {
		if k.GroupVersionKind == gv.WithKind(name) {
			return &k, nil
		}
	}
	served, err := env.Client.Discovery().ServerResourcesForGroupVersionWithContext(ctx, apiVersion)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("asking for the kinds of %s: %w", apiVersion, err)
	}
	for _, r := range served.APIResources {
		if r.Kind == name && !strings.Contains(r.Name, "/") {
			return &kind{gv.WithKind(name), r.Name, r.Namespaced}, nil
		}
	}
	return nil, nil
}

// get returns nil for an object that does not exist.
func (k kind) get(ctx context.Context, env Env, namespace, name string) (*unstructured.Unstructured, error) {
	live, err := env.Dynamic.Resource(k.GroupVersion().WithResource(k.resource)).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", k.Kind, name, err)
	}
	return live, nil
}

// validCELKind refuses what can be told to be wrong without a cluster: a version that is none, a built-in kind that is
// misspelt or in another group, and a namespace where there is none.
func validCELKind(apiVersion, name, namespace string, list bool) error {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil || gv.Version == "" {
		return fmt.Errorf("apiVersion: %q is no version; write one such as v1 or apps/v1", apiVersion)
	}
	var group []string
	for _, k := range builtInKinds() {
		if k.Group == gv.Group {
			group = append(group, k.Kind)
		}
	}
	k, err := kindNamed(gv.Group + "/" + name)
	if err != nil {
		if near, ok := content.Nearest(name, group); ok {
			return fmt.Errorf("kind: %s has no kind %q; did you mean %s?", apiVersion, name, near)
		}
		if other, elsewhere := kindNamed(name); elsewhere == nil && len(group) > 0 {
			return fmt.Errorf("kind: %s has no kind %q; write the apiVersion %s", apiVersion, name, other.GroupVersion())
		}
		return nil // another group's: the cluster will say
	}
	switch {
	case !list && k.namespaced && namespace == "":
		return fmt.Errorf("namespace: a %s has one; add it", name)
	case !k.namespaced && namespace != "":
		return fmt.Errorf("namespace: a %s has none; remove it", name)
	}
	return nil
}
