package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine/grading"
	"github.com/k8slab/k8slab/text"
)

// judge compares the report with what the kind of answer calls for.
func judge(a Answer, r *grading.Report) (problems []text.Text) {
	disagree := func(v grading.Verdict, want ...checks.Outcome) {
		wanted := make([]string, len(want))
		for i, w := range want {
			wanted[i] = string(w)
		}
		told := feedback(v)
		problems = append(problems, text.Text{
			EN: fmt.Sprintf("%s is %s, want %s%s", v.ID, v.Outcome, strings.Join(wanted, " or "), told.EN),
			JA: fmt.Sprintf("%s は %s です。%s でなければなりません%s", v.ID, v.Outcome, strings.Join(wanted, " か "), told.JA),
		})
	}
	for _, v := range r.Verdicts {
		switch {
		case a.Kind == Nothing && !v.Invariant:
			if v.Outcome != checks.Failed && v.Outcome != checks.Blocked {
				disagree(v, checks.Failed, checks.Blocked)
			}
		case a.Kind == Wrong && v.ID == a.Fails:
			if v.Outcome != checks.Failed {
				disagree(v, checks.Failed)
			}
		case a.Kind == Wrong && v.Outcome == checks.Blocked && slices.Contains(v.BlockedBy, a.Fails):
		case a.Kind == Wrong && v.Outcome == checks.Blocked && allBlocked(r, v.BlockedBy):
		case v.Outcome != checks.Passed:
			disagree(v, checks.Passed)
		}
	}
	return problems
}

// allBlocked reports whether each of the checks is itself blocked, so that the failure lies further back.
func allBlocked(r *grading.Report, ids []string) bool {
	for _, v := range r.Verdicts {
		if slices.Contains(ids, v.ID) && v.Outcome != checks.Blocked {
			return false
		}
	}
	return true
}

// feedback is what the verdict told the learner.
func feedback(v grading.Verdict) text.Text {
	switch {
	case v.Error != "":
		return text.Text{EN: ": " + v.Error, JA: ": " + v.Error}
	case v.Outcome == checks.Failed:
		cause := ""
		if v.Cause != "" {
			cause = " (" + v.Cause + ")"
		}
		return text.New(": wanted %s; got %s%s", ": 期待は %s、実際は %s%s", v.Want, v.Got, cause)
	case v.Outcome == checks.Blocked:
		return text.New(" by %v", " (先に %v)", v.BlockedBy)
	}
	return text.Text{}
}

// differences are where two gradings of one state disagree. A cause is the cluster's own words, which may hold a time,
// and what is pending is about to change; the rest is the grader's. What a passed check has to tell is not shown: it
// may count pods that are about to end.
func differences(first, second *grading.Report) (problems []text.Text) {
	for i, one := range first.Verdicts {
		two := second.Verdicts[i]
		one.Cause, two.Cause, one.Pending, two.Pending = "", "", "", ""
		if one.Outcome == checks.Passed && two.Outcome == checks.Passed {
			continue
		}
		if one.Result == two.Result && one.Error == two.Error && slices.Equal(one.BlockedBy, two.BlockedBy) {
			continue
		}
		a, b := feedback(one), feedback(two)
		problems = append(problems, text.New("%s is %s%s; graded again, it is %s%s", "%s は %s%s でしたが、もう一度採点すると %s%s でした", one.ID, one.Outcome, a, two.Outcome, b))
	}
	return problems
}

// signature is the outcome of every check, by which two plays of an answer are compared.
func signature(r *grading.Report) string {
	var b strings.Builder
	for _, v := range r.Verdicts {
		fmt.Fprintf(&b, "%s:%s ", v.ID, v.Outcome)
	}
	return strings.TrimSpace(b.String())
}

// failedChecks returns the ids of the checks that say so.
func failedChecks(r *grading.Report) (ids []string) {
	for _, v := range r.Verdicts {
		if v.Outcome == checks.Failed {
			ids = append(ids, v.ID)
		}
	}
	return ids
}
