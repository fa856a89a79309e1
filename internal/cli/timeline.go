package cli

import (
	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/content"
)

func newTimeline(inv *invocation) *cobra.Command {
	var step string
	cmd := inv.command("timeline [--step STEP] [--lab LAB] [-o json]",
		content.Text{EN: "Show what happened in this attempt", JA: "今回の挑戦で起きたことを時間順に表示します"},
		content.Text{
			EN: "Show the attempt as it happened: what you did, what k8slab did, and what became of the cluster. Similar things that follow each other are joined in one line, at the time of the first.",
			JA: "今回の挑戦で起きたことを、あなたの操作、k8slab の動作、クラスターの変化に分けて、時間順に表示します。続けて起きた同じようなことは、最初の時刻の 1 行にまとめます。",
		})
	cmd.Flags().StringVar(&step, "step", "", inv.say("only this step", "このステップだけ"))
	_ = cmd.RegisterFlagCompletionFunc("step", func(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		return inv.completeSteps(cmd, nil, word)
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		eng, s, err := inv.session(cmd.Context())
		if err != nil {
			return err
		}
		story, err := eng.Timeline(cmd.Context(), s, step)
		if err != nil {
			return err
		}
		if inv.asJSON() {
			return inv.printJSON(story)
		}
		if len(story.Visits) == 0 {
			return inv.print(inv.screen().Paragraph(inv.say("Nothing has happened yet.", "まだ何も起きていません。"), 0))
		}
		if err := inv.print(inv.screen().Timeline(story)); err != nil {
			return err
		}
		if !story.Record || !story.Requests {
			inv.narrate("What happened in the cluster is not recorded, or has gone with the cluster; this is what k8slab itself knows.",
				"クラスターで起きたことの記録は、取られていないか、クラスターと一緒になくなっています。表示したのは k8slab 自身が知っていることだけです。")
		}
		return nil
	}
	return inv.withOutput(inv.withLab(cmd))
}
