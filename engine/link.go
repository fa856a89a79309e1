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

// simulatedOnly says what of the step is there only where nodes and pods are played: kubelets of given releases at the start, and a client that
// calls the API by itself. It is nil where the step, or the provider, is not concerned.
func simulatedOnly(lab *content.Lab, step *content.Step, p cluster.Provider) (*content.Text, error) {
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
	switch {
	case len(step.Cluster.Kubelets) > 0:
		return &content.Text{EN: "begins with kubelets of given releases", JA: "は、決まったリリースの kubelet で始まります"}, nil
	case len(clients) > 0:
		return &content.Text{EN: "has a client that calls the API by itself", JA: "には、自分で API を呼び出すクライアントが登場します"}, nil
	}
	return nil, nil
}

// Playable returns nil where the provider's clusters can play the step of the lab, and else a problem that says what they lack. It looks
// at no cluster.
func Playable(lab *content.Lab, step *content.Step, p cluster.Provider) error {
	if err := lacking(lab, p, lacks(lab, p.Capabilities())); err != nil {
		return err
	}
	return playable(lab, step, p)
}

// playable refuses a step that the provider's clusters cannot play, before anything is made or changed.
func playable(lab *content.Lab, step *content.Step, p cluster.Provider) error {
	only, err := simulatedOnly(lab, step, p)
	if err != nil || only == nil {
		return err
	}
	return problem.New(problem.Usage,
		fmt.Sprintf("%s/%s %s, which is there only where nodes are simulated; nodes of the kind %s are real", lab.ID, step.ID, only.EN, p.Name()),
		fmt.Sprintf("%s/%s %s。これは Node がシミュレートされたクラスターでしかできません。%s の Node は本物です", lab.ID, step.ID, only.JA, p.Name()),
		"k8slab status")
}

func joinNames(names []string) string { return strings.Join(names, ", ") }
