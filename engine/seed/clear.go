package seed

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/history"
)

var (
	namespaceKind  = schema.GroupKind{Kind: "Namespace"}
	definitionKind = schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}

	namespaces  = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	pods        = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	nodes       = schema.GroupVersionResource{Version: "v1", Resource: "nodes"}
	definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
)

// clear removes what k8slab made for the lab, with all that the learner put into the lab's namespaces, and waits until
// all of it is gone. In a disposable cluster it knows the lab's objects by their names as well as by the label: a
// learner may have taken the label off, or a program may have made the object again without it.
func (op *operator) clear(ctx context.Context, lab *content.Lab, disposable bool) error {
	all, err := belongingsOf(lab)
	if err != nil {
		return err
	}
	if !disposable {
		all.namespaces = nil
		for gvk := range all.kinds {
			all.kinds[gvk] = nil
		}
	}
	if err := op.restoreDefinitions(ctx, lab.ID, all.definitions); err != nil {
		return err
	}
	if err := op.clearNamespaces(ctx, lab.ID, all.namespaces); err != nil {
		return err
	}
	for _, gvk := range all.sortedKinds() {
		if err := op.clearKind(ctx, gvk, lab.ID, all.kinds[gvk]); err != nil {
			return fmt.Errorf("remove %s: %w", gvk.Kind, err)
		}
	}
	return nil
}

// belongings is what any step of a lab creates.
type belongings struct {
	namespaces []string
	// kinds of all other objects, with the names of the objects.
	kinds map[schema.GroupVersionKind][]types.NamespacedName
	// definitions holds the lab's CustomResourceDefinitions by name, as the lab leaves them.
	definitions map[string]*unstructured.Unstructured
}

func belongingsOf(lab *content.Lab) (*belongings, error) {
	all := &belongings{kinds: map[schema.GroupVersionKind][]types.NamespacedName{}, definitions: map[string]*unstructured.Unstructured{}}
	for _, step := range lab.Steps {
		s, err := Parse(lab, step)
		if err != nil {
			return nil, err
		}
		all.namespaces = append(all.namespaces, s.namespaces()...)
		for _, o := range s.objects {
			if gvk := o.GroupVersionKind(); gvk.GroupKind() != namespaceKind {
				all.kinds[gvk] = append(all.kinds[gvk], types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()})
			}
		}
		for _, o := range slices.Concat(s.objects, s.changes) {
			if o.GroupVersionKind().GroupKind() == definitionKind {
				all.definitions[o.GetName()] = o
			}
		}
	}
	return all, nil
}

func (b *belongings) sortedKinds() []schema.GroupVersionKind {
	return slices.SortedFunc(maps.Keys(b.kinds), func(a, b schema.GroupVersionKind) int { return strings.Compare(a.String(), b.String()) })
}

// restoreDefinitions writes the lab's own CustomResourceDefinitions over what a learner made of them. An object that is
// stored in a version which its definition has lost can be neither read nor deleted, and holds its namespace for ever.
func (op *operator) restoreDefinitions(ctx context.Context, lab string, all map[string]*unstructured.Unstructured) error {
	for name, o := range all {
		live, err := op.dynamic.Resource(definitions).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) || err == nil && live.GetLabels()[cluster.LabLabel] != lab {
			continue
		}
		if err == nil {
			err = op.change(ctx, o)
		}
		if err != nil && !apierrors.IsInvalid(err) { // a definition that cannot be changed back is deleted as it is
			return fmt.Errorf("restore the definition %s: %w", name, err)
		}
	}
	return nil
}

// deleteThere deletes the object. It is no error if the object does not exist.
func deleteThere(ctx context.Context, r dynamic.ResourceInterface, name string) error {
	err := r.Delete(ctx, name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// clearNamespaces deletes the lab's namespaces and waits until they have gone. Their pods are deleted by force: nobody
// is served by them any more, and the namespace controller would wait for their grace periods.
func (op *operator) clearNamespaces(ctx context.Context, lab string, named []string) error {
	selector := metav1.ListOptions{LabelSelector: cluster.LabLabel + "=" + lab}
	list, err := op.dynamic.Resource(namespaces).List(ctx, selector)
	if err != nil {
		return err
	}
	for _, ns := range list.Items {
		named = append(named, ns.GetName())
	}
	slices.Sort(named)
	named = slices.Compact(named)
	for _, name := range named {
		if err := deleteThere(ctx, op.dynamic.Resource(namespaces), name); err != nil {
			return err
		}
	}
	for _, name := range named {
		err := eventually(ctx, func() (bool, error) {
			_, err := op.dynamic.Resource(namespaces).Get(ctx, name, metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				return true, nil
			}
			return false, op.forcePods(ctx, name)
		})
		if err != nil {
			return fmt.Errorf("wait for namespace %s to go: %w", name, err)
		}
	}
	return nil
}

// forcePods deletes the pods of a namespace at once, and takes off finalizers that a learner may have left on them.
func (op *operator) forcePods(ctx context.Context, namespace string) error {
	now := int64(0)
	r := op.dynamic.Resource(pods).Namespace(namespace)
	list, err := r.List(ctx, metav1.ListOptions{})
	if err != nil || len(list.Items) == 0 {
		return err
	}
	for _, pod := range list.Items {
		if len(pod.GetFinalizers()) > 0 {
			_, err := r.Patch(ctx, pod.GetName(), types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
			if err != nil && !apierrors.IsNotFound(err) {
				return err
			}
		}
	}
	return r.DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: &now}, metav1.ListOptions{})
}

// stray is an object that the learner or a program of the lab made outside of the lab's namespaces.
type stray struct {
	resource        schema.GroupVersionResource
	namespace, name string
}

// creationPatience is how much later than a request an object may have been created for it to be the requested one.
const creationPatience = 10 * time.Second

// clearStrays removes objects that the learner and the lab's programs made outside of the lab's namespaces, as the
// audit log tells. Such an object would be in the way when the step is done again, and might be taken for that work. An
// object whose name the API server chose stays, because the log does not hold the name.
func (op *operator) clearStrays(ctx context.Context, lab string, past history.Reader) error {
	created, err := past.Requests(ctx, history.Query{Succeeded: true})
	if err != nil {
		return err
	}
	made := map[stray]time.Time{}
	for _, r := range created {
		if r.Code == http.StatusCreated && r.Subresource == "" && r.Name != "" && ofTheLab(r.User) {
			made[stray{schema.GroupVersionResource{Group: r.Group, Version: r.Version, Resource: r.Resource}, r.Namespace, r.Name}] = r.Time
		}
	}
	var theirs []string
	for s, at := range made {
		there, err := op.isThere(ctx, s, at)
		if err != nil {
			return err
		}
		if there && s.resource == namespaces {
			theirs = append(theirs, s.name)
		}
		if !there || s.resource == namespaces {
			delete(made, s)
		}
	}
	if len(theirs) > 0 {
		if err := op.clearNamespaces(ctx, lab, theirs); err != nil {
			return err
		}
	}
	for s := range made {
		if err := op.remove(ctx, s); err != nil {
			return fmt.Errorf("remove %s %s: %w", s.resource.Resource, s.name, err)
		}
	}
	return nil
}

// ofTheLab reports whether the user is the learner or a program of the lab, and not a part of the cluster or of k8slab.
func ofTheLab(user string) bool {
	return user == string(cluster.Learner) || strings.HasPrefix(user, "system:serviceaccount:") && history.IsPerson(user)
}

// isThere reports whether the object that was made at that time still exists. Requests for things that are not objects,
// such as reviews, have made none.
func (op *operator) isThere(ctx context.Context, s stray, made time.Time) (bool, error) {
	o, err := op.dynamic.Resource(s.resource).Namespace(s.namespace).Get(ctx, s.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	since := o.GetCreationTimestamp().Sub(made.Truncate(time.Second))
	return since >= 0 && since < creationPatience, nil
}

// remove deletes the object and waits until it has gone.
func (op *operator) remove(ctx context.Context, s stray) error {
	r := op.dynamic.Resource(s.resource).Namespace(s.namespace)
	if err := deleteThere(ctx, r, s.name); err != nil {
		return err
	}
	return eventually(ctx, func() (bool, error) {
		_, err := r.Get(ctx, s.name, metav1.GetOptions{})
		return apierrors.IsNotFound(err), nil
	})
}

// clearKind deletes the lab's objects of the kind outside of the lab's namespaces: objects with the lab's label, and
// objects of the given names.
func (op *operator) clearKind(ctx context.Context, gvk schema.GroupVersionKind, lab string, names []types.NamespacedName) error {
	mapping, err := op.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if meta.IsNoMatchError(err) {
		return nil // the kind's definition is gone, and so are the objects
	}
	if err != nil {
		return err
	}
	selector := metav1.ListOptions{LabelSelector: cluster.LabLabel + "=" + lab}
	return eventually(ctx, func() (bool, error) {
		list, err := op.dynamic.Resource(mapping.Resource).List(ctx, selector)
		if apierrors.IsNotFound(err) {
			return true, nil // the kind's definition has gone since
		}
		if err != nil {
			return false, err
		}
		found := list.Items
		for _, name := range names {
			o, err := op.dynamic.Resource(mapping.Resource).Namespace(name.Namespace).Get(ctx, name.Name, metav1.GetOptions{})
			if err == nil {
				found = append(found, *o)
			} else if !apierrors.IsNotFound(err) {
				return false, err
			}
		}
		var errs []error
		for _, o := range found {
			errs = append(errs, deleteThere(ctx, op.dynamic.Resource(mapping.Resource).Namespace(o.GetNamespace()), o.GetName()))
		}
		return len(found) == 0, errors.Join(errs...)
	})
}

// restoreNodes undoes what a learner does to nodes in a lab: it removes cordons and taints, and restores the labels of
// zone and pool. It returns the names of nodes that do not exist any more.
func (op *operator) restoreNodes(ctx context.Context, shape []content.Node) (gone []string, err error) {
	for _, want := range shape {
		_, err := op.dynamic.Resource(nodes).Get(ctx, want.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			gone = append(gone, want.Name)
			continue
		}
		if err != nil {
			return nil, err
		}
		patch := fmt.Sprintf(`{"metadata":{"labels":{%q:%q,%q:%q}},"spec":{"unschedulable":null,"taints":null}}`,
			"topology.kubernetes.io/zone", want.Zone, "agentpool", want.Pool)
		if _, err := op.dynamic.Resource(nodes).Patch(ctx, want.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			return nil, fmt.Errorf("restore node %s: %w", want.Name, err)
		}
	}
	return gone, nil
}
