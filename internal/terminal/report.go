package terminal

import (
	"fmt"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine"
)

// Report renders the grading of a step: one line for each check with a sign and a word, for a failure what was
// wanted, found and why it matters, and a closing line with the points. What to type next depends on the lab too, so
// the caller adds it, see [NextAfter].
func (s Screen) Report(r *engine.Report) string {
	var b strings.Builder
	words := 0
	for _, v := range r.Verdicts {
		words = max(words, Width(s.outcomeWord(v.Outcome)))
	}
	for _, v := range r.Verdicts {
		s.verdict(&b, r, v, words)
	}
	b.WriteString("\n")
	b.WriteString(wrapStyled(s.closing(r), s.columns(), "", ""))
	return b.String()
}

// NextAfter returns the command to type after a report, without the program's name.
func NextAfter(r *engine.Report) string {
	if r.Passed {
		return "next"
	}
	for _, v := range r.Verdicts {
		if v.Outcome == checks.Failed {
			return "hint"
		}
	}
	return "check"
}

func (s Screen) verdict(b *strings.Builder, r *engine.Report, v engine.Verdict, words int) {
	sign, sgr := outcomeSign(v.Outcome)
	word := s.outcomeWord(v.Outcome)
	column := 2 + words + 2
	head := sign + " " + word + strings.Repeat(" ", column-2-Width(word))
	title := Plain(v.Title.In(s.Lang))
	if title == "" {
		title = Plain(v.ID)
	}
	if v.Invariant {
		title += s.say(" (must stay true)", "(保つべき条件)")
	}
	body := wrapPlain(title, s.columns(), strings.Repeat(" ", column), strings.Repeat(" ", column))
	b.WriteString(s.paint(sgr, head) + body[column:])

	switch v.Outcome {
	case checks.Failed:
		s.detail(b, s.say("object", "対象"), v.Object)
		s.detail(b, s.say("want", "期待"), v.Want.In(s.Lang))
		s.detail(b, s.say("got", "実際"), v.Got.In(s.Lang))
		s.detail(b, s.say("why", "理由"), v.Why.In(s.Lang))
		s.detail(b, s.say("cause", "原因"), v.Cause)
		s.detail(b, s.say("pending", "待ち"), v.Pending)
	case checks.Blocked:
		s.detail(b, s.say("after", "先に"), strings.Join(s.titles(r, holding(r, v)), s.say("; ", "、")))
	case checks.Errored:
		s.detail(b, s.say("error", "事情"), v.Error)
	case checks.NotJudged:
		s.detail(b, s.say("because", "事情"), v.Reason.In(s.Lang))
	}
}

// holding lists the ids of the checks that a blocked one waits for in the end: those that did not pass, and not those that wait too. One
// mistake often blocks many checks, and only what to mend is worth reading.
func holding(r *engine.Report, blocked engine.Verdict) (ids []string) {
	waiting, seen := slices.Clone(blocked.BlockedBy), map[string]bool{}
	for len(waiting) > 0 {
		id := waiting[0]
		waiting = waiting[1:]
		if seen[id] {
			continue
		}
		seen[id] = true
		i := slices.IndexFunc(r.Verdicts, func(v engine.Verdict) bool { return v.ID == id })
		if i >= 0 && r.Verdicts[i].Outcome == checks.Blocked {
			waiting = append(waiting, r.Verdicts[i].BlockedBy...)
			continue
		}
		ids = append(ids, id)
	}
	return ids
}

// titles says checks as the report does: their ids are for authors.
func (s Screen) titles(r *engine.Report, ids []string) []string {
	titles := make([]string, len(ids))
	for i, id := range ids {
		titles[i] = id
		for _, v := range r.Verdicts {
			if title := v.Title.In(s.Lang); v.ID == id && title != "" {
				titles[i] = title
			}
		}
	}
	return titles
}

// detail writes one labelled text below a check, in a column of its own.
func (s Screen) detail(b *strings.Builder, label, text string) {
	text = strings.TrimSpace(strings.ReplaceAll(Plain(text), "\n", " "))
	if text == "" {
		return
	}
	const indent, column = 4, 4 + 8
	first := strings.Repeat(" ", indent) + label + strings.Repeat(" ", column-indent-Width(label))
	lines := wrapPlain(text, s.columns(), first, strings.Repeat(" ", column))
	b.WriteString(strings.Replace(lines, label, s.paint(faint, label), 1))
}

func (s Screen) closing(r *engine.Report) string {
	passed, leftOut := 0, 0
	for _, v := range r.Verdicts {
		switch v.Outcome {
		case checks.Passed:
			passed++
		case checks.NotJudged:
			leftOut++
		}
	}
	between := s.say(" ", "")
	counts := fmt.Sprintf(s.say("%d of %d checks passed, %d of %d points.", "%[2]d 項目中 %[1]d 項目に合格、%[4]d 点中 %[3]d 点。"),
		passed, len(r.Verdicts)-leftOut, r.Points, r.Max)
	if leftOut > 0 {
		counts += between + fmt.Sprintf(s.say("Not judged on this cluster: %d, which costs no point.", "このクラスターでは判定しない項目: %d 件 (減点なし)。"), leftOut)
	}
	if r.HintCost > 0 {
		counts += between + fmt.Sprintf(s.say("Hints have cost %d.", "ヒントで %d 点引かれています。"), r.HintCost)
	}
	if r.Passed {
		return s.paint(bold, counts)
	}
	for _, v := range r.Verdicts {
		if v.Outcome == checks.Errored {
			counts += between + s.say("Where k8slab could not tell, nothing is lost: check again.",
				"判定できなかった項目で点は失われません。もう一度チェックしてください。")
			break
		}
	}
	return counts
}

// Next renders the line that names the next command to type. The command is not wrapped, so that it can be copied.
func (s Screen) Next(command string) string {
	return s.paint(faint, s.say("next:", "次:")) + " " + s.paint(cyan, Plain(command)) + "\n"
}

func outcomeSign(o checks.Outcome) (sign, sgr string) {
	switch o {
	case checks.Passed:
		return "✓", green
	case checks.Failed:
		return "✗", red
	case checks.Blocked, checks.NotJudged:
		return "–", faint
	default:
		return "?", amber
	}
}

func (s Screen) outcomeWord(o checks.Outcome) string {
	switch o {
	case checks.Passed:
		return s.say("passed", "合格")
	case checks.Failed:
		return s.say("failed", "不合格")
	case checks.Blocked:
		return s.say("blocked", "保留")
	case checks.NotJudged:
		return s.say("not judged", "対象外")
	default:
		return s.say("could not tell", "判定不能")
	}
}
