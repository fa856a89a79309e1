package terminal

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/k8slab/k8slab/engine/verify"
	"github.com/k8slab/k8slab/text"
)

// Proof renders the result of proving labs: a table of the answers, then everything that disagrees, each with the
// transcript of its script, and a closing line.
func (s Screen) Proof(r *verify.Result) string {
	var b strings.Builder
	b.WriteString(s.proofTable(r))
	var reasons []text.Text
	for _, step := range r.Steps {
		s.proofProblems(&b, step)
		if step.Unplayable != nil {
			reasons = append(reasons, *step.Unplayable)
		}
	}
	s.unplayable(&b, reasons)
	b.WriteString("\n")
	if r.Selection != nil {
		b.WriteString(wrapPlain(s.selection(r), s.columns(), "", "") + "\n")
	}
	b.WriteString(wrapStyled(s.proofClosing(r), s.columns(), "", ""))
	return b.String()
}

func (s Screen) proofTable(r *verify.Result) string {
	rows := make([][]string, len(r.Steps))
	for i, step := range r.Steps {
		rows[i] = []string{step.Lab + "/" + step.Step, ofAll(step.Count(verify.Nothing)), ofAll(step.Count(verify.Solution)),
			ofAll(step.Count(verify.AlsoRight)), ofAll(step.Count(verify.Wrong)), ofAll(step.Count(verify.NearMiss))}
		if left := step.LeftOut; left != nil {
			rows[i][3] += s.ofThoseThere(step.Count(verify.AlsoRight), left.AlsoRight)
			rows[i][4] += s.ofThoseThere(step.Count(verify.Wrong), left.Wrong)
		}
	}
	return s.Table([]Column{
		{Title: s.say("EXERCISE", "演習")}, {Title: s.say("START", "開始")}, {Title: s.say("SOLUTION", "解答")},
		{Title: s.say("ALSO RIGHT", "別解")}, {Title: s.say("WRONG", "誤答")}, {Title: s.say("NEAR MISSES", "ニアミス")},
	}, rows)
}

// ofThoseThere follows a count of answers of which some were left out.
func (s Screen) ofThoseThere(n verify.Count, left int) string {
	if left == 0 {
		return ""
	}
	return fmt.Sprintf(s.say(" of %d", " (全 %d)"), n.All+left)
}

func ofAll(n verify.Count) string {
	if n.All == 0 {
		return "–"
	}
	return fmt.Sprintf("%d/%d", n.OK, n.All)
}

// unplayable says why a kind of cluster cannot play exercises. A reason that several exercises of a lab share is said
// once.
func (s Screen) unplayable(b *strings.Builder, reasons []text.Text) {
	for i, why := range reasons {
		if !slices.Contains(reasons[:i], why) {
			b.WriteString("\n" + wrapPlain(why.In(s.Lang), s.columns(), "– ", "  "))
		}
	}
}

// proofProblems writes everything that is wrong with a step.
func (s Screen) proofProblems(b *strings.Builder, step verify.StepResult) {
	name := step.Lab + "/" + step.Step
	for _, p := range step.Unkilled {
		s.proofHead(b, name, p.String())
		s.detail(b, s.say("check", "項目"), p.ID)
		s.detail(b, s.say("problem", "問題"), s.say("no wrong answer fails it, so nothing shows that it can fail", "これに不合格となる誤答がなく、失敗しうることを示せません"))
	}
	for _, a := range step.Answers {
		if a.Passed {
			continue
		}
		s.proofHead(b, name, a.Name)
		s.detail(b, s.say("fails", "不合格"), a.Fails)
		if a.Flaky {
			s.detail(b, s.say("flaky", "不安定"), s.say("yes", "はい"))
		}
		s.problems(b, a.Problems)
		s.transcript(b, a.Transcript)
	}
	for _, n := range step.NearMisses {
		if n.Good() {
			continue
		}
		s.proofHead(b, name, n.ID)
		s.detail(b, s.say("does", "内容"), n.Does.In(s.Lang))
		if n.Outcome == verify.Survived {
			s.detail(b, s.say("problem", "問題"), s.say("every check passes: make one stricter, or accept it in step.yaml with a reason",
				"すべての項目に合格してしまいます。チェックを厳しくするか、step.yaml の accepts に理由を書いて認めてください"))
		}
		s.problems(b, n.Problems)
	}
	for _, p := range step.Unused {
		s.proofHead(b, name, p.String())
		s.detail(b, s.say("accepts", "accepts"), p.ID)
		s.detail(b, s.say("problem", "問題"), s.say("no near miss of that name passes every check", "この名前に当てはまり、すべての項目に合格するニアミスはありません"))
	}
}

func (s Screen) proofHead(b *strings.Builder, step, what string) {
	b.WriteString("\n" + s.paint(red, "✗") + " " + strings.TrimPrefix(wrapPlain(step+"  "+what, s.columns(), "  ", "    "), "  "))
}

func (s Screen) problems(b *strings.Builder, problems []text.Text) {
	for _, p := range problems {
		s.detail(b, s.say("problem", "問題"), p.In(s.Lang))
	}
}

// transcript writes what the script printed, without the characters that a terminal would act on.
func (s Screen) transcript(b *strings.Builder, text string) {
	text = strings.TrimRight(Plain(text), "\n ")
	if text == "" {
		return
	}
	b.WriteString("    " + s.paint(faint, s.say("the script printed:", "スクリプトの出力:")) + "\n")
	for line := range strings.Lines(text) {
		b.WriteString(wrapPlain(strings.TrimRight(line, "\n"), s.columns(), "    │ ", "    │ "))
	}
}

func (s Screen) proofClosing(r *verify.Result) string {
	var all verify.Count
	accepted, unplayable := 0, 0
	var unplayed []string
	for _, step := range r.Steps {
		if step.Unplayed > 0 {
			unplayed = append(unplayed, fmt.Sprintf(s.say("%d of %s", "%[2]s の %[1]d 件"), step.Unplayed, step.Lab+"/"+step.Step))
		}
		if step.Unplayable != nil {
			unplayable++
		}
		for _, kind := range []verify.Kind{verify.Nothing, verify.Solution, verify.AlsoRight, verify.Wrong} {
			n := step.Count(kind)
			all.OK += n.OK
			all.All += n.All
		}
		for _, n := range step.NearMisses {
			if n.Outcome == verify.WasAccepted {
				accepted++
			}
		}
	}
	played := s.say("%d of %d answers got the verdict their authors want.", "%[2]d 件の回答のうち %[1]d 件の判定が作者の意図どおりです。")
	if slices.ContainsFunc(r.Steps, func(step verify.StepResult) bool { return step.LeftOut != nil }) {
		played = s.say("Of the answers that were played, %d of %d got the verdict their authors want.", "実行した %[2]d 件の回答のうち %[1]d 件の判定が作者の意図どおりです。")
	}
	text := fmt.Sprintf(played, all.OK, all.All)
	between := s.say(" ", "")
	if killed := r.Killed(); killed.All > 0 {
		text += between + fmt.Sprintf(s.say("%d of %d near misses (%d %%) were refused.", "ニアミス %[2]d 件のうち %[1]d 件 (%[3]d %%) を不合格にしました。"), killed.OK, killed.All, 100*killed.OK/killed.All)
	}
	if accepted > 0 {
		text += between + fmt.Sprintf(s.say("Accepted with a reason: %d.", "理由つきで認められたもの: %d 件。"), accepted)
	}
	if unplayable > 0 {
		text += between + fmt.Sprintf(s.say("Not played, as %[2]s cannot: %[1]d of %[3]d exercises.", "%[2]s では実行できない演習: %[3]d 件のうち %[1]d 件。"), unplayable, r.Cluster, len(r.Steps))
	}
	if len(unplayed) > 0 {
		text += between + fmt.Sprintf(s.say("Not played, as the run ended early: %s.", "途中で終わったため実行していないもの: %s。"), strings.Join(unplayed, s.say(", ", "、")))
	}
	text += between + fmt.Sprintf(s.say("It took %s on up to %d clusters.", "最大 %[2]d 個のクラスターで %[1]s かかりました。"), clock(r.Elapsed), r.Parallel)
	if r.Passed {
		return s.paint(bold, text)
	}
	return text
}

// clock writes a duration as minutes and seconds.
func clock(d time.Duration) string {
	seconds := int(d.Round(time.Second).Seconds())
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}
