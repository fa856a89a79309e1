package grading

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/progress"
)

// check returns a linked check that always gives this result and error.
func check(id string, result checks.Result, err error, after ...string) catalog.Check {
	return catalog.Check{
		Check: content.Check{ID: id, After: after},
		Run:   func(context.Context, checks.Env) (checks.Result, error) { return result, err },
	}
}

var (
	passed = checks.Result{Outcome: checks.Passed}
	failed = checks.Result{Outcome: checks.Failed}

	notJudged = checks.Result{Outcome: checks.NotJudged}
)

func TestGradeAll(t *testing.T) {
	panics := check("panics", passed, nil)
	panics.Run = func(context.Context, checks.Env) (checks.Result, error) { panic("a nil map") }
	for _, tc := range []struct {
		name string
		all  []catalog.Check
		want string
	}{
		{"checks that depend on nothing are judged on their own",
			[]catalog.Check{check("a", passed, nil), check("b", failed, nil)},
			"a:passed b:failed"},
		{"a check after one that failed is blocked by it, and so is what comes after that",
			[]catalog.Check{check("c", passed, nil, "b"), check("b", passed, nil, "a"), check("a", failed, nil)},
			"c:blocked[b] b:blocked[a] a:failed"},
		{"a check after two names both that did not pass",
			[]catalog.Check{check("a", failed, nil), check("b", failed, nil), check("c", passed, nil, "a", "b")},
			"a:failed b:failed c:blocked[a b]"},
		{"a history that was not recorded is the grader's problem",
			[]catalog.Check{check("a", passed, fmt.Errorf("who deleted it: %w", history.ErrNotRecorded)), check("b", passed, nil, "a")},
			"a:errored b:blocked[a]"},
		{"a check that panics takes nothing else down",
			[]catalog.Check{panics, check("b", passed, nil)},
			"panics:errored b:passed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, v := range Look(t.Context(), checks.Env{}, tc.all, nil) {
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

func TestAFailureThatIsPendingIsLookedAtAgain(t *testing.T) {
	var looks atomic.Int32
	c := catalog.Check{Check: content.Check{ID: "rollout"}, Run: func(context.Context, checks.Env) (checks.Result, error) {
		if looks.Add(1) < 3 {
			return checks.Result{Outcome: checks.Failed, Pending: "the Deployment controller"}, nil
		}
		return passed, nil
	}}
	if v := Look(t.Context(), checks.Env{}, []catalog.Check{c}, nil)[0]; v.Outcome != checks.Passed || looks.Load() != 3 {
		t.Errorf("%s after %d looks, want passed after 3", v.Outcome, looks.Load())
	}
}

func TestAnErrorThatPassesCostsNothing(t *testing.T) {
	var looks atomic.Int32
	c := catalog.Check{Check: content.Check{ID: "restarting"}, Run: func(context.Context, checks.Env) (checks.Result, error) {
		if looks.Add(1) < 3 {
			return checks.Result{}, errors.New("connection refused")
		}
		return failed, nil
	}}
	if v := Look(t.Context(), checks.Env{}, []catalog.Check{c}, nil)[0]; v.Outcome != checks.Failed || v.Error != "" {
		t.Errorf("got %s with error %q, want failed", v.Outcome, v.Error)
	}
}

func TestScore(t *testing.T) {
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
			r := &Report{Max: 10, Verdicts: tc.verdicts}
			r.Score(tc.before)
			if r.Passed != tc.passed || r.Points != tc.points {
				t.Errorf("passed %v with %d points, want %v with %d", r.Passed, r.Points, tc.passed, tc.points)
			}
		})
	}
}
