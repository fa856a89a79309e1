package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/text"
)

// Kind is a kind with what is needed to read its objects. Built-in kinds are listed here, so that a lab is linked
// without asking a cluster.
type Kind struct {
	schema.GroupVersionKind
	Resource   string
	Namespaced bool
}

// BuiltInKinds returns the kinds of Kubernetes that checks know by name.
func BuiltInKinds() []Kind {
	var kinds []Kind
	add := func(group, version string, namespaced bool, pairs ...string) {
		for i := 0; i < len(pairs); i += 2 {
			kinds = append(kinds, Kind{schema.GroupVersionKind{Group: group, Version: version, Kind: pairs[i]}, pairs[i+1], namespaced})
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

// KindNamed finds "Deployment" and "apps/Deployment". Among the built-in kinds the short name is enough.
func KindNamed(name string) (Kind, error) {
	group, short, qualified := strings.Cut(name, "/")
	if !qualified {
		short = name
	}
	var names []string
	for _, k := range BuiltInKinds() {
		if k.Kind == short && (!qualified || k.Group == group) {
			return k, nil
		}
		names = append(names, k.Kind)
	}
	if near, ok := text.Nearest(short, names); ok {
		return Kind{}, fmt.Errorf("kind: there is no built-in kind %q; did you mean %s?", name, near)
	}
	return Kind{}, fmt.Errorf("kind: there is no built-in kind %q", name)
}

// ReadLive reads an object of a built-in kind from the cluster, and returns nil for one that does not exist.
func ReadLive(ctx context.Context, env checks.Env, gk schema.GroupKind, namespace, name string) (*unstructured.Unstructured, error) {
	at := slices.IndexFunc(BuiltInKinds(), func(k Kind) bool { return k.GroupVersionKind.GroupKind() == gk })
	if at < 0 {
		return nil, fmt.Errorf("%s is no built-in kind", gk)
	}
	return BuiltInKinds()[at].Get(ctx, env, namespace, name)
}

// ServedKind returns the kind of that version, and nil if the cluster does not serve it. The API server is asked for
// kinds that are not built in.
func ServedKind(ctx context.Context, env checks.Env, apiVersion, name string) (*Kind, error) {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return nil, fmt.Errorf("apiVersion: %w", err)
	}
	for _, k := range BuiltInKinds() {
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
			return &Kind{gv.WithKind(name), r.Name, r.Namespaced}, nil
		}
	}
	return nil, nil
}

// Get reads an object of the kind from the cluster, and returns nil for one that does not exist.
func (k Kind) Get(ctx context.Context, env checks.Env, namespace, name string) (*unstructured.Unstructured, error) {
	live, err := env.Dynamic.Resource(k.GroupVersion().WithResource(k.Resource)).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", k.Kind, name, err)
	}
	return live, nil
}
