package terminal

import (
	"fmt"
	"strings"

	"github.com/k8slab/k8slab/engine/verify"
	"github.com/k8slab/k8slab/text"
)

// Parity renders proofs of the same labs on several kinds of cluster: each proof by itself, then where they agree, and
// for each answer on which they disagree, its outcome on each kind of cluster.
func (s Screen) Parity(results []*verify.Result, p *verify.Parity) string {
	var b strings.Builder
	for _, r := range results {
		b.WriteString(s.paint(bold, r.Cluster) + "\n\n" + s.Proof(r) + "\n")
	}
	b.WriteString(s.paint(bold, strings.Join(p.Clusters, " = ")+s.say("?", " ？")) + "\n\n")
	b.WriteString(s.parityTable(p))
	var reasons []text.Text
	for _, step := range p.Steps {
		name := step.Lab + "/" + step.Step
		for _, side := range step.Unplayable {
			reasons = append(reasons, side.Why)
		}
		for _, d := range step.Differences {
			s.difference(&b, name, d)
		}
	}
	s.unplayable(&b, reasons)
	b.WriteString("\n" + wrapStyled(s.parityClosing(p), s.columns(), "", ""))
	return b.String()
}

func (s Screen) parityTable(p *verify.Parity) string {
	rows := make([][]string, len(p.Steps))
	for i, step := range p.Steps {
		rows[i] = []string{step.Lab + "/" + step.Step, ofAll(step.Answers), ofAll(step.NearMisses)}
	}
	return s.Table([]Column{
		{Title: s.say("EXERCISE", "演習")}, {Title: s.say("SAME VERDICTS", "判定が一致")}, {Title: s.say("NEAR MISSES", "ニアミス")},
	}, rows)
}

func (s Screen) difference(b *strings.Builder, step string, d verify.Difference) {
	what := d.Answer
	if d.Check != "" {
		what += "  " + d.Check
	}
	s.proofHead(b, step, what)
	rows := make([][2]string, len(d.Sides))
	for i, side := range d.Sides {
		text := side.Outcome
		if why := side.Why.In(s.Lang); why != "" {
			text += ": " + why
		}
		rows[i] = [2]string{"  " + side.Cluster, Plain(text)}
	}
	b.WriteString(s.Definitions(rows))
}

func (s Screen) parityClosing(p *verify.Parity) string {
	var answers, near verify.Count
	unplayable := 0
	for _, step := range p.Steps {
		answers.OK, answers.All = answers.OK+step.Answers.OK, answers.All+step.Answers.All
		near.OK, near.All = near.OK+step.NearMisses.OK, near.All+step.NearMisses.All
		if len(step.Unplayable) > 0 {
			unplayable++
		}
	}
	text := fmt.Sprintf(s.say("%d of %d answers got the same verdicts on %s.", "%[3]s で同じ判定になった回答は %[2]d 件のうち %[1]d 件です。"), answers.OK, answers.All, strings.Join(p.Clusters, s.say(" and ", "、")))
	between := s.say(" ", "")
	if near.All > 0 {
		text += between + fmt.Sprintf(s.say("Of %[2]d near misses, %[1]d fared the same.", "ニアミスは %[2]d 件のうち %[1]d 件が一致しました。"), near.OK, near.All)
	}
	if unplayable > 0 {
		text += between + fmt.Sprintf(s.say("Not compared, as not all of them can play it: %d of %d exercises.", "一部のクラスターで実行できず、比較していない演習: %[2]d 件のうち %[1]d 件。"), unplayable, len(p.Steps))
	}
	if p.Same {
		return s.paint(bold, text)
	}
	return text
}
