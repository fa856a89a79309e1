package verify

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/grading"
	"github.com/k8slab/k8slab/text"
)

// accepts returns the step's reason for letting the near miss pass, or nil.
func accepts(step *content.Step, id string) *content.Accepted {
	for i, a := range step.Accepts {
		if ok, err := path.Match(a.NearMiss, id); err == nil && ok {
			return &step.Accepts[i]
		}
	}
	return nil
}

// result puts together what became of every step, in the order of the labs. early says that the run ended before all
// was played.
func (r *run) result(early bool) *Result {
	result := &Result{Cluster: r.cluster, Passed: true, Repeat: r.repeat, Selection: r.selection, Spent: Spent{}}
	for _, s := range r.steps {
		one := s.result(early, r.repeat)
		result.Passed = result.Passed && one.Passed
		result.Steps = append(result.Steps, one)
		for _, plays := range s.plays {
			for _, p := range plays {
				result.Spent.add(p.spent)
			}
		}
	}
	return result
}

func (s *stepRun) result(early bool, repeat int) StepResult {
	one := StepResult{Lab: s.lab.ID, Step: s.step.ID, Dir: s.step.Dir, Passed: true, Unplayable: s.elsewhere}
	if s.elsewhere != nil {
		return one
	}
	one.LeftOut = s.left()
	// played counts what is missing, and reports whether there is anything to tell.
	played := func(name string) bool {
		n := len(s.plays[name])
		if early && s.broken == nil && n < repeat {
			one.Unplayed++
			one.Passed = false
			return n > 0
		}
		return true
	}
	for _, a := range s.answers {
		if !played(a.Name()) {
			continue
		}
		answer := s.answerResult(a)
		one.Passed = one.Passed && answer.Passed
		one.Answers = append(one.Answers, answer)
	}
	for _, c := range Unkilled(s.step) {
		one.Passed = false
		one.Unkilled = append(one.Unkilled, Place{ID: c.ID, File: c.At.File, Line: c.At.Line})
	}
	for _, plays := range s.plays {
		for _, p := range plays {
			one.Work += p.elapsed
		}
	}
	if !s.derived {
		return one
	}
	one.NearMisses = []NearMissResult{}
	needed := map[*content.Accepted]bool{}
	for _, n := range s.near {
		if !played(n.id) {
			continue
		}
		miss := s.nearMissResult(n)
		if miss.Outcome == WasAccepted {
			needed[accepts(s.step, n.id)] = true
		}
		one.Passed = one.Passed && miss.Good()
		one.NearMisses = append(one.NearMisses, miss)
	}
	for i := range s.step.Accepts {
		if a := &s.step.Accepts[i]; !needed[a] && one.Unplayed == 0 {
			one.Passed = false
			one.Unused = append(one.Unused, Place{ID: a.NearMiss, File: a.At.File, Line: a.At.Line})
		}
	}
	return one
}

// left counts what the step's sample does without; nil where there is no sample.
func (s *stepRun) left() *LeftOut {
	if !s.sampled {
		return nil
	}
	left := &LeftOut{}
	for _, a := range s.leftOut {
		if a.Kind == AlsoRight {
			left.AlsoRight++
		} else {
			left.Wrong++
		}
	}
	return left
}

// answerResult takes what is wrong from the first play in which something is.
func (s *stepRun) answerResult(a Answer) AnswerResult {
	result := AnswerResult{Name: a.Name(), Kind: a.Kind, Fails: a.Fails}
	plays := s.plays[a.Name()]
	if len(plays) > 0 {
		result.Verdicts = verdicts(plays[0].report)
	}
	for _, p := range plays {
		result.Elapsed = max(result.Elapsed, p.elapsed)
		if len(result.Problems) == 0 && len(p.problems) > 0 {
			result.Problems, result.Transcript = p.problems, p.transcript
		}
	}
	if first, other, ok := flaky(plays); ok {
		result.Flaky = true
		result.Problems = append(slices.Clone(result.Problems), first.differs(other))
		result.Transcript = cmp.Or(result.Transcript, other.transcript)
	}
	if s.broken != nil && len(plays) == 0 {
		result.Problems = []text.Text{{EN: "it could not be played: " + s.broken.EN, JA: "実行できませんでした: " + s.broken.JA}}
	}
	result.Passed = len(result.Problems) == 0
	return result
}

func verdicts(r *grading.Report) (all []Verdict) {
	for _, v := range r.Verdicts {
		told := feedback(v)
		all = append(all, Verdict{Check: v.ID, Outcome: v.Outcome, Told: text.Text{EN: strings.TrimPrefix(told.EN, ": "), JA: strings.TrimPrefix(told.JA, ": ")}})
	}
	return all
}

func (s *stepRun) nearMissResult(n nearMiss) NearMissResult {
	result := NearMissResult{ID: n.id, Does: n.does, Outcome: CouldNotTell}
	plays := s.plays[n.id]
	if len(plays) == 0 {
		if s.broken != nil {
			result.Problems = []text.Text{*s.broken}
		}
		return result
	}
	for _, p := range plays {
		result.Elapsed = max(result.Elapsed, p.elapsed)
	}
	// A play that passed or could not tell counts more than one that failed.
	p := slices.MaxFunc(plays, func(a, b *play) int { return concern(a) - concern(b) })
	switch result.Outcome = p.outcome(); result.Outcome {
	case Refused:
		result.Problems = nil
	case Killed:
		result.By = failedChecks(p.report)
	case Survived:
		if a := accepts(s.step, n.id); a != nil {
			result.Outcome, result.Reason = WasAccepted, a.Reason
		}
	case CouldNotTell:
		result.Problems = p.errored()
	}
	if first, other, ok := flaky(plays); ok {
		result.Flaky = true
		result.Problems = append(result.Problems, first.differs(other))
	}
	return result
}

func concern(p *play) int {
	return slices.Index([]NearMissOutcome{Refused, Killed, CouldNotTell, Survived}, p.outcome())
}

// flaky returns two plays of an answer that got different verdicts.
func flaky(plays []*play) (first, other *play, ok bool) {
	for _, p := range plays[min(1, len(plays)):] {
		if p.refused != plays[0].refused || signature(p.report) != signature(plays[0].report) {
			return plays[0], p, true
		}
	}
	return nil, nil, false
}

func (p *play) differs(other *play) text.Text {
	var en, ja string
	for i, v := range p.report.Verdicts {
		if o := other.report.Verdicts[i]; o.Outcome != v.Outcome {
			en += fmt.Sprintf("; %s was %s once and %s another time%s", v.ID, v.Outcome, o.Outcome, feedback(o).EN)
			ja += fmt.Sprintf("。%s は %s だったり %s だったりします%s", v.ID, v.Outcome, o.Outcome, feedback(o).JA)
		}
	}
	return text.Text{EN: "its verdict differs when it is played again" + en, JA: "繰り返すと判定が変わります" + ja}
}
