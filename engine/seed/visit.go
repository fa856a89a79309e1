package seed

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// ChangeKind is what is done to an object.
type ChangeKind string

const (
	Create ChangeKind = "create"
	// Replace: the lab itself made the object earlier; it is deleted first.
	Replace ChangeKind = "replace"
	// Update: the object is written over one that the lab itself has just created.
	Update ChangeKind = "update"
	// Remove: the lab itself made the object, for another step.
	Remove ChangeKind = "remove"
)

// Change is one change that a lab makes to a cluster.
type Change struct {
	Action     ChangeKind `json:"action"`
	APIVersion string     `json:"apiVersion"`
	Kind       string     `json:"kind"`
	Namespace  string     `json:"namespace,omitempty"`
	Name       string     `json:"name"`
	// DryRun: the server has tried the change without keeping it. It cannot try a change in a namespace that does not
	// exist yet; then it was only asked whether the person may make the change.
	DryRun bool `json:"dryRun"`
}

// Object names the object as kubectl does: "deployment/shop/web".
func (c Change) Object() string { return nameOf(c.Kind, c.Namespace, c.Name) }

// Plan returns what entering the step would change on a cluster that somebody else made. It changes nothing. It refuses
// a lab if an object of any of its steps would take the place of somebody else's, and then advises next. rights is the
// action that shows the person what they may do.
func Plan(ctx context.Context, lab *content.Lab, step string, host *cluster.Host, rights, next action.Action) ([]Change, error) {
	op, err := newOperator(host.Config)
	if err != nil {
		return nil, err
	}
	op.rights = rights
	if err := op.refuseOthers(ctx, lab, host, next); err != nil {
		return nil, err
	}
	return op.plan(ctx, lab, step)
}

// plan returns what entering the step would change, and refuses what the API server refuses.
func (op *operator) plan(ctx context.Context, lab *content.Lab, stepID string) ([]Change, error) {
	step, ok := lab.Step(stepID)
	if !ok {
		return nil, fmt.Errorf("the lab %s has no step %s", lab.ID, stepID)
	}
	s, err := Parse(lab, step)
	if err != nil {
		return nil, err
	}
	confine(lab, s)
	changes, err := op.planRemovals(ctx, lab, s)
	if err != nil {
		return nil, err
	}
	for _, o := range s.objects {
		c, err := op.planCreate(ctx, s, o)
		if err != nil {
			return nil, err
		}
		changes = append(changes, c)
	}
	for _, o := range s.changes {
		changes = append(changes, changeOf(Update, o))
	}
	return changes, nil
}

func changeOf(kind ChangeKind, o *unstructured.Unstructured) Change {
	return Change{Action: kind, APIVersion: o.GetAPIVersion(), Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName()}
}

// planRemovals returns the removals of the lab's objects that are on the cluster and not part of the scenario.
func (op *operator) planRemovals(ctx context.Context, lab *content.Lab, s *Scenario) ([]Change, error) {
	all, err := belongingsOf(lab)
	if err != nil {
		return nil, err
	}
	changes := []Change{}
	for _, gvk := range append(all.sortedKinds(), schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}) {
		mapping, err := op.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
		if meta.IsNoMatchError(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list, err := op.dynamic.Resource(mapping.Resource).List(ctx, metav1.ListOptions{LabelSelector: cluster.LabLabel + "=" + lab.ID})
		if err != nil {
			return nil, err
		}
		for i := range list.Items {
			o := &list.Items[i]
			if !slices.ContainsFunc(s.objects, func(own *unstructured.Unstructured) bool { return sameObject(own, o) }) {
				changes = append(changes, changeOf(Remove, o))
			}
		}
	}
	return changes, nil
}

func (op *operator) planCreate(ctx context.Context, s *Scenario, o *unstructured.Unstructured) (Change, error) {
	change := changeOf(Create, o)
	r, err := op.resource(o.GroupVersionKind(), o.GetNamespace())
	if meta.IsNoMatchError(err) {
		return change, nil // the lab defines the kind itself, or the kind does not exist, which seeding reports
	}
	if err != nil {
		return change, err
	}
	_, err = r.Get(ctx, o.GetName(), metav1.GetOptions{})
	if err == nil {
		change.Action = Replace
		return change, nil
	}
	if !apierrors.IsNotFound(err) {
		return change, op.notAllowed(o, err)
	}
	_, err = r.Create(ctx, o.DeepCopy(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	switch {
	case err == nil:
		change.DryRun = true
		return change, nil
	case apierrors.IsNotFound(err) && slices.Contains(s.namespaces(), o.GetNamespace()):
		return change, op.mayCreate(ctx, o)
	}
	return change, op.notAllowed(o, err)
}

// mayCreate asks whether the person may create objects of the kind in a namespace that need not exist yet.
func (op *operator) mayCreate(ctx context.Context, o *unstructured.Unstructured) error {
	mapping, err := op.mapper.RESTMapping(o.GroupVersionKind().GroupKind(), o.GroupVersionKind().Version)
	if err != nil {
		return err
	}
	review := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
		"spec": map[string]any{"resourceAttributes": map[string]any{
			"verb": "create", "group": mapping.Resource.Group, "resource": mapping.Resource.Resource, "namespace": o.GetNamespace(),
		}},
	}}
	reviews := schema.GroupVersionResource{Group: "authorization.k8s.io", Version: "v1", Resource: "selfsubjectaccessreviews"}
	answer, err := op.dynamic.Resource(reviews).Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if allowed, _, _ := unstructured.NestedBool(answer.Object, "status", "allowed"); !allowed {
		return op.notAllowed(o, fmt.Errorf("you may not create %s in the namespace %s", mapping.Resource.Resource, o.GetNamespace()))
	}
	return nil
}

func (op *operator) notAllowed(o *unstructured.Unstructured, err error) error {
	return problem.New(problem.Cluster,
		text.New("the cluster would not accept %s: %v. Nothing was changed", "クラスターが %s を受け付けません: %v。何も変更していません", objectName(o), err), op.rights).From(err)
}

func objectName(o *unstructured.Unstructured) string {
	return nameOf(o.GetKind(), o.GetNamespace(), o.GetName())
}

func nameOf(kind, namespace, name string) string {
	if namespace != "" {
		name = namespace + "/" + name
	}
	return strings.ToLower(kind) + "/" + name
}

// refuseOthers refuses a lab if an object of any of its steps would take the place of somebody else's, or if the lab
// may not be played on a cluster that is not its own.
func (op *operator) refuseOthers(ctx context.Context, lab *content.Lab, host *cluster.Host, next action.Action) error {
	var taken []string
	for _, step := range lab.Steps {
		s, err := Parse(lab, step)
		if err != nil {
			return err
		}
		if err := Permit(lab, s, false); err != nil {
			return err
		}
		names, err := op.others(ctx, lab.ID, s)
		if err != nil {
			return err
		}
		taken = append(taken, names...)
	}
	slices.Sort(taken)
	return refuseTaken(lab.ID, host.Context, slices.Compact(taken), next)
}

func refuseTaken(lab, where string, taken []string, next action.Action) error {
	if len(taken) == 0 {
		return nil
	}
	return problem.New(problem.Cluster,
		text.New("%s has objects that the lab %s would make and that are not its own: %s. They are left alone, and nothing was changed", "ラボ %[2]s が作るオブジェクトと同じ名前の、ラボのものではないオブジェクトが %[1]s にあります: %[3]s。それらには触れず、何も変更していません", where, lab, text.List(taken)), next)
}

// others names the objects of the scenario that exist without the lab's label.
func (op *operator) others(ctx context.Context, lab string, s *Scenario) ([]string, error) {
	var taken []string
	for _, o := range s.objects {
		r, err := op.resource(o.GroupVersionKind(), o.GetNamespace())
		if meta.IsNoMatchError(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		live, err := r.Get(ctx, o.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, op.notAllowed(o, err)
		}
		if live.GetLabels()[cluster.LabLabel] != lab {
			taken = append(taken, objectName(o))
		}
	}
	return taken, nil
}
