package timeline

import (
	"strings"
	"time"

	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/text"
)

func clock(t time.Time) string { return t.Local().Format("15:04:05") }

// most is how many names a list shows; the rest is counted.
const most = 4

// names lists objects, and counts those beyond the first few.
func names(objects []string) text.Text {
	if len(objects) <= most {
		return text.List(objects).Text()
	}
	first := objects[:most-1]
	return text.New("%s and %d more", "%s ほか %d 個", text.List(first), len(objects)-len(first))
}

// journal tells what k8slab did, by itself or at the learner's word.
func (t *telling) journal() {
	for _, e := range t.from.Events {
		at := func(what string, said text.Text) {
			t.add(Entry{Time: e.Time, By: K8slab, What: what, Text: said})
		}
		switch e.Kind {
		case progress.Entered, progress.WasReset:
			t.enter(e)
		case progress.Checked:
			at("checked", checked(e))
		case progress.Hinted:
			at("hinted", hinted(e))
		case progress.Revealed:
			at("revealed", text.New("showed the solution", "解答を表示しました"))
		case progress.Upgraded:
			t.add(Entry{Time: e.Time, By: You, What: "upgraded", Objects: upgradedObject(e), Text: upgraded(e)})
		case progress.Switched:
			t.add(Entry{Time: e.Time, By: You, What: "switched", Objects: []string{"node/" + e.Node}, Text: switched(e)})
		case progress.Controlled:
			t.add(Entry{Time: e.Time, By: You, What: "controlled", Text: controlled(e)})
		case progress.Saved:
			t.add(Entry{Time: e.Time, By: You, What: "saved", Text: text.New("saved the cluster as the snapshot %s", "クラスターをスナップショット %s として保存しました", e.Snapshot)})
		case progress.Finished:
			at("finished", text.New("ended the lab", "ラボを終えました"))
		}
	}
}

// enter begins a visit. An event of an older journal does not say when k8slab began to make the starting state.
func (t *telling) enter(e progress.Event) {
	began := e.Began
	if began.IsZero() {
		began = e.Time
	}
	t.visits = append(t.visits, visit{step: e.Step, began: began, ready: e.Time})
	entry := Entry{Time: e.Time, By: K8slab, What: "entered", Text: text.New("made the starting state of %s", "%s の開始状態を用意しました", e.Step)}
	switch {
	case e.Snapshot != "":
		entry.What = "restored"
		entry.Text = text.New("brought back the snapshot %s; what was done since %s is undone", "スナップショット %s に戻しました。%s 以降の操作は取り消されました", e.Snapshot, clock(e.Undone))
	case e.Kind == progress.WasReset:
		entry.What = "reset"
		entry.Text = text.New("put %s back to its starting state", "%s を開始状態に戻しました", e.Step)
	}
	t.add(entry)
}

func checked(e progress.Event) text.Text {
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
		return text.New("checked: all %d passed, %d points", "チェック: %d 項目すべて合格、%d 点", passed, e.Points)
	}
	return text.New("checked: %d of %d passed", "チェック: %[2]d 項目中 %[1]d 項目に合格", passed, judged)
}

func upgradedObject(e progress.Event) []string {
	if e.Node == "" {
		return nil
	}
	return []string{"node/" + e.Node}
}

func upgraded(e progress.Event) text.Text {
	what := text.New("the control plane", "コントロールプレーン")
	if e.Node != "" {
		what = text.New("node/%s", "node/%s", e.Node)
	}
	forced := text.Text{}
	if len(e.Ignored) > 0 {
		forced = text.New(", ignoring: %s", " (無視したもの: %s)", strings.Join(e.Ignored, "; "))
	}
	if e.Outcome != string(history.Upgraded) {
		return text.New("tried to upgrade %s from %s to %s, and went back to %s%s", "%s を %s から %s に上げようとし、%s に戻りました%s", what, e.From, e.To, e.From, forced)
	}
	return text.New("upgraded %s from %s to %s%s", "%s を %s から %s に上げました%s", what, e.From, e.To, forced)
}

func switched(e progress.Event) text.Text {
	switch e.Action {
	case "stop":
		return text.New("pulled the plug on node/%s", "node/%s の電源を抜きました", e.Node)
	case "start":
		return text.New("switched node/%s on", "node/%s の電源を入れました", e.Node)
	case "reboot":
		return text.New("rebooted node/%s", "node/%s を再起動しました", e.Node)
	default:
		return text.New("made a file on node/%s", "node/%s にファイルを作りました", e.Node)
	}
}

func controlled(e progress.Event) text.Text {
	if e.Action == "stop" {
		return text.New("stopped %s", "%s を停止しました", e.Component)
	}
	return text.New("started %s", "%s を起動しました", e.Component)
}

func hinted(e progress.Event) text.Text {
	if e.Cost == 0 {
		return text.New("showed hint %d", "ヒント %d を表示しました", e.Level)
	}
	return text.New("showed hint %d, which cost %d", "ヒント %d を表示しました (減点 %d)", e.Level, e.Cost)
}
