package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/progress"
)

// check returns a linked check that always answers so.
func check(id string, result checks.Result, err error, after ...string) linkedCheck {
	return linkedCheck{
		Check: content.Check{ID: id, After: after},
		run:   func(context.Context, checks.Env) (checks.Result, error) { return result, err },
	}
}

var (
	passed = checks.Result{Outcome: checks.Passed}
	failed = checks.Result{Outcome: checks.Failed}

	notJudged = checks.Result{Outcome: checks.NotJudged}
)

func TestGradeAll(t *testing.T) {
	panics := check("panics", passed, nil)
	panics.run = func(context.Context, checks.Env) (checks.Result, error) { panic("a nil map") }
	for _, tc := range []struct {
		name string
		all  []linkedCheck
		want string
	}{
		{"checks that depend on nothing are judged on their own",
			[]linkedCheck{check("a", passed, nil), check("b", failed, nil)},
			"a:passed b:failed"},
		{"a check after one that failed is blocked by it, and so is what comes after that",
			[]linkedCheck{check("c", passed, nil, "b"), check("b", passed, nil, "a"), check("a", failed, nil)},
			"c:blocked[b] b:blocked[a] a:failed"},
		{"a check after two names both that did not pass",
			[]linkedCheck{check("a", failed, nil), check("b", failed, nil), check("c", passed, nil, "a", "b")},
			"a:failed b:failed c:blocked[a b]"},
		{"a history that was not recorded is the grader's problem",
			[]linkedCheck{check("a", passed, fmt.Errorf("who deleted it: %w", history.ErrNotRecorded)), check("b", passed, nil, "a")},
			"a:errored b:blocked[a]"},
		{"a check that panics takes nothing else down",
			[]linkedCheck{panics, check("b", passed, nil)},
			"panics:errored b:passed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, v := range gradeAll(t.Context(), checks.Env{}, tc.all) {
				s := v.ID + ":" + string(v.Outcome)
				if len(v.BlockedBy) > 0 {
					s += fmt.Sprint(v.BlockedBy)
				}
				got = append(got, s)
				if (v.Outcome == checks.Errored) != (v.Error != "") {
					t.Errorf("%s is %s with error %q", v.ID, v.Outcome, v.Error)
				}
			}
			if s := strings.Join(got, " "); s != tc.want {
				t.Errorf("got %s, want %s", s, tc.want)
			}
		})
	}
}

// using says what the check uses of the vocabulary.
func (c linkedCheck) using(use string) linkedCheck {
	c.Use = use
	return c
}

func TestWhatACheckNeedsDecidesWhetherItIsJudged(t *testing.T) {
	e := &Engine{cfg: Config{Vocabulary: needy(t)}}
	chain := func(first checks.Result) []linkedCheck {
		return []linkedCheck{
			check("last", passed, nil, "asked", "seen").using("now/there"),
			check("seen", failed, nil, "asked").using("past/seen"),
			check("asked", failed, nil, "first").using("past/asked"),
			check("first", first, nil).using("now/there"),
		}
	}
	for _, tc := range []struct {
		name string
		p    cluster.Provider
		all  []linkedCheck
		want string
	}{
		{"where all is there all are judged", can{has: cluster.Capabilities[:]}, chain(passed), "last:blocked[asked seen] seen:blocked[asked] asked:failed first:passed"},
		{"what is left out blocks nothing", can{}, chain(passed), "last:passed seen:not-judged asked:not-judged first:passed"},
		{"what it came after still blocks what comes after it", can{}, chain(failed), "last:blocked[first] seen:not-judged asked:not-judged first:failed"},
		{"what is there is judged", can{has: []cluster.Capability{cluster.AuditLog}}, chain(passed), "last:blocked[asked] seen:not-judged asked:failed first:passed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, v := range gradeAll(t.Context(), checks.Env{}, e.judgedOn(tc.p, tc.all)) {
				s := v.ID + ":" + string(v.Outcome)
				if len(v.BlockedBy) > 0 {
					s += fmt.Sprint(v.BlockedBy)
				}
				got = append(got, s)
				if (v.Outcome == checks.NotJudged) != strings.Contains(v.Reason.EN, "a cluster of the kind can does not have") {
					t.Errorf("%s is %s because %q", v.ID, v.Outcome, v.Reason.EN)
				}
			}
			if s := strings.Join(got, " "); s != tc.want {
				t.Errorf("got %s, want %s", s, tc.want)
			}
			if len(tc.all[0].After) != 2 {
				t.Errorf("the lab itself was changed: %v", tc.all[0].After)
			}
		})
	}
}

func TestAFailureThatIsPendingIsLookedAtAgain(t *testing.T) {
	var looks atomic.Int32
	c := linkedCheck{Check: content.Check{ID: "rollout"}, run: func(context.Context, checks.Env) (checks.Result, error) {
		if looks.Add(1) < 3 {
			return checks.Result{Outcome: checks.Failed, Pending: "the Deployment controller"}, nil
		}
		return passed, nil
	}}
	if v := gradeAll(t.Context(), checks.Env{}, []linkedCheck{c})[0]; v.Outcome != checks.Passed || looks.Load() != 3 {
		t.Errorf("%s after %d looks, want passed after 3", v.Outcome, looks.Load())
	}
}

func TestAnErrorThatPassesCostsNothing(t *testing.T) {
	var looks atomic.Int32
	c := linkedCheck{Check: content.Check{ID: "restarting"}, run: func(context.Context, checks.Env) (checks.Result, error) {
		if looks.Add(1) < 3 {
			return checks.Result{}, errors.New("connection refused")
		}
		return failed, nil
	}}
	if v := gradeAll(t.Context(), checks.Env{}, []linkedCheck{c})[0]; v.Outcome != checks.Failed || v.Error != "" {
		t.Errorf("got %s with error %q, want failed", v.Outcome, v.Error)
	}
}

func TestScore(t *testing.T) {
	step := &content.Step{ID: "drain", Points: 10}
	pass := []Verdict{{Result: passed}}
	for _, tc := range []struct {
		name     string
		verdicts []Verdict
		before   *progress.Step
		passed   bool
		points   int
	}{
		{"all checks passed", pass, nil, true, 10},
		{"a failed check earns nothing", []Verdict{{Result: passed}, {Result: failed}}, nil, false, 0},
		{"an errored check earns nothing yet", []Verdict{{Result: checks.Result{Outcome: checks.Errored}}}, nil, false, 0},
		{"what is not judged costs nothing", []Verdict{{Result: passed}, {Result: notJudged}, {Result: notJudged, Invariant: true}}, nil, true, 10},
		{"what fails beside it does", []Verdict{{Result: failed}, {Result: notJudged}}, nil, false, 0},
		{"an invariant alone earns nothing", []Verdict{{Result: notJudged}, {Result: passed, Invariant: true}}, nil, false, 0},
		{"hints are taken off", pass, &progress.Step{HintCost: 3}, true, 7},
		{"hints never take off more than there is", pass, &progress.Step{HintCost: 30}, true, 0},
		{"nothing is earned once the solution was shown", pass, &progress.Step{Revealed: true}, true, 0},
		{"what was earned is kept, whatever comes later", []Verdict{{Result: failed}}, &progress.Step{Passed: time.Now(), Points: 7}, false, 7},
	} {
		t.Run(tc.name, func(t *testing.T) {
			attempt := &progress.Lab{Steps: map[string]*progress.Step{}}
			if tc.before != nil {
				attempt.Steps[step.ID] = tc.before
			}
			r := &Report{Max: step.Points, Verdicts: tc.verdicts}
			r.score(&Session{Step: step, Attempt: attempt})
			if r.Passed != tc.passed || r.Points != tc.points {
				t.Errorf("passed %v with %d points, want %v with %d", r.Passed, r.Points, tc.passed, tc.points)
			}
		})
	}
}

func TestARestoredSnapshotUndoesHistoryInBetween(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 11, 23, 10, minute, 0, 0, time.UTC) }
	b := &baseline{Undone: []window{{From: at(10), To: at(20)}}}
	var minutes []int
	requests, err := b.without(past{at(5), at(15), at(25)}).Requests(t.Context(), history.Query{})
	for _, r := range requests {
		minutes = append(minutes, r.Time.Minute())
	}
	if err != nil || !slices.Equal(minutes, []int{5, 25}) {
		t.Errorf("got %v, %v; want what was done before the snapshot and after it was restored", minutes, err)
	}
}

// past is a history with a request at each of the times.
type past []time.Time

func (p past) Requests(context.Context, history.Query) ([]history.Request, error) {
	var all []history.Request
	for _, t := range p {
		all = append(all, history.Request{Time: t})
	}
	return all, nil
}

func TestParseScenario(t *testing.T) {
	setup := func(yaml string) *content.Step {
		return &content.Step{Dir: "10-x", Setup: []content.File{{Path: "10-x/setup/a.yaml", Data: []byte(yaml)}}}
	}
	lab := &content.Lab{ID: "11-x"}
	t.Run("objects are labelled, namespaces come first, and behaviours are no objects", func(t *testing.T) {
		s, err := parseScenario(lab, setup(`apiVersion: v1
kind: Pod
metadata: {name: p, namespace: shop, annotations: {k8slab.dev/settle: none}}
---
apiVersion: k8slab.dev/v1alpha1
kind: SimulatedWorkload
metadata: {name: slow}
spec: {selector: {namespace: shop}, stopAfter: 40s}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
`))
		if err != nil {
			t.Fatal(err)
		}
		if len(s.objects) != 2 || s.objects[0].GetKind() != "Namespace" || s.objects[1].GetKind() != "Pod" {
			t.Fatalf("got %v", s.objects)
		}
		pod := s.objects[1]
		if pod.GetLabels()[labLabel] != "11-x" || len(pod.GetAnnotations()) != 0 || !s.broken[pod] {
			t.Errorf("labels %v, annotations %v, broken %v", pod.GetLabels(), pod.GetAnnotations(), s.broken[pod])
		}
		if !strings.Contains(string(s.behaviors), "stopAfter") {
			t.Errorf("behaviours: %s", s.behaviors)
		}
	})
	t.Run("an object that occurs twice has a past", func(t *testing.T) {
		s, err := parseScenario(lab, setup(`
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: shop}
data: {a: "1"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: kitchen}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: shop}
data: {a: "2"}
`))
		if err != nil {
			t.Fatal(err)
		}
		if len(s.objects) != 2 || len(s.changes) != 1 {
			t.Fatalf("%d objects and %d changes, want 2 and 1", len(s.objects), len(s.changes))
		}
		if a, _, _ := unstructured.NestedString(s.changes[0].Object, "data", "a"); a != "2" || s.changes[0].GetLabels()[labLabel] != "11-x" {
			t.Errorf("the change is %v", s.changes[0].Object)
		}
	})
	for name, yaml := range map[string]string{
		"a document without a kind":             "apiVersion: v1\nmetadata: {name: x}\n",
		"a behaviour with an unknown field":     "apiVersion: k8slab.dev/v1alpha1\nkind: SimulatedWorkload\nmetadata: {name: x}\nspec: {selector: {namespace: a}, stopsAfter: 1s}\n",
		"a document that is not YAML":           "a: [",
		"a behaviour that selects nothing":      "apiVersion: k8slab.dev/v1alpha1\nkind: SimulatedWorkload\nmetadata: {name: x}\nspec: {stopAfter: 1s}\n",
		"a document whose name is not a string": "apiVersion: v1\nkind: Pod\nmetadata: {name: [x]}\n",
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			if _, err := parseScenario(lab, setup(yaml)); err == nil {
				t.Error("no error")
			}
		})
	}
}
