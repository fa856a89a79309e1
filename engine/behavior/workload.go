package behavior

import (
	"errors"
	"fmt"
	"slices"

	apivalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// WorkloadKind marks the documents that declare how containers behave.
const WorkloadKind = "SimulatedWorkload"

// Behavior is the declared behaviour of the containers that it selects.
type Behavior struct {
	// Name is unique in a cluster.
	Name string `json:"name"`
	Spec Spec   `json:"spec"`
}

// Spec says which containers behave how.
type Spec struct {
	Selector Selector `json:"selector"`
	Conduct
}

// Decode reads behaviours from YAML or JSON, strictly: a field that does not exist is an error. Each part may hold
// several documents; those of other kinds of behaviour are left out. The error names every document and field that is
// wrong.
func Decode(parts ...[]byte) ([]Behavior, error) {
	var all []Behavior
	var errs []error
	err := eachDocument(parts, func(number int, of documentType, data []byte) {
		if of.isBehavior() && of.Kind != WorkloadKind {
			return
		}
		b, err := decodeWorkload(data)
		if err != nil {
			errs = append(errs, fmt.Errorf("document %d: %w", number, err))
			return
		}
		all = append(all, b)
	})
	if err != nil {
		return nil, err
	}
	errs = append(errs, unique(all))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return all, nil
}

func decodeWorkload(data []byte) (Behavior, error) {
	d, err := decodeDocument[Spec](data)
	if err != nil {
		return Behavior{}, err
	}
	if !Is(d.APIVersion, d.Kind) {
		return Behavior{}, fmt.Errorf("it is %s %s, not %s %s", d.APIVersion, d.Kind, APIVersion, WorkloadKind)
	}
	b := Behavior{Name: d.Metadata.Name, Spec: d.Spec}
	return b, b.Validate()
}

func unique(all []Behavior) error {
	names := map[string]bool{}
	for _, b := range all {
		if names[b.Name] {
			return fmt.Errorf("two simulated workloads are named %s", b.Name)
		}
		names[b.Name] = true
	}
	return nil
}

// Validate returns an error that names every field that is wrong.
func (b *Behavior) Validate() error {
	var errs field.ErrorList
	for _, problem := range apivalidation.IsDNS1123Subdomain(b.Name) {
		errs = append(errs, field.Invalid(field.NewPath("metadata", "name"), b.Name, problem))
	}
	spec := field.NewPath("spec")
	errs = append(errs, b.Spec.Selector.validate(spec.Child("selector"))...)
	errs = append(errs, b.Spec.Conduct.validate(spec)...)
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("simulated workload %q: %w", b.Name, errs.ToAggregate())
}

// For returns how a container behaves: what the behaviours that select it declare, field by field. A later behaviour
// overrides an earlier one.
func For(all []Behavior, namespace string, podLabels map[string]string, container, image string) Conduct {
	var c Conduct
	for _, b := range slices.Backward(all) {
		if b.Spec.Selector.Selects(namespace, podLabels, container, image) {
			fill(&c, &b.Spec.Conduct)
		}
	}
	return c
}
