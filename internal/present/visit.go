package present

import (
	"fmt"
	"slices"

	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/seed"
	"github.com/k8slab/k8slab/text"
)

// Visit is what a lab is about to do to a cluster that somebody else made.
type Visit struct {
	// Host describes the cluster.
	Host []Fact
	// Changes lists the objects; Counts says how many.
	Changes Table
	Counts  text.Text
	// Notes say which steps cannot be played on the cluster, which checks cannot be judged there, and how the cluster
	// differs from the one for which the lab was written.
	Notes []text.Text
}

// VisitOf returns the visit with its words.
func VisitOf(v *engine.VisitPlan) Visit {
	return Visit{Host: hostFacts(v.Host), Changes: changeTable(v.Changes), Counts: counts(v.Changes), Notes: slices.Concat(fitNotes(v.Steps), v.Notes)}
}

func hostFacts(h *cluster.Host) []Fact {
	facts := []Fact{
		fact("context", "コンテキスト", h.Context),
		fact("server", "サーバー", h.Server),
		fact("you are", "ユーザー", h.User),
		fact("Kubernetes", "Kubernetes", h.Version),
		fact("nodes", "ノード", fmt.Sprint(len(h.Nodes))),
	}
	for _, sign := range h.Production {
		facts = append(facts, Fact{text.Text{EN: "careful", JA: "注意"}, sign})
	}
	return facts
}

func changeTable(changes []seed.Change) Table {
	t := Table{Columns: []Column{column("ACTION", "操作"), column("KIND", "種類"), column("NAMESPACE", "NAMESPACE"),
		longColumn("NAME", "名前"), column("DRY RUN", "ドライラン")}}
	for _, c := range changes {
		dry := text.Text{EN: "yes", JA: "済"}
		if !c.DryRun {
			dry = text.Plain("–")
		}
		t.Rows = append(t.Rows, []text.Text{change(c.Action), text.Plain(c.Kind), text.Plain(orDash(c.Namespace)), text.Plain(c.Name), dry})
	}
	return t
}

// change returns the word for what is done to an object.
func change(a seed.ChangeKind) text.Text {
	switch a {
	case seed.Create:
		return text.Text{EN: "create", JA: "作成"}
	case seed.Replace:
		return text.Text{EN: "replace", JA: "作り直し"}
	case seed.Update:
		return text.Text{EN: "update", JA: "更新"}
	case seed.Remove:
		return text.Text{EN: "remove", JA: "削除"}
	}
	return text.Text{}
}

// counts says how many objects are made and how many are removed.
func counts(changes []seed.Change) text.Text {
	made, gone := 0, 0
	for _, c := range changes {
		switch c.Action {
		case seed.Create:
			made++
		case seed.Replace:
			made, gone = made+1, gone+1
		case seed.Remove:
			gone++
		}
	}
	said := text.New("objects to create: %d", "作るオブジェクトは %d 個です", made)
	if gone > 0 {
		said = text.New("%s, of the lab's own to remove first: %d", "%s。先に消すラボ自身のものは %d 個です", said, gone)
	}
	return said
}

// fitNotes say how many steps cannot be played on the cluster and how many checks cannot be judged. There are no notes
// if all can.
func fitNotes(fits []catalog.Fit) []text.Text {
	var notes []text.Text
	var names, lacks []string
	all, leftOut := 0, 0
	for _, fit := range fits {
		if fit.Unplayable != nil {
			notes = append(notes, text.New("cannot be played there: %s", "実行できないステップ: %s", *fit.Unplayable))
			continue
		}
		names, lacks = append(names, fit.Step), append(lacks, fit.Lacks...)
		all, leftOut = all+fit.Checks, leftOut+fit.NotJudged
	}
	if len(notes) > 0 {
		notes = slices.Insert(notes, 0, text.New("%d of %d steps can be played there: %s", "実行できるのは %[2]d ステップ中 %[1]d ステップです: %[3]s", len(names), len(fits), text.List(names)))
	}
	if leftOut > 0 {
		slices.Sort(lacks)
		notes = append(notes, text.New("%d of %d checks need %s, which this cluster does not have; they are not judged, and cost no point", "チェック %[2]d 項目のうち %[1]d 項目は、このクラスターに %[3]s がないため判定しません。減点もありません",
			leftOut, all, commas(slices.Compact(lacks))))
	}
	return notes
}

// Departure is what became of somebody else's cluster when a lab left it.
type Departure struct {
	Summary text.Text
	// Lists are names below a sentence.
	Lists []Named
}

// Named is a sentence about names.
type Named struct {
	Says  text.Text
	Names []string
}

// DepartureOf returns what was removed and what is left, with its words.
func DepartureOf(lab string, d *cluster.Departure) Departure {
	left := Departure{Summary: text.New("Removed from %[3]s: %[1]d, everything that carried the label of %[2]s and could be deleted. The cluster stays, and your points are kept.",
		"%[2]s のオブジェクトを %[1]d 個 %[3]s から削除しました。クラスターはそのままで、得点も残っています。", len(d.Removed), lab, d.Server)}
	list := func(names []string, en, ja string) {
		if len(names) > 0 {
			left.Lists = append(left.Lists, Named{text.Text{EN: en, JA: ja}, names})
		}
	}
	list(d.Uncordoned, "Uncordoned, as they were when the lab began:", "始めたときと同じく、Pod を受け入れる状態に戻したノード:")
	list(d.Cordoned, "Left cordoned; they took pods when the lab began, and k8slab may not change nodes here:", "cordon されたままのノード。始めたときは Pod を受け入れていましたが、ここのノードは k8slab が変更できません:")
	list(d.Left, "Left, because they could not be deleted or a finalizer holds them:", "権限、webhook、finalizer などのために削除できず、残ったもの:")
	list(d.Unseen, "Not looked at, because they could not be listed:", "一覧できず、確かめられなかった種類:")
	return left
}

// Introduction says what a cluster is, and hides nothing that is simulated. simulated says that its nodes and pods are;
// foreign, that somebody else made the cluster.
func Introduction(c *cluster.Cluster, simulated, foreign bool) text.Text {
	said := []text.Text{text.New("Kubernetes %s answers.", "Kubernetes %s が応答しています。", c.Version)}
	if simulated {
		said = append(said, text.Text{EN: "The control plane is real; nodes and pods are simulated.", JA: "コントロールプレーンは本物で、ノードと Pod は模擬です。"})
	}
	if foreign {
		said = append(said, text.New("It is not k8slab's own: %s. Everything here uses your credentials.",
			"k8slab が作ったクラスターではありません (%s)。すべてご自身の認証情報で操作します。", c.Server))
	}
	return join(said...)
}
