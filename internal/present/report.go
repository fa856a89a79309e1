package present

import (
	"slices"
	"strings"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/grading"
	"github.com/k8slab/k8slab/text"
)

// Report is the grading of a step.
type Report struct {
	Passed   bool
	Verdicts []Verdict
	// Closing sums the verdicts up, with the points.
	Closing text.Text
}

// Verdict is the result of one check.
type Verdict struct {
	ID      string
	Outcome checks.Outcome
	// Word says the outcome.
	Word  text.Text
	Title text.Text
	// Details say more about an outcome that is not simply "passed"; those with nothing to say are left out.
	Details []Fact
}

// ReportOf returns the report with its words. The next step depends on the lab, too; see Checked.
func ReportOf(r *grading.Report) Report {
	report := Report{Passed: r.Passed, Closing: closing(r)}
	for _, v := range r.Verdicts {
		report.Verdicts = append(report.Verdicts, Verdict{ID: v.ID, Outcome: v.Outcome, Word: Outcome(v.Outcome), Title: titleOf(v), Details: details(r, v)})
	}
	return report
}

// titleOf returns the title of the check. A language without a title gets the id, which is meant for authors.
func titleOf(v grading.Verdict) text.Text {
	title := withID(v)
	if v.Invariant {
		return text.New("%s (must stay true)", "%s(保つべき条件)", title)
	}
	return title
}

func withID(v grading.Verdict) text.Text {
	title := v.Title
	if title.EN == "" {
		title.EN = v.ID
	}
	if title.JA == "" {
		title.JA = v.ID
	}
	return title
}

func details(r *grading.Report, v grading.Verdict) []Fact {
	var all []Fact
	say := func(en, ja string, what text.Text) {
		if !what.IsZero() {
			all = append(all, Fact{Name: text.Text{EN: en, JA: ja}, Value: what})
		}
	}
	switch v.Outcome {
	case checks.Failed:
		say("object", "対象", text.Plain(v.Object))
		say("want", "期待", v.Want)
		say("got", "実際", v.Got)
		say("why", "理由", v.Why)
		say("cause", "原因", text.Plain(v.Cause))
		say("pending", "待ち", text.Plain(v.Pending))
	case checks.Blocked:
		say("after", "先に", titles(r, holding(r, v)))
	case checks.Errored:
		say("error", "事情", text.Plain(v.Error))
	case checks.NotJudged:
		say("because", "事情", v.Reason)
	}
	return all
}

// holding lists the ids of the checks for which a blocked check waits in the end: checks that did not pass, and no
// checks that wait themselves. One mistake often blocks many checks, and only the check that found it is worth reading.
func holding(r *grading.Report, blocked grading.Verdict) (ids []string) {
	waiting, seen := slices.Clone(blocked.BlockedBy), map[string]bool{}
	for len(waiting) > 0 {
		id := waiting[0]
		waiting = waiting[1:]
		if seen[id] {
			continue
		}
		seen[id] = true
		i := slices.IndexFunc(r.Verdicts, func(v grading.Verdict) bool { return v.ID == id })
		if i >= 0 && r.Verdicts[i].Outcome == checks.Blocked {
			waiting = append(waiting, r.Verdicts[i].BlockedBy...)
			continue
		}
		ids = append(ids, id)
	}
	return ids
}

// titles enumerates checks by the titles that the report gives them.
func titles(r *grading.Report, ids []string) text.Text {
	en, ja := slices.Clone(ids), slices.Clone(ids)
	for i, id := range ids {
		for _, v := range r.Verdicts {
			if v.ID == id {
				title := withID(v)
				en[i], ja[i] = title.EN, title.JA
			}
		}
	}
	return text.Text{EN: strings.Join(en, "; "), JA: strings.Join(ja, "、")}
}

func closing(r *grading.Report) text.Text {
	passed, leftOut, errored := 0, 0, false
	for _, v := range r.Verdicts {
		switch v.Outcome {
		case checks.Passed:
			passed++
		case checks.NotJudged:
			leftOut++
		case checks.Errored:
			errored = true
		}
	}
	said := []text.Text{text.New("%d of %d checks passed, %d of %d points.", "%[2]d 項目中 %[1]d 項目に合格、%[4]d 点中 %[3]d 点。",
		passed, len(r.Verdicts)-leftOut, r.Points, r.Max)}
	if leftOut > 0 {
		said = append(said, text.New("Not judged on this cluster: %d, which costs no point.", "このクラスターでは判定しない項目: %d 件 (減点なし)。", leftOut))
	}
	if r.HintCost > 0 {
		said = append(said, text.New("Hints have cost %d.", "ヒントで %d 点引かれています。", r.HintCost))
	}
	if errored && !r.Passed {
		said = append(said, text.Text{EN: "Where k8slab could not tell, nothing is lost: check again.",
			JA: "判定できなかった項目で点は失われません。もう一度チェックしてください。"})
	}
	return join(said...)
}

// Outcome returns the word for an outcome.
func Outcome(o checks.Outcome) text.Text {
	switch o {
	case checks.Passed:
		return text.Text{EN: "passed", JA: "合格"}
	case checks.Failed:
		return text.Text{EN: "failed", JA: "不合格"}
	case checks.Blocked:
		return text.Text{EN: "blocked", JA: "保留"}
	case checks.NotJudged:
		return text.Text{EN: "not judged", JA: "対象外"}
	default:
		return text.Text{EN: "could not tell", JA: "判定不能"}
	}
}

// Checked is a report and what a learner is told after it.
type Checked struct {
	Report Report
	// Debrief is the lesson's text about a step that has passed, in Markdown, in the languages that have one.
	Debrief map[text.Lang]string
	// Notes come after the debrief: what the next hint costs, and what to do if the grader could not tell.
	Notes []engine.Advice
	Next  action.Action
}

// CheckedOf returns what a learner is told after the report.
func CheckedOf(s *engine.Session, r *grading.Report) Checked {
	c := Checked{Report: ReportOf(r), Next: engine.AfterReport(s, r), Debrief: map[text.Lang]string{}}
	for lang, lesson := range s.Step.Lessons {
		if r.Passed && lesson != nil && lesson.Debrief != "" {
			c.Debrief[lang] = lesson.Debrief
		}
	}
	if c.Next.Verb == action.Hint {
		c.Notes = append(c.Notes, OfferOf(s))
	}
	if advice, _, errored := engine.AfterErrored(s, r); errored {
		c.Notes = append(c.Notes, advice)
	}
	return c
}
