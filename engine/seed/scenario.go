package seed

import (
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/behavior"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/manifest"
)

// settleAnnotation, with the value "none", marks an object of a starting state that is meant to be broken: k8slab does
// not wait for it. The annotation is removed before the object is created.
const settleAnnotation = "k8slab.dev/settle"

// Scenario is the starting state of a step.
type Scenario struct {
	objects []*unstructured.Unstructured
	// changes are objects whose name occurs a second time. They are written over the first object when all other
	// objects exist, so that a starting state can have a past, such as a definition whose stored version has changed.
	changes []*unstructured.Unstructured
	// broken holds the objects that will not become ready.
	broken map[*unstructured.Unstructured]bool
	// behaviors are the documents that say how simulated workloads behave. They never become objects of the cluster.
	behaviors []byte
}

// Parse reads the set-up of the lab and then that of the step.
func Parse(lab *content.Lab, step *content.Step) (*Scenario, error) {
	s := &Scenario{broken: map[*unstructured.Unstructured]bool{}}
	var errs []error
	for _, file := range slices.Concat(lab.Setup, step.Setup) {
		objects, err := manifest.Parse(file.Data)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s/%s: %w", lab.ID, file.Path, err))
			continue
		}
		for _, o := range objects {
			if !behavior.Is(o.GetAPIVersion(), o.GetKind()) {
				s.add(o, lab.ID)
				continue
			}
			document, err := o.MarshalJSON()
			if err != nil {
				return nil, err
			}
			s.behaviors = append(append(s.behaviors, "---\n"...), document...)
		}
	}
	if err := behavior.Check(s.behaviors); err != nil {
		errs = append(errs, fmt.Errorf("%s/%s: %w", lab.ID, step.Dir, err))
	}
	// Namespaces and definitions come before what lives in them; otherwise the author's order stands.
	slices.SortStableFunc(s.objects, func(a, b *unstructured.Unstructured) int { return rank(a) - rank(b) })
	return s, errors.Join(errs...)
}

func (s *Scenario) add(o *unstructured.Unstructured, lab string) {
	annotations := o.GetAnnotations()
	if annotations[settleAnnotation] == "none" {
		s.broken[o] = true
	}
	delete(annotations, settleAnnotation)
	o.SetAnnotations(annotations)
	labels := o.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[cluster.LabLabel] = lab
	o.SetLabels(labels)
	if slices.ContainsFunc(s.objects, func(other *unstructured.Unstructured) bool { return sameObject(o, other) }) {
		s.changes = append(s.changes, o)
		return
	}
	s.objects = append(s.objects, o)
}

func sameObject(a, b *unstructured.Unstructured) bool {
	return a.GroupVersionKind().GroupKind() == b.GroupVersionKind().GroupKind() && a.GetNamespace() == b.GetNamespace() && a.GetName() == b.GetName()
}

func rank(o *unstructured.Unstructured) int {
	switch o.GetKind() {
	case "Namespace", "CustomResourceDefinition", "PriorityClass", "StorageClass":
		return 0
	case "ServiceAccount", "ConfigMap", "Secret", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding":
		return 1
	default:
		return 2
	}
}

// namespaces returns the namespaces that the scenario creates.
func (s *Scenario) namespaces() []string {
	var names []string
	for _, o := range s.objects {
		if o.GroupVersionKind().GroupKind() == namespaceKind {
			names = append(names, o.GetName())
		}
	}
	return names
}
