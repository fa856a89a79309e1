package timeline

import (
	"fmt"
	"strings"
	"time"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/progress"
)

// say fills in the same values in both languages; indexes (%[2]s) reorder them.
func say(en, ja string, values ...any) content.Text {
	return content.Text{EN: fmt.Sprintf(en, values...), JA: fmt.Sprintf(ja, values...)}
}

func clock(t time.Time) string { return t.Local().Format("15:04:05") }

// most names at once; the rest is counted.
const most = 4

// names lists objects, and counts those beyond the first few.
func names(objects []string) content.Text {
	if len(objects) <= most {
		return content.Text{EN: strings.Join(objects, ", "), JA: strings.Join(objects, "、")}
	}
	first := objects[:most-1]
	return content.Text{
		EN: fmt.Sprintf("%s and %d more", strings.Join(first, ", "), len(objects)-len(first)),
		JA: fmt.Sprintf("%s ほか %d 個", strings.Join(first, "、"), len(objects)-len(first)),
	}
}

// journal tells what k8slab did, by itself or at the learner's word.
func (t *telling) journal() {
	for _, e := range t.from.Events {
		at := func(what string, text content.Text) {
			t.add(Entry{Time: e.Time, By: K8slab, What: what, Text: text})
		}
		switch e.Kind {
		case progress.Entered, progress.WasReset:
			t.enter(e)
		case progress.Checked:
			at("checked", checked(e))
		case progress.Hinted:
			at("hinted", hinted(e))
		case progress.Revealed:
			at("revealed", say("showed the solution", "解答を表示しました"))
		case progress.Upgraded:
			t.add(Entry{Time: e.Time, By: You, What: "upgraded", Objects: upgradedObject(e), Text: upgraded(e)})
		case progress.Switched:
			t.add(Entry{Time: e.Time, By: You, What: "switched", Objects: []string{"node/" + e.Node}, Text: switched(e)})
		case progress.Finished:
			at("finished", say("ended the lab", "ラボを終えました"))
		}
	}
}

// enter begins a visit. An event of an older journal does not say when its making began.
func (t *telling) enter(e progress.Event) {
	began := e.Began
	if began.IsZero() {
		began = e.Time
	}
	t.visits = append(t.visits, visit{step: e.Step, began: began, ready: e.Time})
	entry := Entry{Time: e.Time, By: K8slab, What: "entered", Text: say("made the starting state of %s", "%s の開始状態を用意しました", e.Step)}
	switch {
	case e.Snapshot != "":
		entry.What = "restored"
		entry.Text = say("brought back the snapshot %s; what was done since %s is undone", "スナップショット %s に戻しました。%s 以降の操作は取り消されました", e.Snapshot, clock(e.Undone))
	case e.Kind == progress.WasReset:
		entry.What = "reset"
		entry.Text = say("put %s back to its starting state", "%s を開始状態に戻しました", e.Step)
	}
	t.add(entry)
}

func checked(e progress.Event) content.Text {
	passed, judged := 0, len(e.Verdicts)
	for _, outcome := range e.Verdicts {
		switch outcome {
		case "passed":
			passed++
		case "not-judged":
			judged--
		}
	}
	if e.Passed {
		return say("checked: all %d passed, %d points", "チェック: %d 項目すべて合格、%d 点", passed, e.Points)
	}
	return say("checked: %d of %d passed", "チェック: %[2]d 項目中 %[1]d 項目に合格", passed, judged)
}

func upgradedObject(e progress.Event) []string {
	if e.Node == "" {
		return nil
	}
	return []string{"node/" + e.Node}
}

func upgraded(e progress.Event) content.Text {
	what := say("the control plane", "コントロールプレーン")
	if e.Node != "" {
		what = say("node/%s", "node/%s", e.Node)
	}
	forced := content.Text{}
	if len(e.Ignored) > 0 {
		forced = say(", ignoring: %s", " (無視したもの: %s)", strings.Join(e.Ignored, "; "))
	}
	if e.Outcome != string(history.Upgraded) {
		return content.Text{
			EN: fmt.Sprintf("tried to upgrade %s from %s to %s, and got %s back%s", what.EN, e.From, e.To, e.From, forced.EN),
			JA: fmt.Sprintf("%s を %s から %s に上げようとし、%s に戻りました%s", what.JA, e.From, e.To, e.From, forced.JA),
		}
	}
	return content.Text{
		EN: fmt.Sprintf("upgraded %s from %s to %s%s", what.EN, e.From, e.To, forced.EN),
		JA: fmt.Sprintf("%s を %s から %s に上げました%s", what.JA, e.From, e.To, forced.JA),
	}
}

func switched(e progress.Event) content.Text {
	switch e.Action {
	case "stop":
		return say("pulled the plug of node/%s", "node/%s の電源を抜きました", e.Node)
	case "start":
		return say("switched node/%s on", "node/%s の電源を入れました", e.Node)
	case "reboot":
		return say("rebooted node/%s", "node/%s を再起動しました", e.Node)
	default:
		return say("made a file on node/%s", "node/%s にファイルを作りました", e.Node)
	}
}

func hinted(e progress.Event) content.Text {
	if e.Cost == 0 {
		return say("showed hint %d", "ヒント %d を表示しました", e.Level)
	}
	return say("showed hint %d, which cost %d", "ヒント %d を表示しました (減点 %d)", e.Level, e.Cost)
}
