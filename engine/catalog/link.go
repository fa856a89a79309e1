package catalog

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/release"
	"github.com/k8slab/k8slab/engine/history/recorder"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/seed"
	"github.com/k8slab/k8slab/text"
)

// Lab is a lab whose checks are functions.
type Lab struct {
	*content.Lab
	// Steps in the order in which they are played.
	Steps []*Step
}

// Step is a step whose checks are functions.
type Step struct {
	*content.Step
	// Checks holds the step's checks and then its invariants.
	Checks []Check
}

// Check is a check of a step with its function.
type Check struct {
	content.Check
	// Invariant: it held at the start and must still hold.
	Invariant bool
	Run       checks.Bound
	// LeftOut says why the check is not judged on the cluster; zero for a check that is judged.
	LeftOut text.Text
}

// Find returns the step of that id, or of that folder.
func (l *Lab) Find(id string) (*Step, error) {
	var ids []string
	for _, s := range l.Steps {
		if s.ID == id || s.Dir == id {
			return s, nil
		}
		ids = append(ids, s.ID)
	}
	what := text.New("the lab %s has no step %q; it has %s", "ラボ %s にステップ %q はありません。あるのは %s です", l.ID, id, text.List(ids))
	if near, ok := text.Nearest(id, ids); ok {
		what = text.New("%s; did you mean %s?", "%s。%s のことですか？", what, near)
	}
	return nil, problem.New(problem.Usage, what, action.Do(action.Status))
}

// WithNodes returns the lab with its nodes renamed. names holds the new names by the lab's own; if it is empty, the lab
// stays as it is.
func (l *Lab) WithNodes(names map[string]string, vocabulary *checks.Vocabulary) (*Lab, error) {
	if len(names) == 0 {
		return l, nil
	}
	renamed, err := content.Renamed(l.Lab, names)
	if err != nil {
		return nil, fmt.Errorf("the lab %s with the cluster's nodes: %w", l.ID, err)
	}
	return Link(renamed, vocabulary)
}

// Link binds every check of the lab to its function. The error is content.Errors with every reference that does not
// hold or, if all references hold, says what the set-up must not contain.
func Link(lab *content.Lab, vocabulary *checks.Vocabulary) (*Lab, error) {
	linked, wrong := bind(lab, vocabulary)
	for _, doc := range setupDocuments(lab) {
		wrong = append(wrong, doc.behaviorFaults()...)
	}
	if len(wrong) > 0 {
		return nil, wrong.Sorted()
	}
	for _, step := range lab.Steps {
		sc, err := seed.Parse(lab, step)
		if err == nil {
			err = seed.Permit(lab, sc, true)
		}
		if err != nil {
			return nil, err
		}
	}
	return linked, nil
}

// bind finds the check behind each name and the capabilities that the lab and its steps require.
func bind(lab *content.Lab, vocabulary *checks.Vocabulary) (*Lab, content.Errors) {
	linked := &Lab{Lab: lab}
	var wrong content.Errors
	for i, name := range lab.Requires {
		if !slices.Contains(cluster.Capabilities[:], cluster.Capability(name)) {
			wrong = append(wrong, lab.Wrong(fmt.Sprintf("there is no capability %q", name), capabilityFix(name), "requires", i))
		}
	}
	for i, name := range lab.History {
		if _, err := recorder.Kinds(name); err != nil {
			wrong = append(wrong, lab.Wrong(fmt.Sprintf("%q is no resource in full", name), "write resource, version and group, as in certificates.v1.cert-manager.io", "history", i))
		}
	}
	for _, step := range lab.Steps {
		s := &Step{Step: step}
		for i, name := range step.Requires {
			if !slices.Contains(cluster.Capabilities[:], cluster.Capability(name)) {
				wrong = append(wrong, step.Mistake(fmt.Sprintf("there is no capability %q", name), capabilityFix(name), "requires", i))
			}
		}
		wrong = append(wrong, linkCluster(lab, step)...)
		for i, check := range slices.Concat(step.Checks, step.Invariants) {
			run, err := vocabulary.Bind(check)
			if err != nil {
				wrong = append(wrong, faultsOf(check, err)...)
				continue
			}
			s.Checks = append(s.Checks, Check{Check: check, Invariant: i >= len(step.Checks), Run: run})
		}
		linked.Steps = append(linked.Steps, s)
	}
	return linked, wrong
}

func capabilityFix(name string) string {
	names := capabilityNames()
	if near, ok := text.Nearest(name, names); ok {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "use one of " + joinNames(names)
}

func capabilityNames() []string {
	var names []string
	for _, c := range cluster.Capabilities {
		names = append(names, string(c))
	}
	return names
}

// faultsOf returns the errors of a check's Bind, each with its place.
func faultsOf(check content.Check, err error) content.Errors {
	if wrong, ok := errors.AsType[content.Errors](err); ok {
		return wrong
	}
	return content.Errors{check.Wrong(err.Error(), "")}
}

// linkCluster finds what a step asks of the cluster in vain: nodes that the lab does not have, or a control plane that
// is older than the lab's.
func linkCluster(lab *content.Lab, step *content.Step) (wrong content.Errors) {
	var nodes []string
	for _, n := range lab.Cluster.Nodes {
		nodes = append(nodes, n.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(step.Cluster.Kubelets)) {
		if !slices.Contains(nodes, name) {
			wrong = append(wrong, step.Mistake(fmt.Sprintf("the lab has no node %q", name), "use one of "+joinNames(nodes), "cluster", "kubelets", name))
		}
	}
	if begins := step.Cluster.Release; begins != "" && release.Minor(begins) < release.Minor(lab.Cluster.Release) {
		wrong = append(wrong, step.Mistake(fmt.Sprintf("%s is older than the lab's %s, and a control plane never goes down", begins, lab.Cluster.Release),
			"let the lab start on the oldest release", "cluster", "release"))
	}
	return wrong
}
