package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/timeline"
	"github.com/k8slab/k8slab/internal/present"
	"github.com/k8slab/k8slab/text"
)

func newTimeline(inv *invocation) *cobra.Command {
	var step string
	var follow bool
	cmd := inv.command("timeline [--step STEP] [--follow] [--lab LAB] [-o json]",
		text.Text{EN: "Show what happened in this attempt", JA: "今回の挑戦で起きたことを時間順に表示します"},
		text.Text{
			EN: "Show the attempt as it happened: what you did, what k8slab did, and what happened in the cluster. Similar things that follow each other are joined in one line, at the time of the first.\n\nWith --follow it goes on with what happens now, beginning at the start of this step, until Ctrl-C. With -o json each line of the answer is then one entry.",
			JA: "今回の挑戦で起きたことを、あなたの操作、k8slab の動作、クラスターの変化に分けて、時間順に表示します。続けて起きた同じようなことは、最初の時刻の 1 行にまとめます。\n\n--follow を付けると、このステップの開始からあと、いま起きていることを Ctrl-C まで表示し続けます。-o json と一緒なら、1 行が 1 つの出来事になります。",
		})
	cmd.Flags().StringVar(&step, "step", "", inv.say("only this step", "このステップだけ"))
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, inv.say("go on with what happens now, until Ctrl-C", "いま起きていることを Ctrl-C まで表示し続けます"))
	_ = cmd.RegisterFlagCompletionFunc("step", func(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		return inv.completeSteps(cmd, nil, word)
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		play, _, err := inv.open(cmd.Context())
		if err != nil {
			return err
		}
		if follow {
			if step != "" {
				return problem.New(problem.Usage, text.New("--follow is about the step that is under way; leave --step out", "--follow は進行中のステップを追います。--step は付けないでください"), action.Do(action.Timeline).With("follow", ""))
			}
			return inv.followTimeline(cmd.Context(), play)
		}
		story, err := play.Timeline(cmd.Context(), step)
		if err != nil {
			return err
		}
		if inv.asJSON() {
			return inv.printJSON(story)
		}
		told := present.TimelineOf(story)
		if err := inv.print(inv.screen().Timeline(told)); err != nil {
			return err
		}
		if told.Empty.IsZero() {
			inv.mentionUnrecorded(told)
		}
		return nil
	}
	return inv.withOutput(inv.withLab(cmd))
}

func (inv *invocation) mentionUnrecorded(t present.Timeline) {
	if !t.Note.IsZero() {
		inv.tell(t.Note)
	}
}

// followTimeline always returns an error; if nothing else fails, the error of the ended context.
func (inv *invocation) followTimeline(ctx context.Context, play Play) error {
	inv.interrupted = text.Text{EN: "The lab goes on; you have only stopped watching.", JA: "表示を終えました。ラボは続いています。"}
	var began time.Time
	first := true
	return play.Follow(ctx, func(story *timeline.Story) error {
		if first {
			inv.mentionUnrecorded(present.TimelineOf(story))
			first = false
		}
		for _, v := range story.Visits {
			if err := inv.tellVisit(v, !v.Began.Equal(began)); err != nil {
				return err
			}
			began = v.Began
		}
		return nil
	})
}

func (inv *invocation) tellVisit(v timeline.Visit, heading bool) error {
	if inv.asJSON() {
		for _, e := range v.Entries {
			if err := inv.printJSONLine(e); err != nil {
				return err
			}
		}
		return nil
	}
	if heading {
		return inv.print(inv.screen().Visited(present.VisitedOf(v)))
	}
	return inv.print(inv.screen().TimelineEntries(present.VisitedOf(v)))
}
