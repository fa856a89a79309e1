package terminal

import (
	"fmt"
	"strings"

	"github.com/k8slab/k8slab/engine/verify"
)

// selection says which labs were played whole and why, and what the samples of the others left out.
func (s Screen) selection(r *verify.Result) string {
	var sampled, alsoRight, wrong int
	for _, step := range r.Steps {
		if step.LeftOut != nil {
			sampled++
			alsoRight += step.LeftOut.AlsoRight
			wrong += step.LeftOut.Wrong
		}
	}
	var said []string
	if whole := s.wholeLabs(r.Selection); whole != "" {
		said = append(said, whole)
	}
	if sampled > 0 {
		said = append(said, s.sampled(r.Selection, sampled),
			fmt.Sprintf(s.say("Left out: %d wrong answers, %d other right answers, and the near misses.", "実行していないもの: 誤答 %d 件、別解 %d 件、ニアミス。"), wrong, alsoRight))
	}
	return strings.Join(said, s.say(" ", ""))
}

// wholeLabs is empty where there is none.
func (s Screen) wholeLabs(sel *verify.Selected) string {
	labs := map[string][]string{}
	var reasons []string
	for _, w := range sel.Whole {
		if labs[w.Because] == nil {
			reasons = append(reasons, w.Because)
		}
		labs[w.Because] = append(labs[w.Because], w.Lab)
	}
	if len(reasons) == 0 {
		return ""
	}
	var all []string
	for _, why := range reasons {
		all = append(all, fmt.Sprintf(s.say("%s (%s)", "%s (%s)"), strings.Join(labs[why], s.say(", ", "、")), why))
	}
	return fmt.Sprintf(s.say("What changed since %s touches these labs, of which everything was played: %s.", "%s からの変更が及ぶため、すべて実行したラボ: %s。"),
		sel.Since, strings.Join(all, s.say(", ", "、")))
}

func (s Screen) sampled(sel *verify.Selected, steps int) string {
	seed := ""
	if sel.Commit != "" {
		seed = fmt.Sprintf(s.say(" (chosen by the commit %.12s)", " (コミット %.12s で選択) "), sel.Commit)
	}
	if sel.Since == "" {
		return fmt.Sprintf(s.say(
			"This is a sample%[3]s of %[1]d exercises: of each, the starting state, the solution and at most %[2]d of its wrong answers.",
			"これは抜き取り検証です。演習 %d 件について、それぞれ開始状態、解答、最大 %d 件の誤答%sを実行しました。",
		), steps, sel.Sample, seed)
	}
	return fmt.Sprintf(s.say(
		"Other exercises were sampled%[3]s, %[1]d in all: of each, the starting state, the solution and at most %[2]d of its wrong answers.",
		"変更が及ばない演習 %d 件は抜き取りで、それぞれ開始状態、解答、最大 %d 件の誤答%sを実行しました。",
	), steps, sel.Sample, seed)
}
