package engine

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
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

// unfitKubelet says which kubelet the step begins with that no node of the provider's clusters can be given: where it cannot set any
// release, a node is upgraded from the lab's, to at most that of the step's control plane. It is nil where there is none.
func unfitKubelet(lab *content.Lab, step *content.Step, p cluster.Provider) *content.Text {
	if _, sets := p.(cluster.KubeletSetter); sets || len(step.Cluster.Kubelets) == 0 {
		return nil
	}
	if _, upgrades := p.(cluster.NodeUpgrader); !upgrades {
		return &content.Text{EN: "begins with kubelets of given releases, and nodes keep those that they have", JA: "は決まったリリースの kubelet で始まりますが、Node の kubelet は変えられません"}
	}
	highest := cmp.Or(step.Cluster.Release, lab.Cluster.Release)
	for _, node := range lab.Cluster.Nodes {
		wanted, lowest := step.Cluster.Kubelets[node.Name], cmp.Or(node.Version, lab.Cluster.Release)
		if wanted == "" || minorOf(lowest) <= minorOf(wanted) && minorOf(wanted) <= minorOf(highest) {
			continue
		}
		return &content.Text{
			EN: fmt.Sprintf("begins with a kubelet of %s on %s, and nodes that are real begin at %s and go up to %s at most", wanted, node.Name, lowest, highest),
			JA: fmt.Sprintf("は %[2]s の kubelet が %[1]s の状態で始まりますが、本物の Node は %[3]s で始まり、上げられるのは %[4]s までです", wanted, node.Name, lowest, highest),
		}
	}
	return nil
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
	unfit := unfitKubelet(lab, step, p)
	if unfit == nil {
		return nil
	}
	return problem.New(problem.Usage,
		fmt.Sprintf("%s/%s %s; %s clusters cannot play it", lab.ID, step.ID, unfit.EN, p.Name()),
		fmt.Sprintf("%s/%s %s。%s のクラスターでは実行できません", lab.ID, step.ID, unfit.JA, p.Name()),
		"k8slab status")
}

func joinNames(names []string) string { return strings.Join(names, ", ") }
