package present

import (
	"strings"

	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/text"
)

// UpgradePlan is what an upgrade of a control plane would do.
type UpgradePlan struct {
	// Versions before and after.
	Versions []Fact
	// Verdict says whether something stands in the way; Obstacles say what.
	Verdict   text.Text
	Obstacles []text.Text
}

// UpgradePlanOf returns the plan with its words.
func UpgradePlanOf(plan *engine.UpgradePlan) UpgradePlan {
	p := UpgradePlan{Versions: []Fact{fact("now", "現在", plan.From), fact("to", "移行先", plan.To)}}
	if len(plan.Obstacles) == 0 {
		p.Verdict = text.Text{EN: "Nothing stands in the way.", JA: "妨げになるものはありません。"}
		return p
	}
	p.Verdict = text.Text{EN: "In the way:", JA: "妨げになっているもの:"}
	for _, f := range plan.Obstacles {
		p.Obstacles = append(p.Obstacles, f.What)
	}
	return p
}

// Upgraded is the result of an upgrade of a control plane or of a kubelet.
type Upgraded struct {
	Summary text.Text
	// Ignored is what was in the way of an upgrade that was forced.
	Ignored Named
}

// UpgradedOf returns what an upgrade has done, and what was ignored for it.
func UpgradedOf(done history.Upgrade) Upgraded {
	if done.Node != "" && done.From == done.To {
		return Upgraded{Summary: text.New("%s runs %s already.", "%s はすでに %s です。", done.Node, done.To)}
	}
	what := text.Text{EN: "The control plane", JA: "コントロールプレーン"}
	if done.Node != "" {
		what = text.Text{EN: done.Node, JA: spaced(done.Node)}
	}
	u := Upgraded{Summary: text.New("%s went from %s to %s.", "%sを %s から %s に上げました。", what, done.From, done.To)}
	if done.Forced {
		u.Ignored = Named{text.Text{EN: "It was forced, and recorded as such. Ignored:", JA: "強制的に実行し、そのことを記録しました。無視したもの:"}, done.Ignored}
	}
	return u
}

// spaced sets a Latin name apart from the Japanese that follows it.
func spaced(name string) string {
	if name != "" && name[len(name)-1] < 0x80 {
		return name + " "
	}
	return name
}

func commas(names []string) string { return strings.Join(names, ", ") }
