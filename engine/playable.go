package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
)

// Fit is how much of a step a kind of cluster can play.
type Fit struct {
	Step string `json:"step"`
	// Unplayable says why it cannot be played there; nil where it can.
	Unplayable *content.Text `json:"unplayable,omitempty"`
	// Checks that the step has, invariants among them, of which NotJudged are left out there for want of what Lacks names.
	Checks    int      `json:"checks"`
	NotJudged int      `json:"notJudged"`
	Lacks     []string `json:"lacks,omitempty"`
}

// fits says of every step of the lab how much of it the provider's clusters can play.
func (e *Engine) fits(lab *content.Lab, p cluster.Provider) []Fit {
	all := make([]Fit, len(lab.Steps))
	for i, step := range lab.Steps {
		all[i] = Fit{Step: step.ID}
		if why := unfit(lab, step, p, e.cfg.Vocabulary); why != nil {
			all[i].Unplayable = &content.Text{EN: step.ID + " " + why.EN, JA: step.ID + " " + why.JA}
		}
		for _, c := range slices.Concat(step.Checks, step.Invariants) {
			all[i].Checks++
			if missing := lacks(needsOf(c, e.cfg.Vocabulary), p.Capabilities()); len(missing) > 0 {
				all[i].NotJudged++
				all[i].Lacks = append(all[i].Lacks, missing...)
			}
		}
		slices.Sort(all[i].Lacks)
		all[i].Lacks = slices.Compact(all[i].Lacks)
	}
	return all
}

// capable returns what tasks may take for granted on the provider's clusters. Nodes of somebody else's are among it, since nobody is let in
// there whose lab changes nodes and who did not say that it may.
func capable(p cluster.Provider) []cluster.Capability {
	if _, guest := p.(cluster.Guest); guest {
		return append(slices.Clone(p.Capabilities()), cluster.Nodes)
	}
	return p.Capabilities()
}

// lacks returns the required capabilities that are not among those.
func lacks[Name ~string](required []Name, has []cluster.Capability) []string {
	var missing []string
	for _, name := range required {
		if !slices.Contains(has, cluster.Capability(name)) {
			missing = append(missing, string(name))
		}
	}
	return missing
}

// needsOf returns what the check needs; nothing for one that does not exist, which linking says.
func needsOf(c content.Check, vocabulary *checks.Vocabulary) []checks.Need {
	d, err := vocabulary.Lookup(c.Use)
	if err != nil {
		return nil
	}
	return d.Needs
}

// unfit says why the provider's clusters cannot play the step, in words that go behind its name. It is nil where they can.
func unfit(lab *content.Lab, step *content.Step, p cluster.Provider, vocabulary *checks.Vocabulary) *content.Text {
	if missing := lacks(step.Requires, capable(p)); len(missing) > 0 {
		return &content.Text{EN: "needs " + joinNames(missing), JA: "には " + joinNames(missing) + " が必要です"}
	}
	if why := unfitRelease(lab, step, p); why != nil {
		return why
	}
	if why := unfitKubelet(lab, step, p); why != nil {
		return why
	}
	return unjudged(step, p, vocabulary)
}

// unjudged says what all checks of the step need that the provider's clusters do not have, so that nothing would tell whether the task was
// done. It is nil where one can be judged; invariants do not count, which hold from the start.
func unjudged(step *content.Step, p cluster.Provider, vocabulary *checks.Vocabulary) *content.Text {
	var all []string
	for _, c := range step.Checks {
		missing := lacks(needsOf(c, vocabulary), p.Capabilities())
		if len(missing) == 0 {
			return nil
		}
		all = append(all, missing...)
	}
	slices.Sort(all)
	names := joinNames(slices.Compact(all))
	return &content.Text{EN: "has no check that can do without " + names, JA: "のチェックはどれも " + names + " がなければ判定できません"}
}

// unfitRelease is about a step that begins with a control plane which has been upgraded. It is nil where the provider's can be, or need not.
func unfitRelease(lab *content.Lab, step *content.Step, p cluster.Provider) *content.Text {
	from, to := lab.Cluster.Release, step.Cluster.Release
	if _, upgrades := p.(cluster.Upgrader); upgrades || to == "" || to == from {
		return nil
	}
	return &content.Text{
		EN: fmt.Sprintf("begins when the control plane has been brought from %s to %s, which k8slab cannot do there", from, to),
		JA: fmt.Sprintf("はコントロールプレーンを %s から %s に上げた状態で始まりますが、k8slab からは上げられません", from, to),
	}
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
func Playable(lab *content.Lab, step *content.Step, p cluster.Provider, vocabulary *checks.Vocabulary) error {
	if err := lacking(lab, p, lacks(lab.Requires, capable(p))); err != nil {
		return err
	}
	return playable(lab, step, p, vocabulary, "k8slab status")
}

// playable refuses a step that the provider's clusters cannot play, before anything is made or changed.
func playable(lab *content.Lab, step *content.Step, p cluster.Provider, vocabulary *checks.Vocabulary, next string) error {
	why := unfit(lab, step, p, vocabulary)
	if why == nil {
		return nil
	}
	return problem.New(problem.Usage,
		fmt.Sprintf("%s/%s %s; %s clusters cannot play it", lab.ID, step.ID, why.EN, p.Name()),
		fmt.Sprintf("%s/%s %s。%s のクラスターでは実行できません", lab.ID, step.ID, why.JA, p.Name()), next)
}

// unplayable is the problem of a lab of which the provider's clusters can play no step.
func (e *Engine) unplayable(lab *content.Lab, p cluster.Provider, opts StartOptions) error {
	var en, ja []string
	for _, fit := range e.fits(lab, p) {
		if fit.Unplayable != nil {
			en, ja = append(en, fit.Unplayable.EN), append(ja, fit.Unplayable.JA)
		}
	}
	return problem.New(problem.Usage,
		fmt.Sprintf("no step of %s can be played on a cluster of the kind %s: %s", lab.ID, p.Name(), strings.Join(en, "; ")),
		fmt.Sprintf("ラボ %s に、%s クラスターで実行できるステップはありません: %s", lab.ID, p.Name(), strings.Join(ja, "。")), onItsOwn(lab.ID, opts))
}

// Following returns the step that comes after the session's, and those before it that its kind of cluster cannot play. There is none where
// the lab ends there.
func (s *Session) Following() (step *content.Step, passedOver []Fit) {
	after := slices.IndexFunc(s.Lab.Steps, func(step *content.Step) bool { return step.ID == s.Step.ID }) + 1
	for i := after; i < len(s.Lab.Steps); i++ {
		if i >= len(s.Fits) || s.Fits[i].Unplayable == nil {
			return s.Lab.Steps[i], passedOver
		}
		passedOver = append(passedOver, s.Fits[i])
	}
	return nil, passedOver
}
