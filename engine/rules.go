package engine

import (
	"slices"
	"strings"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/grading"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/text"
)

// The rules in this file say when a step may be left, what to do next and what help costs. All faces share them. A face
// chooses its own words; only advice and LastStep come with theirs.

// Advice is a sentence that names things to do. Where Text has {0}, a face shows how Do[0] is done there: the command
// to type, the key to press, the name of a button; the same for {1}.
type Advice struct {
	Text text.Text
	Do   []action.Action
}

// stepProgress returns what the attempt has of the session's step; nil if nothing has happened in the step.
func stepProgress(s *Session) *progress.Step {
	if s.Attempt == nil {
		return nil
	}
	return s.Attempt.Steps[s.Step.ID]
}

// IsLast reports whether the session's cluster can play none of the steps after the session's.
func IsLast(s *Session) bool {
	following, _ := s.Following()
	return following == nil
}

// RefuseUnpassed returns nil for a step that may be left with its points. Otherwise it returns a problem of the kind
// problem.Unpassed; the face says how to leave the step without the points.
func RefuseUnpassed(s *Session) error {
	if s.Passed() {
		return nil
	}
	return problem.New(problem.Unpassed,
		text.New("the step %s has not passed yet", "ステップ %s はまだ合格していません", s.Step.ID), action.Do(action.Check))
}

// OutcomeOf sums a report up. It returns checks.Passed; checks.Failed if something is left to the learner; and
// checks.Errored if nothing failed, but the grader could not judge a check, which is not the learner's failure.
func OutcomeOf(r *grading.Report) checks.Outcome {
	has := func(o checks.Outcome) bool {
		return slices.ContainsFunc(r.Verdicts, func(v grading.Verdict) bool { return v.Outcome == o })
	}
	switch {
	case r.Passed:
		return checks.Passed
	case !has(checks.Failed) && has(checks.Errored):
		return checks.Errored
	default:
		return checks.Failed
	}
}

// AfterReport returns what a learner does next after a report: go on if the step passed, take a hint if a check failed,
// or read the lesson again if the step has no hints. If the grader could not judge, AfterErrored decides.
func AfterReport(s *Session, r *grading.Report) action.Action {
	switch {
	case r.Passed:
		return AfterPassed(s)
	case slices.ContainsFunc(r.Verdicts, func(v grading.Verdict) bool { return v.Outcome == checks.Failed }):
		if len(s.Step.Hints) == 0 {
			return action.Do(action.Lesson)
		}
		return action.Do(action.Hint)
	}
	if _, next, errored := AfterErrored(s, r); errored {
		return next
	}
	return action.Do(action.Check)
}

// AfterPassed returns what a learner does next after a step that has passed.
func AfterPassed(s *Session) action.Action {
	if IsLast(s) {
		return action.Do(action.Finish)
	}
	return action.Do(action.Next)
}

// AfterErrored returns advice about the first check that the grader could not judge, and what to do next if no other
// check failed. errored is false if the grader could judge every check.
func AfterErrored(s *Session, r *grading.Report) (advice Advice, next action.Action, errored bool) {
	i := slices.IndexFunc(r.Verdicts, func(v grading.Verdict) bool { return v.Outcome == checks.Errored })
	if i < 0 {
		return Advice{}, action.Action{}, false
	}
	if s.Cluster != nil {
		for _, part := range s.Cluster.Components {
			if part.State != "running" {
				return Advice{Text: text.New("%s does not run, and the grader needs the whole control plane. Start it, then check again.",
						"%s が動いていません。採点にはコントロールプレーン全体が必要です。起動してから、もう一度チェックしてください。", part.Name)},
					action.Do(action.StartComponent).With("component", part.Name), true
			}
		}
	}
	if strings.Contains(r.Verdicts[i].Error, history.ErrNotRecorded.Error()) {
		reset := action.Do(action.Reset)
		return Advice{Text: text.Text{
			EN: "What happened in this step was not recorded. {0} begins the step again, with a record.",
			JA: "このステップの経過が記録されていません。{0} で記録を取りながらやり直せます。",
		}, Do: []action.Action{reset}}, reset, true
	}
	return Advice{Text: text.Text{
		EN: "If it happens again, {0} shows what is wrong with the cluster, and {1} repairs it.",
		JA: "繰り返す場合は、{0} でクラスターの具合を確かめてください。{1} で修復できます。",
	}, Do: []action.Action{action.Do(action.ClusterStatus), action.Do(action.Start)}}, action.Do(action.Check), true
}

// HintOffer is the hint that a learner would get next, before it is asked for.
type HintOffer struct {
	// Level counts from 1 to Levels. It is zero if all hints were taken, in which case the last one is shown again.
	Level, Levels int
	// Cost in points.
	Cost int
}

// NextHint returns the hint that the session's step offers next. A hint costs nothing once the step has passed.
func NextHint(s *Session) HintOffer {
	taken := 0
	if st := stepProgress(s); st != nil {
		taken = st.HintsSeen
	}
	return hintAfter(s, taken)
}

// HintAfter returns what the step offers after the hint h, which was just taken.
func HintAfter(s *Session, h *Hint) HintOffer {
	if h.Last {
		return HintOffer{Levels: h.Levels}
	}
	return hintAfter(s, h.Level)
}

func hintAfter(s *Session, taken int) HintOffer {
	offer := HintOffer{Levels: len(s.Step.Hints)}
	if taken >= offer.Levels {
		return offer
	}
	offer.Level = taken + 1
	if !s.Passed() {
		offer.Cost = s.Step.Hints[taken].Cost
	}
	return offer
}

// AfterHint returns what a learner does next after a hint: check, or go on if the step has passed already.
func AfterHint(s *Session, h *Hint) action.Action {
	if h.Passed {
		return AfterPassed(s)
	}
	return action.Do(action.Check)
}

// AfterDelete returns what a learner does next after the lab was deleted. left is nil for a cluster of the lab's own;
// for one that somebody else made, left lists objects that are still there. Then the learner deletes again, because the
// lab is forgotten only when all its objects are gone.
func AfterDelete(lab string, left *cluster.Departure) action.Action {
	if left != nil && len(left.Left) > 0 {
		return action.Do(action.Delete).On(lab)
	}
	return action.Do(action.Start).On(lab)
}

// AfterPlan returns what a learner does next after a look at an upgrade: upgrade, or nothing if there are obstacles.
func AfterPlan(plan *UpgradePlan) action.Action {
	if len(plan.Obstacles) > 0 {
		return action.Action{}
	}
	return action.Do(action.ClusterUpgrade)
}

// LastStep says that the session's step is the last one. passedOver are later steps that its cluster cannot play.
func LastStep(s *Session, passedOver []catalog.Fit) text.Text {
	if len(passedOver) > 0 {
		return text.New("%s is the last step of %s that can be played here.", "%s は、ここで実行できる %s の最後のステップです。", s.Step.ID, s.Lab.ID)
	}
	return text.New("%s is the last step of %s.", "%s は %s の最後のステップです。", s.Step.ID, s.Lab.ID)
}

// Tally counts the steps of an attempt that have passed, and its points.
func Tally(attempt *progress.Lab) (passed, points int) {
	for _, st := range attempt.Steps {
		points += st.Points
		if !st.Passed.IsZero() {
			passed++
		}
	}
	return passed, points
}
