package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/grading"
	"github.com/k8slab/k8slab/internal/present"
	"github.com/k8slab/k8slab/internal/terminal"
	"github.com/k8slab/k8slab/text"
)

func newCheck(inv *invocation) *cobra.Command {
	cmd := inv.command("check [--lab LAB] [-o json]",
		text.Text{EN: "Check what you did in this step", JA: "このステップの結果をチェックします"},
		text.Text{
			EN: "Look at the cluster and at what it went through, and say for each check whether it passed and why not. Checking changes nothing, and you may check as often as you like.",
			JA: "クラスターの今の状態とこれまでの経過を調べ、項目ごとに合否とその理由を示します。何度チェックしてもクラスターは変わらず、点も減りません。",
		})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		play, _, err := inv.open(cmd.Context())
		if err != nil {
			return err
		}
		report, err := play.Check(cmd.Context(), nil)
		if err != nil {
			return err
		}
		s := play.Session()
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

func (inv *invocation) showReport(s *engine.Session, report *grading.Report) error {
	told := present.CheckedOf(s, report)
	screen := inv.screen()
	if err := inv.print(screen.Report(told.Report)); err != nil {
		return err
	}
	if debrief := told.Debrief[inv.lang]; debrief != "" {
		if err := inv.print("\n"); err != nil {
			return err
		}
		if err := inv.printMarkdown(debrief); err != nil {
			return err
		}
	}
	for _, note := range told.Notes {
		if err := inv.print(screen.Say(present.Say(note))); err != nil {
			return err
		}
	}
	return inv.print(screen.Next(present.Command(told.Next)))
}

// verdictOf turns a report into the command's exit code.
func verdictOf(report *grading.Report) error {
	switch engine.OutcomeOf(report) {
	case checks.Passed:
		return nil
	case checks.Errored:
		return exit(exitCluster)
	default:
		return exit(exitChecks)
	}
}

func newHint(inv *invocation) *cobra.Command {
	cmd := inv.command("hint [--lab LAB]",
		text.Text{EN: "Show the next hint of this step", JA: "このステップの次のヒントを表示します"},
		text.Text{
			EN: "Hints come in levels, from vague to explicit. Each call shows the next hint and says what the one after it costs. A hint that you have seen is not charged again.",
			JA: "ヒントには段階があり、控えめなものから順に表示します。実行するたびに次の段階が表示され、その次で何点引かれるかも分かります。同じヒントで二度点が引かれることはありません。",
		})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		play, s, err := inv.open(cmd.Context())
		if err != nil {
			return err
		}
		hint, err := play.Hint(cmd.Context())
		if err != nil {
			return err
		}
		told := present.HintOf(s, hint)
		if err := inv.printMarkdown(told.In(inv.lang).Markdown()); err != nil {
			return err
		}
		inv.tell(present.Say(told.Note))
		inv.next(engine.AfterHint(s, hint))
		return nil
	}
	return inv.withLab(cmd)
}

func newSolution(inv *invocation) *cobra.Command {
	cmd := inv.command("solution [--lab LAB]",
		text.Text{EN: "Show a solution; the step then earns no points", JA: "解答を表示します。ステップの得点はなくなります"},
		text.Text{
			EN: "Show what could be typed to solve the step. From then on the step earns no points in this attempt, unless it has passed already. Nothing is run.",
			JA: "ステップを解くための操作の例を表示します。まだ合格していなければ、今回の挑戦でこのステップの得点はなくなります。表示するだけで、実行はしません。",
		})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		play, s, err := inv.open(cmd.Context())
		if err != nil {
			return err
		}
		passed := s.Passed()
		file, err := play.Solution(cmd.Context())
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
		inv.next(action.Do(action.Check))
		return nil
	}
	return inv.withLab(cmd)
}
