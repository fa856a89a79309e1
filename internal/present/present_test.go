package present

import (
	"fmt"
	"testing"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/grading"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/text"
)

func TestActionsAreTyped(t *testing.T) {
	for _, tt := range []struct {
		do   action.Action
		want string
	}{
		{action.Action{}, ""},
		{action.Do(action.Check), "k8slab check"},
		{action.HelpOn(action.NewLab), "k8slab new lab --help"},
		{action.InTerminal("df -h '/a b'"), "df -h '/a b'"},
		{action.Do(action.Start).On("90-door").With("from", "./course").With("cluster", "embedded"), "k8slab start --from ./course 90-door --cluster embedded"},
		{action.Do(action.Delete).On("90-door").With("forget", ""), "k8slab delete --forget 90-door"},
		{action.Do(action.Next).With("skip", ""), "k8slab next --skip"},
		{action.Do(action.Goto).At("drain").On("11-maintenance"), "k8slab goto drain --lab 11-maintenance"},
		{action.Do(action.StartComponent).With("component", "etcd").On("11-maintenance"), "k8slab cluster start etcd --lab 11-maintenance"},
		{action.Do(action.RestoreSnapshot).With("snapshot", "before lunch"), "k8slab snapshot restore 'before lunch'"},
		{action.Do(action.Lint).With("path", "a").With("path", "it's"), `k8slab lint a 'it'"'"'s'`},
		{action.Do(action.Status).With("state-home", "/tmp/a b"), "XDG_STATE_HOME='/tmp/a b' k8slab status"},
	} {
		if got := Command(tt.do); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.do, got, tt.want)
		}
	}
}

func TestEachFaceShowsAdviceInItsOwnWay(t *testing.T) {
	advice := engine.Advice{Text: text.Text{EN: "{1} repairs what {0} shows.", JA: "{0} で確かめ、{1} で修復します。"},
		Do: []action.Action{action.Do(action.ClusterStatus), action.Do(action.Start)}}
	if got := Say(advice); got.EN != "k8slab start repairs what k8slab cluster status shows." || got.JA != "k8slab cluster status で確かめ、k8slab start で修復します。" {
		t.Errorf("got %+v", got)
	}
	button := func(a action.Action) string { return fmt.Sprintf("[%s]", a.Verb) }
	if got := SayWith(advice, button); got.EN != "[start] repairs what [cluster-status] shows." {
		t.Errorf("got %+v", got)
	}
}

// TestWhatIsToldAfterAReport compares the notes with the order in which a learner reads them, in both languages.
func TestWhatIsToldAfterAReport(t *testing.T) {
	failed := CheckedOf(sessionWith([]int{0, 2}, func(_ *engine.Session, st *progress.Step) { st.HintsSeen = 1 }), reportOf(checks.Failed, checks.Errored))
	for lang, want := range map[text.Lang][]string{
		text.English:  {"Hint 2 of 2 costs 2 points.", "If it happens again, k8slab cluster status shows what is wrong with the cluster, and k8slab start repairs it."},
		text.Japanese: {"ヒント 2 / 2 を見ると 2 点引かれます。", "繰り返す場合は、k8slab cluster status でクラスターの具合を確かめてください。k8slab start で修復できます。"},
	} {
		if len(failed.Notes) != len(want) {
			t.Fatalf("got %+v", failed.Notes)
		}
		for i, note := range failed.Notes {
			if got := Say(note).In(lang); got != want[i] {
				t.Errorf("got %q, want %q", got, want[i])
			}
		}
	}
	if !failed.Next.Equal(action.Do(action.Hint)) || len(failed.Debrief) > 0 {
		t.Errorf("next is %s, debrief %v", failed.Next, failed.Debrief)
	}
	if got := CheckedOf(sessionWith([]int{0}, nil), reportOf(checks.Passed)); len(got.Notes) > 0 || !got.Next.Equal(action.Do(action.Next)) {
		t.Errorf("got %+v", got)
	}
}

func TestABlockedCheckNamesWhatHoldsItInTheEnd(t *testing.T) {
	r := reportOf(checks.Failed, checks.Blocked, checks.Blocked)
	for i, id := range []string{"drained", "moved", "served"} {
		r.Verdicts[i].ID = id
	}
	r.Verdicts[0].Title = text.Text{EN: "worker-2 is empty", JA: "worker-2 が空である"}
	r.Verdicts[1].BlockedBy, r.Verdicts[2].BlockedBy = []string{"drained"}, []string{"moved", "drained"}
	for _, v := range ReportOf(r).Verdicts[1:] {
		if len(v.Details) != 1 || v.Details[0].Value != r.Verdicts[0].Title || v.Title.EN != v.ID {
			t.Errorf("%s: got %+v", v.ID, v)
		}
	}
}

func TestWhatAHintSaysOfTheNextOne(t *testing.T) {
	s := sessionWith([]int{0, 1, 2}, nil)
	for name, tt := range map[string]struct {
		hint          engine.Hint
		heading, note string
	}{
		"a free one before a paid one": {engine.Hint{Level: 1, Levels: 3}, "Hint 1 of 3 (free)", "Hint 2 costs 1 point."},
		"a paid one":                   {engine.Hint{Level: 2, Levels: 3, Cost: 1}, "Hint 2 of 3 (1 point)", "Hint 3 costs 2 points."},
		"the last one":                 {engine.Hint{Level: 3, Levels: 3, Cost: 2, Last: true}, "Hint 3 of 3 (2 points)", "That was the last hint. k8slab solution shows the solution; the step then earns no points."},
		"after the step has passed":    {engine.Hint{Level: 2, Levels: 3, Passed: true}, "Hint 2 of 3 (free)", "This step has passed already, so hints cost nothing any more."},
	} {
		got := HintOf(s, &tt.hint)
		if got.Heading.EN != tt.heading || Say(got.Note).EN != tt.note {
			t.Errorf("%s: got %q and %q", name, got.Heading.EN, Say(got.Note).EN)
		}
	}
}

// sessionWith is a session at the first of two steps, whose hints have those costs. change may be nil.
func sessionWith(costs []int, change func(s *engine.Session, st *progress.Step)) *engine.Session {
	step := &content.Step{ID: "drain", Points: 10}
	for _, cost := range costs {
		step.Hints = append(step.Hints, content.Hint{Cost: cost})
	}
	lab := &content.Lab{ID: "11-maintenance", Steps: []*content.Step{step, {ID: "deadlock", Points: 10}}}
	st := &progress.Step{ID: "drain"}
	s := &engine.Session{Lab: lab, Step: step, Attempt: &progress.Lab{ID: lab.ID, Steps: map[string]*progress.Step{"drain": st}},
		Cluster: &cluster.Cluster{Name: lab.ID, Components: []cluster.Component{{Name: "etcd", State: "running"}}}}
	if change != nil {
		change(s, st)
	}
	return s
}

// reportOf is a report with a check of each outcome.
func reportOf(outcomes ...checks.Outcome) *grading.Report {
	r := &grading.Report{Passed: true}
	for _, o := range outcomes {
		v := grading.Verdict{Result: checks.Result{Outcome: o}}
		if o == checks.Errored {
			v.Error = "the API server did not answer within 5s"
		}
		r.Verdicts = append(r.Verdicts, v)
		r.Passed = r.Passed && o == checks.Passed
	}
	return r
}
