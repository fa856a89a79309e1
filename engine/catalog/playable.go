package catalog

import (
	"cmp"
	"slices"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/release"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// Fit is how much of a step a kind of cluster can play.
type Fit struct {
	Step string `json:"step"`
	// Unplayable says why the step cannot be played there; nil means that it can.
	Unplayable *text.Text `json:"unplayable,omitempty"`
	// Checks counts the step's checks and invariants. NotJudged of them are left out because the cluster lacks the
	// capabilities in Lacks.
	Checks    int      `json:"checks"`
	NotJudged int      `json:"notJudged"`
	Lacks     []string `json:"lacks,omitempty"`
}

// Fits says of every step of the lab how much of it the provider's clusters can play.
func Fits(lab *content.Lab, p cluster.Provider, vocabulary *checks.Vocabulary) []Fit {
	all := make([]Fit, len(lab.Steps))
	for i, step := range lab.Steps {
		all[i] = Fit{Step: step.ID}
		if why := Unfit(lab, step, p, vocabulary); why != nil {
			all[i].Unplayable = &text.Text{EN: step.ID + " " + why.EN, JA: step.ID + " " + why.JA}
		}
		for _, c := range slices.Concat(step.Checks, step.Invariants) {
			all[i].Checks++
			if missing := Lacks(needsOf(c, vocabulary), cluster.CapabilitiesOf(p)); len(missing) > 0 {
				all[i].NotJudged++
				all[i].Lacks = append(all[i].Lacks, missing...)
			}
		}
		slices.Sort(all[i].Lacks)
		all[i].Lacks = slices.Compact(all[i].Lacks)
	}
	return all
}

// Capable returns the capabilities that tasks may take for granted on the provider's clusters. For clusters that
// somebody else made, that includes changing nodes: a lab that changes nodes is let in there only if the person allows
// it.
func Capable(p cluster.Provider) []cluster.Capability {
	if _, guest := cluster.As[cluster.Guest](p); guest {
		return append(cluster.CapabilitiesOf(p), cluster.Nodes)
	}
	return cluster.CapabilitiesOf(p)
}

// Lacks returns the required capabilities that has does not contain.
func Lacks[Name ~string](required []Name, has []cluster.Capability) []string {
	var missing []string
	for _, name := range required {
		if !slices.Contains(has, cluster.Capability(name)) {
			missing = append(missing, string(name))
		}
	}
	return missing
}

// needsOf returns the needs of the check. A check that does not exist has none; linking reports that check.
func needsOf(c content.Check, vocabulary *checks.Vocabulary) []checks.Need {
	d, err := vocabulary.Lookup(c.Use)
	if err != nil {
		return nil
	}
	return d.Needs
}

// Unfit says why the provider's clusters cannot play the step, in words that follow the step's name. Nil means that
// they can play it.
func Unfit(lab *content.Lab, step *content.Step, p cluster.Provider, vocabulary *checks.Vocabulary) *text.Text {
	if missing := Lacks(step.Requires, Capable(p)); len(missing) > 0 {
		return &text.Text{EN: "needs " + joinNames(missing), JA: "には " + joinNames(missing) + " が必要です"}
	}
	if why := unfitRelease(lab, step, p); why != nil {
		return why
	}
	if why := unfitKubelet(lab, step, p); why != nil {
		return why
	}
	return unjudged(step, p, vocabulary)
}

// unjudged says which capabilities all checks of the step need and the provider's clusters lack, so that nothing would
// tell whether the task was done. Nil means that at least one check can be judged. Invariants do not count, because
// they hold from the start.
func unjudged(step *content.Step, p cluster.Provider, vocabulary *checks.Vocabulary) *text.Text {
	var all []string
	for _, c := range step.Checks {
		missing := Lacks(needsOf(c, vocabulary), cluster.CapabilitiesOf(p))
		if len(missing) == 0 {
			return nil
		}
		all = append(all, missing...)
	}
	slices.Sort(all)
	names := joinNames(slices.Compact(all))
	return &text.Text{EN: "has no check that can do without " + names, JA: "のチェックはどれも " + names + " がなければ判定できません"}
}

// unfitRelease is about a step that begins with an upgraded control plane, on a provider that cannot upgrade one. Nil
// means that the provider can, or that the step begins with the lab's release.
func unfitRelease(lab *content.Lab, step *content.Step, p cluster.Provider) *text.Text {
	from, to := lab.Cluster.Release, step.Cluster.Release
	if _, upgrades := cluster.As[cluster.Upgrader](p); upgrades || to == "" || to == from {
		return nil
	}
	return new(text.New("begins when the control plane has been brought from %s to %s, which k8slab cannot do there", "はコントロールプレーンを %s から %s に上げた状態で始まりますが、k8slab からは上げられません", from, to))
}

// unfitKubelet says which kubelet of the step no node of the provider's clusters can have; nil means that there is no
// such kubelet. Where kubelets cannot be set, nodes can still be upgraded, from the lab's release up to the release of
// the step's control plane.
func unfitKubelet(lab *content.Lab, step *content.Step, p cluster.Provider) *text.Text {
	if _, sets := cluster.As[cluster.KubeletSetter](p); sets || len(step.Cluster.Kubelets) == 0 {
		return nil
	}
	if _, upgrades := cluster.As[cluster.NodeUpgrader](p); !upgrades {
		return &text.Text{EN: "begins with kubelets of given releases, and nodes keep the kubelets that they have", JA: "は決まったリリースの kubelet で始まりますが、Node の kubelet は変えられません"}
	}
	highest := cmp.Or(step.Cluster.Release, lab.Cluster.Release)
	for _, node := range lab.Cluster.Nodes {
		wanted, lowest := step.Cluster.Kubelets[node.Name], cmp.Or(node.Version, lab.Cluster.Release)
		if wanted == "" || release.Minor(lowest) <= release.Minor(wanted) && release.Minor(wanted) <= release.Minor(highest) {
			continue
		}
		return new(text.New("begins with a kubelet of %s on %s, and real nodes begin at %s and go up to %s at most", "は %[2]s の kubelet が %[1]s の状態で始まりますが、本物の Node は %[3]s で始まり、上げられるのは %[4]s までです", wanted, node.Name, lowest, highest))
	}
	return nil
}

// Playable returns nil if the provider's clusters can play the step, and otherwise a problem that says what they lack.
// It looks at no cluster.
func Playable(lab *content.Lab, step *content.Step, p cluster.Provider, vocabulary *checks.Vocabulary) error {
	if err := Lacking(lab, p, Lacks(lab.Requires, Capable(p))); err != nil {
		return err
	}
	return StepPlayable(lab, step, p, vocabulary, action.Do(action.Status))
}

// StepPlayable refuses a step that the provider's clusters cannot play. next is what the problem tells the person to
// do.
func StepPlayable(lab *content.Lab, step *content.Step, p cluster.Provider, vocabulary *checks.Vocabulary, next action.Action) error {
	why := Unfit(lab, step, p, vocabulary)
	if why == nil {
		return nil
	}
	return problem.New(problem.Usage,
		text.New("%s/%s %s; %s clusters cannot play it", "%s/%s %s。%s のクラスターでは実行できません", lab.ID, step.ID, why, p.Name()), next)
}

// Lacking is the problem of a lab that requires capabilities which the provider's clusters do not have. It is nil if
// none is missing.
func Lacking(lab *content.Lab, p cluster.Provider, missing []string) error {
	if len(missing) == 0 {
		return nil
	}
	return problem.New(problem.Usage,
		text.New("the lab %s needs %s, which a cluster of the kind %s does not have", "ラボ %s には %s が必要ですが、%s クラスターにはありません", lab.ID, joinNames(missing), p.Name()),
		action.Do(action.Start).On(lab.ID))
}

// Judged returns a copy of the checks, with LeftOut set on those that cannot be judged on the provider's clusters. A
// check that depends on a check left out depends on that check's own dependencies.
func Judged(all []Check, p cluster.Provider, vocabulary *checks.Vocabulary) []Check {
	all = slices.Clone(all)
	left := map[string][]string{}
	for i := range all {
		c := &all[i]
		missing := Lacks(needsOf(c.Check, vocabulary), cluster.CapabilitiesOf(p))
		if len(missing) == 0 {
			continue
		}
		left[c.ID] = c.After
		c.LeftOut = text.New("it needs %s, which a cluster of the kind %s does not have", "%s が必要ですが、%s クラスターにはありません", joinNames(missing), p.Name())
	}
	for i := range all {
		all[i].After = standing(all[i].After, left)
	}
	return all
}

// standing replaces the ids of checks that were left out by the ids of the checks on which those depend.
func standing(after []string, left map[string][]string) (ids []string) {
	for _, id := range after {
		of := []string{id}
		if before, out := left[id]; out {
			of = standing(before, left)
		}
		for _, id := range of {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}
