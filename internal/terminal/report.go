package terminal

import (
	"strings"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/internal/present"
)

// Report renders the grading of a step: one line for each check with a sign and a word, for a failure what was
// wanted, found and why it matters, and a closing line with the points.
func (s Screen) Report(r present.Report) string {
	var b strings.Builder
	words := 0
	for _, v := range r.Verdicts {
		words = max(words, Width(v.Word.In(s.Lang)))
	}
	for _, v := range r.Verdicts {
		s.verdict(&b, v, words)
	}
	closing := r.Closing.In(s.Lang)
	if r.Passed {
		closing = s.paint(bold, closing)
	}
	b.WriteString("\n" + wrapStyled(closing, s.columns(), "", ""))
	return b.String()
}

func (s Screen) verdict(b *strings.Builder, v present.Verdict, words int) {
	sign, sgr := outcomeSign(v.Outcome)
	word := v.Word.In(s.Lang)
	column := 2 + words + 2
	head := sign + " " + word + strings.Repeat(" ", column-2-Width(word))
	body := wrapPlain(Plain(v.Title.In(s.Lang)), s.columns(), strings.Repeat(" ", column), strings.Repeat(" ", column))
	b.WriteString(s.paint(sgr, head) + body[column:])
	for _, d := range v.Details {
		s.detail(b, d.Name.In(s.Lang), d.Value.In(s.Lang))
	}
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
