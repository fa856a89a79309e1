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
	"github.com/k8slab/k8slab/engine/cluster/embedded/behavior"
	"github.com/k8slab/k8slab/engine/history/recorder"
	"github.com/k8slab/k8slab/engine/problem"
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

// bind finds the check behind each name and the capabilities that the lab requires.
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

// lacks returns the capabilities that the lab requires beyond those.
func lacks(lab *content.Lab, has []cluster.Capability) []string {
	var missing []string
	for _, name := range lab.Requires {
		if !slices.Contains(has, cluster.Capability(name)) {
			missing = append(missing, name)
		}
	}
	return missing
}

// stepLacks returns the capabilities that the step needs beyond the lab's, and the provider does not have: a kubelet of any release at the
// start, and a client that calls the API by itself, are there only where nodes and pods are played.
func stepLacks(lab *content.Lab, step *content.Step, p cluster.Provider) ([]string, error) {
	if slices.Contains(p.Capabilities(), cluster.Simulated) {
		return nil, nil
	}
	sc, err := parseScenario(lab, step)
	if err != nil {
		return nil, err
	}
	clients, err := behavior.DecodeClients(sc.behaviors)
	if err != nil {
		return nil, err
	}
	if len(clients) > 0 || len(step.Cluster.Kubelets) > 0 {
		return []string{string(cluster.Simulated)}, nil
	}
	return nil, nil
}

// playable refuses a step that the provider's clusters cannot play, before anything is made or changed.
func playable(lab *content.Lab, step *content.Step, p cluster.Provider) error {
	missing, err := stepLacks(lab, step, p)
	if err != nil || len(missing) == 0 {
		return err
	}
	return problem.New(problem.Usage,
		fmt.Sprintf("the step %s of %s needs %s, which a cluster of the kind %s does not have", step.ID, lab.ID, joinNames(missing), p.Name()),
		fmt.Sprintf("%[2]s のステップ %[1]s には %[3]s が必要ですが、%[4]s クラスターにはありません", step.ID, lab.ID, joinNames(missing), p.Name()),
		"k8slab status")
}

func joinNames(names []string) string { return strings.Join(names, ", ") }
