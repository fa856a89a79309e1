package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/history/recorder"
)

// linkedLab is a lab whose checks are functions.
type linkedLab struct {
	content *content.Lab
	steps   []*linkedStep
}

type linkedStep struct {
	content *content.Step
	// checks holds the step's checks and then its invariants.
	checks []linkedCheck
}

type linkedCheck struct {
	content.Check
	invariant bool
	run       checks.Bound
	// leftOut says why the check is not judged on the cluster; zero where it is.
	leftOut content.Text
}

// link binds every check of the lab and reports every reference that does not hold, as content.Errors, or
// what of its set-up is not permitted.
func link(lab *content.Lab, vocabulary *checks.Vocabulary) (*linkedLab, error) {
	linked, wrong := bind(lab, vocabulary)
	for _, doc := range setupDocuments(lab) {
		wrong = append(wrong, doc.behaviorFaults()...)
	}
	if len(wrong) > 0 {
		return nil, wrong.Sorted()
	}
	for _, step := range lab.Steps {
		sc, err := parseScenario(lab, step)
		if err == nil {
			err = permit(lab, sc, true)
		}
		if err != nil {
			return nil, err
		}
	}
	return linked, nil
}

// bind finds the check behind each name and the capabilities that the lab and its steps require.
func bind(lab *content.Lab, vocabulary *checks.Vocabulary) (*linkedLab, content.Errors) {
	linked := &linkedLab{content: lab}
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
		s := &linkedStep{content: step}
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
			s.checks = append(s.checks, linkedCheck{Check: check, invariant: i >= len(step.Checks), run: run})
		}
		linked.steps = append(linked.steps, s)
	}
	return linked, wrong
}

func capabilityFix(name string) string {
	names := capabilityNames()
	if near, ok := content.Nearest(name, names); ok {
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

// faultsOf returns what Bind found, each with its place.
func faultsOf(check content.Check, err error) content.Errors {
	if wrong, ok := errors.AsType[content.Errors](err); ok {
		return wrong
	}
	return content.Errors{check.Wrong(err.Error(), "")}
}

// linkCluster finds what a step cannot have: nodes that the lab has not, and a control plane that is older than the lab's.
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
	if release := step.Cluster.Release; release != "" && minorOf(release) < minorOf(lab.Cluster.Release) {
		wrong = append(wrong, step.Mistake(fmt.Sprintf("%s is older than the lab's %s, and a control plane never goes down", release, lab.Cluster.Release),
			"let the lab start on the oldest release", "cluster", "release"))
	}
	return wrong
}

func joinNames(names []string) string { return strings.Join(names, ", ") }
