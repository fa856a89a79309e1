package engine

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/grading"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/text"
)

// sessionWith returns a session at the first of two steps, whose hints have those costs. change may be nil.
func sessionWith(costs []int, change func(s *Session, st *progress.Step)) *Session {
	step := &content.Step{ID: "drain", Points: 10}
	for _, cost := range costs {
		step.Hints = append(step.Hints, content.Hint{Cost: cost})
	}
	lab := &content.Lab{ID: "11-maintenance", Steps: []*content.Step{step, {ID: "deadlock", Points: 10}}}
	st := &progress.Step{ID: "drain"}
	s := &Session{Lab: lab, Step: step, Attempt: &progress.Lab{ID: lab.ID, Steps: map[string]*progress.Step{"drain": st}},
		Cluster: &cluster.Cluster{Name: lab.ID, Components: []cluster.Component{{Name: "etcd", State: "running"}}}}
	if change != nil {
		change(s, st)
	}
	return s
}

func passed(_ *Session, st *progress.Step) { st.Passed = time.Unix(1, 0) }

func atLast(s *Session, _ *progress.Step) { s.Step = s.Lab.Steps[1] }

func unplayable(s *Session, _ *progress.Step) {
	s.Fits = []catalog.Fit{{Step: "drain"}, {Step: "deadlock", Unplayable: &text.Text{EN: "deadlock needs power", JA: "deadlock には power が必要です"}}}
}

// reportOf returns a report with one check of each of the outcomes.
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

func unrecorded() *grading.Report {
	r := reportOf(checks.Errored)
	r.Verdicts[0].Error = "reading the past: " + history.ErrNotRecorded.Error()
	return r
}

func TestAStepIsLeftWhenItHasPassed(t *testing.T) {
	for name, tt := range map[string]struct {
		session *Session
		refused bool
	}{
		"a step that passed":                     {sessionWith(nil, passed), false},
		"a step that was not checked":            {sessionWith(nil, nil), true},
		"a step in which nothing happened":       {sessionWith(nil, atLast), true},
		"a lab without an attempt":               {sessionWith(nil, func(s *Session, _ *progress.Step) { s.Attempt = nil }), true},
		"a step that passed after being skipped": {sessionWith(nil, func(_ *Session, st *progress.Step) { st.Passed, st.Revealed = time.Unix(1, 0), true }), false},
	} {
		err := RefuseUnpassed(tt.session)
		if tt.session.Passed() == tt.refused || (err != nil) != tt.refused {
			t.Errorf("%s: passed %v, error %v", name, tt.session.Passed(), err)
		}
		if p, ok := errors.AsType[*problem.Problem](err); tt.refused && (!ok || p.Kind != problem.Unpassed || !p.Next.Equal(action.Do(action.Check))) {
			t.Errorf("%s: got %#v", name, err)
		}
	}
}

func TestTheLastStepIsTheLastThatTheClusterCanPlay(t *testing.T) {
	for name, tt := range map[string]struct {
		session *Session
		last    bool
		says    string
	}{
		"a step before another":            {sessionWith(nil, nil), false, ""},
		"the last one":                     {sessionWith(nil, atLast), true, "deadlock is the last step of 11-maintenance."},
		"one before what cannot be played": {sessionWith(nil, unplayable), true, "drain is the last step of 11-maintenance that can be played here."},
	} {
		_, passedOver := tt.session.Following()
		if got := IsLast(tt.session); got != tt.last || got && LastStep(tt.session, passedOver).EN != tt.says {
			t.Errorf("%s: last %v, says %q", name, got, LastStep(tt.session, passedOver).EN)
		}
	}
}

func TestOutcomeOfAReport(t *testing.T) {
	for name, tt := range map[string]struct {
		report *grading.Report
		want   checks.Outcome
	}{
		"all passed": {reportOf(checks.Passed, checks.Passed), checks.Passed},
		"one failed": {reportOf(checks.Passed, checks.Failed, checks.Blocked), checks.Failed},
		"a failure goes before what could not be told": {reportOf(checks.Errored, checks.Failed), checks.Failed},
		"nothing failed and one could not be told":     {reportOf(checks.Passed, checks.Errored, checks.Blocked), checks.Errored},
		"nothing can be judged, so nothing has passed": {&grading.Report{Verdicts: []grading.Verdict{{Result: checks.Result{Outcome: checks.NotJudged}}}}, checks.Failed},
	} {
		if got := OutcomeOf(tt.report); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestWhatComesAfterAReport(t *testing.T) {
	stopped := func(s *Session, _ *progress.Step) {
		s.Cluster.Components = append(s.Cluster.Components, cluster.Component{Name: "kube-scheduler", State: "stopped"})
	}
	for name, tt := range map[string]struct {
		session *Session
		report  *grading.Report
		want    action.Action
	}{
		"a step that passed leads on":                      {sessionWith(nil, nil), reportOf(checks.Passed), action.Do(action.Next)},
		"the last step leads to the end":                   {sessionWith(nil, atLast), reportOf(checks.Passed), action.Do(action.Finish)},
		"what cannot be played is not led to":              {sessionWith(nil, unplayable), reportOf(checks.Passed), action.Do(action.Finish)},
		"a failure leads to a hint":                        {sessionWith([]int{0}, nil), reportOf(checks.Passed, checks.Failed), action.Do(action.Hint)},
		"without hints it leads to the lesson":             {sessionWith(nil, nil), reportOf(checks.Failed), action.Do(action.Lesson)},
		"a failure goes before what could not be told":     {sessionWith([]int{0}, stopped), reportOf(checks.Errored, checks.Failed), action.Do(action.Hint)},
		"a grader that could not tell checks again":        {sessionWith([]int{0}, nil), reportOf(checks.Passed, checks.Errored), action.Do(action.Check)},
		"a component that does not run is started":         {sessionWith([]int{0}, stopped), reportOf(checks.Errored), action.Do(action.StartComponent).With("component", "kube-scheduler")},
		"a step that was not recorded is begun again":      {sessionWith([]int{0}, nil), unrecorded(), action.Do(action.Reset)},
		"a component goes before the record":               {sessionWith([]int{0}, stopped), unrecorded(), action.Do(action.StartComponent).With("component", "kube-scheduler")},
		"what is not judged and nothing else checks again": {sessionWith([]int{0}, nil), &grading.Report{}, action.Do(action.Check)},
	} {
		if got := AfterReport(tt.session, tt.report); !got.Equal(tt.want) {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestAdviceWhereTheGraderCouldNotTell(t *testing.T) {
	if _, _, errored := AfterErrored(sessionWith(nil, nil), reportOf(checks.Failed)); errored {
		t.Error("a failed check is not one that the grader could not tell of")
	}
	gone := sessionWith(nil, func(s *Session, _ *progress.Step) { s.Cluster = nil })
	for name, tt := range map[string]struct {
		session *Session
		report  *grading.Report
		en, ja  string
	}{
		"a cluster that runs": {sessionWith(nil, nil), reportOf(checks.Errored),
			"If it happens again, k8slab cluster status shows what is wrong with the cluster, and k8slab start repairs it.",
			"繰り返す場合は、k8slab cluster status でクラスターの具合を確かめてください。k8slab start で修復できます。"},
		"no cluster any more": {gone, reportOf(checks.Errored),
			"If it happens again, k8slab cluster status shows what is wrong with the cluster, and k8slab start repairs it.",
			"繰り返す場合は、k8slab cluster status でクラスターの具合を確かめてください。k8slab start で修復できます。"},
		"no record": {sessionWith(nil, nil), unrecorded(),
			"What happened in this step was not recorded. k8slab reset begins the step again, with a record.",
			"このステップの経過が記録されていません。k8slab reset で記録を取りながらやり直せます。"},
	} {
		advice, _, errored := AfterErrored(tt.session, tt.report)
		said := advice.Text
		for i, do := range advice.Do {
			said = put(said, i, "k8slab "+map[action.Verb]string{action.ClusterStatus: "cluster status", action.Start: "start", action.Reset: "reset"}[do.Verb])
		}
		if !errored || said.EN != tt.en || said.JA != tt.ja {
			t.Errorf("%s: got %q and %q", name, said.EN, said.JA)
		}
	}
}

func TestWhatAHintCosts(t *testing.T) {
	seen := func(n int) func(*Session, *progress.Step) {
		return func(_ *Session, st *progress.Step) { st.HintsSeen = n }
	}
	costs := []int{0, 2, 3}
	for name, tt := range map[string]struct {
		session *Session
		want    HintOffer
	}{
		"the first":                               {sessionWith(costs, nil), HintOffer{Level: 1, Levels: 3}},
		"the one after it":                        {sessionWith(costs, seen(1)), HintOffer{Level: 2, Levels: 3, Cost: 2}},
		"none is left":                            {sessionWith(costs, seen(3)), HintOffer{Levels: 3}},
		"a step that passed charges nothing":      {sessionWith(costs, func(s *Session, st *progress.Step) { passed(s, st); st.HintsSeen = 1 }), HintOffer{Level: 2, Levels: 3}},
		"a step without hints":                    {sessionWith(nil, nil), HintOffer{}},
		"a step in which nothing happened so far": {sessionWith(costs, func(s *Session, _ *progress.Step) { s.Attempt.Steps = nil }), HintOffer{Level: 1, Levels: 3}},
	} {
		if got := NextHint(tt.session); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
	for name, tt := range map[string]struct {
		hint Hint
		want HintOffer
	}{
		"after the first": {Hint{Level: 1, Levels: 3}, HintOffer{Level: 2, Levels: 3, Cost: 2}},
		"after the last":  {Hint{Level: 3, Levels: 3, Last: true}, HintOffer{Levels: 3}},
	} {
		if got := HintAfter(sessionWith(costs, nil), &tt.hint); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

func TestWhatComesAfterAHint(t *testing.T) {
	for name, tt := range map[string]struct {
		session *Session
		hint    Hint
		want    action.Verb
	}{
		"check":                               {sessionWith(nil, nil), Hint{}, action.Check},
		"go on where the step passed already": {sessionWith(nil, passed), Hint{Passed: true}, action.Next},
		"or end the lab":                      {sessionWith(nil, atLast), Hint{Passed: true}, action.Finish},
	} {
		if got := AfterHint(tt.session, &tt.hint); !got.Equal(action.Do(tt.want)) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestWhatComesAfterADeletion(t *testing.T) {
	for name, tt := range map[string]struct {
		left *cluster.Departure
		want action.Verb
	}{
		"a cluster of the lab's own is gone":     {nil, action.Start},
		"nothing is left on somebody else's":     {&cluster.Departure{Removed: []string{"pod/web"}}, action.Start},
		"what is left has to be deleted as well": {&cluster.Departure{Left: []string{"pod/web"}}, action.Delete},
	} {
		if got := AfterDelete("11-maintenance", tt.left); !got.Equal(action.Do(tt.want).On("11-maintenance")) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestWhatComesAfterAPlan(t *testing.T) {
	if got := AfterPlan(&UpgradePlan{}); !got.Equal(action.Do(action.ClusterUpgrade)) {
		t.Errorf("nothing is in the way, and %s comes next", got)
	}
	if got := AfterPlan(&UpgradePlan{Obstacles: []Obstacle{{}}}); !got.IsZero() {
		t.Errorf("something is in the way, and %s comes next", got)
	}
}

func TestTally(t *testing.T) {
	steps := map[string]*progress.Step{"a": {Points: 9, Passed: time.Unix(1, 0)}, "b": {Points: 0, Passed: time.Unix(2, 0)}, "c": {}}
	if n, points := Tally(&progress.Lab{Steps: steps}); n != 2 || points != 9 {
		t.Errorf("%d steps, %d points", n, points)
	}
}

// put replaces the advice's placeholder with that number by what a face shows for the action.
func put(t text.Text, i int, shown string) text.Text {
	place := fmt.Sprintf("{%d}", i)
	return text.Text{EN: strings.ReplaceAll(t.EN, place, shown), JA: strings.ReplaceAll(t.JA, place, shown)}
}
