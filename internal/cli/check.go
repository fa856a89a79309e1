package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/internal/terminal"
)

func newCheck(inv *invocation) *cobra.Command {
	cmd := inv.command("check [--lab LAB] [-o json]",
		content.Text{EN: "Check what you did in this step", JA: "このステップの結果をチェックします"},
		content.Text{
			EN: "Look at the cluster and at what it went through, and say for each check whether it passed and why not. Checking changes nothing, and you may check as often as you like.",
			JA: "クラスターの今の状態とこれまでの経過を調べ、項目ごとに合否とその理由を示します。何度チェックしてもクラスターは変わらず、点も減りません。",
		})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		eng, s, err := inv.session(cmd.Context())
		if err != nil {
			return err
		}
		report, err := eng.Check(cmd.Context(), s)
		if err != nil {
			return err
		}
		if inv.asJSON() {
			err = inv.printJSON(report)
		} else {
			err = inv.showReport(s, report)
		}
		if err != nil {
			return err
		}
		return verdictOf(report)
	}
	return inv.withOutput(inv.withLab(cmd))
}

func (inv *invocation) showReport(s *engine.Session, report *engine.Report) error {
	next := "k8slab " + terminal.NextAfter(report)
	if report.Passed && isLast(s) {
		next = "k8slab finish"
	}
	if err := inv.print(inv.screen().Report(report)); err != nil {
		return err
	}
	if lesson := s.Step.Lessons[inv.lang]; report.Passed && lesson != nil && lesson.Debrief != "" {
		if err := inv.print("\n"); err != nil {
			return err
		}
		if err := inv.printMarkdown(lesson.Debrief); err != nil {
			return err
		}
	}
	if next == "k8slab hint" {
		if len(s.Step.Hints) == 0 {
			next = "k8slab lesson"
		} else if cost := inv.costOfNextHint(s); cost != "" {
			if err := inv.print(inv.screen().Paragraph(cost, 0)); err != nil {
				return err
			}
		}
	}
	if ask, ok := errored(report); ok {
		text, command := inv.afterErrored(s, ask)
		if err := inv.print(inv.screen().Paragraph(text, 0)); err != nil {
			return err
		}
		if next == "k8slab check" {
			next = command
		}
	}
	return inv.print(inv.screen().Next(next))
}

// errored returns the first verdict where the grader could not tell.
func errored(report *engine.Report) (engine.Verdict, bool) {
	for _, v := range report.Verdicts {
		if v.Outcome == checks.Errored {
			return v, true
		}
	}
	return engine.Verdict{}, false
}

// afterErrored says what a learner can do where the grader could not tell.
func (inv *invocation) afterErrored(s *engine.Session, v engine.Verdict) (text, command string) {
	for _, part := range s.Cluster.Components {
		if part.State != "running" {
			return fmt.Sprintf(inv.say("%s does not run, and the grader needs the whole control plane. Start it, then check again.",
				"%s が動いていません。採点にはコントロールプレーン全体が必要です。起動してから、もう一度チェックしてください。"), part.Name), "k8slab cluster start " + part.Name
		}
	}
	if strings.Contains(v.Error, history.ErrNotRecorded.Error()) {
		return inv.say("What happened in this step was not recorded. k8slab reset begins the step anew, with a record.",
			"このステップの経過が記録されていません。k8slab reset で記録を取りながらやり直せます。"), "k8slab reset"
	}
	return inv.say("If it happens again, k8slab cluster status shows what ails the cluster, and k8slab start repairs it.",
		"繰り返す場合は、k8slab cluster status でクラスターの具合を確かめてください。k8slab start で修復できます。"), "k8slab check"
}

// costOfNextHint says what the next hint takes away, before it is asked for.
func (inv *invocation) costOfNextHint(s *engine.Session) string {
	taken := 0
	if st := stepProgress(s); st != nil {
		taken = st.HintsSeen
	}
	if taken >= len(s.Step.Hints) {
		return inv.say("You have all the hints; k8slab hint shows the last one again.", "ヒントはすべて表示しました。k8slab hint で最後のヒントをもう一度見られます。")
	}
	cost := s.Step.Hints[taken].Cost
	if cost == 0 || hasPassed(s) {
		return fmt.Sprintf(inv.say("Hint %d of %d is free.", "ヒント %d / %d では点は引かれません。"), taken+1, len(s.Step.Hints))
	}
	return fmt.Sprintf(inv.say("Hint %d of %d costs %s.", "ヒント %d / %d を見ると %s引かれます。"), taken+1, len(s.Step.Hints), inv.points(cost))
}

func (inv *invocation) points(n int) string {
	if n == 1 {
		return inv.say("1 point", "1 点")
	}
	return fmt.Sprintf(inv.say("%d points", "%d 点"), n)
}

// verdictOf turns a report into the command's exit code. A grader that could not tell is not the learner's failure.
func verdictOf(report *engine.Report) error {
	if report.Passed {
		return nil
	}
	for _, v := range report.Verdicts {
		if v.Outcome == checks.Failed {
			return exit(exitChecks)
		}
	}
	for _, v := range report.Verdicts {
		if v.Outcome == checks.Errored {
			return exit(exitCluster)
		}
	}
	return exit(exitChecks)
}

func newHint(inv *invocation) *cobra.Command {
	cmd := inv.command("hint [--lab LAB]",
		content.Text{EN: "Show the next hint of this step", JA: "このステップの次のヒントを表示します"},
		content.Text{
			EN: "Hints come in levels, the least telling first. Each call shows the next level and says what the one after it costs. A hint that you have seen is not charged again.",
			JA: "ヒントには段階があり、控えめなものから順に表示します。実行するたびに次の段階が表示され、その次で何点引かれるかも分かります。同じヒントで二度点が引かれることはありません。",
		})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		eng, s, err := inv.session(cmd.Context())
		if err != nil {
			return err
		}
		hint, err := eng.Hint(cmd.Context(), s)
		if err != nil {
			return err
		}
		cost := inv.say("free", "減点なし")
		if hint.Cost > 0 {
			cost = inv.points(hint.Cost)
		}
		heading := fmt.Sprintf(inv.say("Hint %d of %d (%s)", "ヒント %d / %d (%s)"), hint.Level, hint.Levels, cost)
		if err := inv.printMarkdown(section(heading, hint.Text.In(inv.lang))); err != nil {
			return err
		}
		if hint.Passed {
			inv.narrate("This step has passed already, so hints cost nothing any more.", "このステップには合格しているので、ヒントを見ても点は引かれません。")
		} else if hint.Last {
			inv.narrate("That was the last hint. k8slab solution shows the solution; the step then earns no points.",
				"これが最後のヒントです。k8slab solution で解答を見られますが、このステップの得点はなくなります。")
		} else if hint.Level < len(s.Step.Hints) {
			inv.narrate(fmt.Sprintf("Hint %d costs %s.", hint.Level+1, inv.points(s.Step.Hints[hint.Level].Cost)),
				fmt.Sprintf("ヒント %d を見ると %s引かれます。", hint.Level+1, inv.points(s.Step.Hints[hint.Level].Cost)))
		}
		inv.next(afterHint(s, hint))
		return nil
	}
	return inv.withLab(cmd)
}

// afterHint is what a learner types after a hint.
func afterHint(s *engine.Session, hint *engine.Hint) string {
	switch {
	case !hint.Passed:
		return "k8slab check"
	case isLast(s):
		return "k8slab finish"
	default:
		return "k8slab next"
	}
}

func newSolution(inv *invocation) *cobra.Command {
	cmd := inv.command("solution [--lab LAB]",
		content.Text{EN: "Show a solution; the step then earns no points", JA: "解答を表示します。ステップの得点はなくなります"},
		content.Text{
			EN: "Show what could be typed to solve the step. From then on the step earns no points in this attempt, unless it has passed already. Nothing is run.",
			JA: "ステップを解くための操作の例を表示します。まだ合格していなければ、今回の挑戦でこのステップの得点はなくなります。表示するだけで、実行はしません。",
		})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		eng, s, err := inv.session(cmd.Context())
		if err != nil {
			return err
		}
		passed := hasPassed(s)
		file, err := eng.Solution(cmd.Context(), s)
		if err != nil {
			return err
		}
		if err := inv.print(terminal.Plain(string(file.Data))); err != nil {
			return err
		}
		if !passed {
			inv.narrate(fmt.Sprintf("The step %s earns no points in this attempt any more.", s.Step.ID),
				fmt.Sprintf("今回の挑戦では、ステップ %s の得点はなくなりました。", s.Step.ID))
		}
		inv.next("k8slab check")
		return nil
	}
	return inv.withLab(cmd)
}

// refuseUnpassed is what next says to a step that has not passed.
func refuseUnpassed(s *engine.Session) error {
	return checksFailed{problem.New(problem.Usage,
		fmt.Sprintf("the step %s has not passed yet; k8slab next --skip leaves it without its points", s.Step.ID),
		fmt.Sprintf("ステップ %s はまだ合格していません。得点なしで飛ばすなら k8slab next --skip です", s.Step.ID),
		"k8slab check")}
}
