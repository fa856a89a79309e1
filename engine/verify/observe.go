package verify

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"github.com/k8slab/k8slab/checks"
)

// effect is one object that a solution made, changed or removed.
type effect struct {
	resource schema.GroupVersionResource
	// before is nil for an object that was made, after for one that was removed. Both are essences.
	before, after *unstructured.Unstructured
	// replaced: the solution deleted the object and created it again.
	replaced bool
}

// object is the one that the effect is about, as it is or was.
func (e effect) object() *unstructured.Unstructured {
	if e.after != nil {
		return e.after
	}
	return e.before
}

// id is "deployment/shop/web" or "node/worker-2". A name that the API server makes up is another one each time.
func (e effect) id() string {
	o := e.object()
	parts := []string{strings.ToLower(o.GetKind()), o.GetNamespace(), o.GetName()}
	if generated := o.GetGenerateName(); generated != "" {
		parts[2] = strings.TrimRight(generated, "-")
	}
	if parts[1] == "" {
		parts = slices.Delete(parts, 1, 2)
	}
	return strings.Join(parts, "/")
}

// observed is an object as it was seen.
type observed struct {
	resource schema.GroupVersionResource
	uid      string
	essence  *unstructured.Unstructured
}

// observation holds what people and labs write in a cluster, by resource, namespace and name.
type observation map[string]observed

// machinery are kinds that only the control plane writes.
var machinery = map[schema.GroupResource]bool{
	{Resource: "events"}:                                        true,
	{Group: "events.k8s.io", Resource: "events"}:                true,
	{Resource: "endpoints"}:                                     true,
	{Group: "discovery.k8s.io", Resource: "endpointslices"}:     true,
	{Group: "coordination.k8s.io", Resource: "leases"}:          true,
	{Group: "apps", Resource: "controllerrevisions"}:            true,
	{Resource: "componentstatuses"}:                             true,
	{Group: "apiregistration.k8s.io", Resource: "apiservices"}:  true,
	{Group: "networking.k8s.io", Resource: "ipaddresses"}:       true,
	{Group: "storage.k8s.io", Resource: "csinodes"}:             true,
	{Group: "storage.k8s.io", Resource: "volumeattachments"}:    true,
	{Group: "storage.k8s.io", Resource: "csistoragecapacities"}: true,
	{Group: "metrics.k8s.io", Resource: "pods"}:                 true,
	{Group: "metrics.k8s.io", Resource: "nodes"}:                true,
}

// observe reads all objects that are not the control plane's own.
func observe(ctx context.Context, cfg *rest.Config) (observation, error) {
	typed, dyn, err := checks.Clients(cfg)
	if err != nil {
		return nil, err
	}
	lists, err := discovery.ServerPreferredResources(typed.Discovery())
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return nil, fmt.Errorf("asking for the kinds of object: %w", err)
	}
	seen := observation{}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, kind := range list.APIResources {
			resource := gv.WithResource(kind.Name)
			if machinery[resource.GroupResource()] || !slices.Contains(kind.Verbs, "list") || !slices.Contains(kind.Verbs, "update") {
				continue
			}
			found, err := dyn.Resource(resource).List(ctx, metav1.ListOptions{})
			if err != nil {
				return nil, fmt.Errorf("listing %s: %w", kind.Name, err)
			}
			for i := range found.Items {
				seen.keep(resource, &found.Items[i])
			}
		}
	}
	return seen, nil
}

func (seen observation) keep(resource schema.GroupVersionResource, o *unstructured.Unstructured) {
	if strings.HasPrefix(o.GetNamespace(), "kube-") || metav1.GetControllerOf(o) != nil || o.GetDeletionTimestamp() != nil || everywhere(o) ||
		writtenByControlPlane(o) {
		return
	}
	key := strings.Join([]string{resource.GroupResource().String(), o.GetNamespace(), o.GetName()}, "/")
	seen[key] = observed{resource: resource, uid: string(o.GetUID()), essence: essence(o)}
}

// controlPlane are the field managers under which it writes.
var controlPlane = [...]string{"kube-apiserver", "kube-controller-manager", "kube-scheduler"}

// writtenByControlPlane: nobody else has written to it, as to the ClusterTrustBundle that the controllers of a newer
// release make when they get round to it. Whoever removes such an object sees it come back.
func writtenByControlPlane(o *unstructured.Unstructured) bool {
	managers := o.GetManagedFields()
	for _, m := range managers {
		if !slices.Contains(controlPlane[:], m.Manager) {
			return false
		}
	}
	return len(managers) > 0
}

// everywhere: every namespace, or every cluster of a release, gets it by itself. An upgrade brings those of the new
// release along.
func everywhere(o *unstructured.Unstructured) bool {
	return o.GetLabels()["kubernetes.io/bootstrapping"] == "rbac-defaults" ||
		o.GetKind() == "ServiceAccount" && o.GetName() == "default" || o.GetKind() == "ConfigMap" && o.GetName() == "kube-root-ca.crt"
}

// effects are the differences of two observations, in an order that is the same in every run: what others need comes
// first.
func effects(before, after observation) []effect {
	keys := maps.Clone(before)
	maps.Copy(keys, after)
	var found []effect
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		was, had := before[key]
		is, has := after[key]
		switch {
		case !had:
			found = append(found, effect{resource: is.resource, after: is.essence})
		case !has:
			found = append(found, effect{resource: was.resource, before: was.essence})
		case was.uid != is.uid || !equality.Semantic.DeepEqual(was.essence.Object, is.essence.Object):
			found = append(found, effect{resource: is.resource, before: was.essence, after: is.essence, replaced: was.uid != is.uid})
		}
	}
	slices.SortStableFunc(found, func(a, b effect) int { return rank(a) - rank(b) })
	return found
}

func rank(e effect) int {
	switch e.object().GetKind() {
	case "Namespace", "CustomResourceDefinition":
		return 0
	case "ServiceAccount", "ConfigMap", "Secret":
		return 1
	}
	return 2
}

// essence is what somebody wrote of an object: not its status, nor what the API server, controllers and the scheduler
// add.
func essence(o *unstructured.Unstructured) *unstructured.Unstructured {
	meta := map[string]any{"name": o.GetName()}
	if ns := o.GetNamespace(); ns != "" {
		meta["namespace"] = ns
	}
	if generated := o.GetGenerateName(); generated != "" {
		meta["generateName"] = generated
	}
	written, _, _ := unstructured.NestedStringMap(o.Object, "metadata", "annotations")
	maps.DeleteFunc(written, func(key, _ string) bool { return bookkeeping(key) })
	copied := o.DeepCopy()
	copied.Object["metadata"] = meta
	if len(o.GetLabels()) > 0 {
		copied.SetLabels(o.GetLabels())
	}
	if len(written) > 0 {
		copied.SetAnnotations(written)
	}
	delete(copied.Object, "status")
	switch o.GetKind() {
	case "Pod":
		// The scheduler's, but for pods that bypass it, which are rare enough to be scheduled here.
		unstructured.RemoveNestedField(copied.Object, "spec", "nodeName")
	case "Node":
		removeOwnTaints(copied)
	case "PersistentVolumeClaim":
		unstructured.RemoveNestedField(copied.Object, "spec", "volumeName")
	}
	return copied
}

// bookkeeping reports an annotation that kubectl or a controller keeps for itself.
func bookkeeping(key string) bool {
	if key == "kubectl.kubernetes.io/last-applied-configuration" {
		return true
	}
	prefix, _, _ := strings.Cut(key, "/")
	return slices.Contains([]string{
		"deployment.kubernetes.io", "pv.kubernetes.io", "volume.kubernetes.io", "volume.beta.kubernetes.io",
		"node.alpha.kubernetes.io", "volumes.kubernetes.io", "kwok.x-k8s.io",
	}, prefix)
}

// removeOwnTaints takes off the taints that follow from a node's other fields and conditions; the node controllers put
// them on.
func removeOwnTaints(node *unstructured.Unstructured) {
	taints, found, _ := unstructured.NestedSlice(node.Object, "spec", "taints")
	if !found {
		return
	}
	taints = slices.DeleteFunc(taints, func(t any) bool {
		taint, _ := t.(map[string]any)
		key, _ := taint["key"].(string)
		return strings.HasPrefix(key, "node.kubernetes.io/") && key != corev1.TaintNodeOutOfService // this one is put on by hand
	})
	if len(taints) == 0 {
		unstructured.RemoveNestedField(node.Object, "spec", "taints")
		return
	}
	_ = unstructured.SetNestedSlice(node.Object, taints, "spec", "taints") // spec is there: the taints were
}
