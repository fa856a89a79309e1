package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/internal/present"
	"github.com/k8slab/k8slab/text"
)

func newNext(inv *invocation) *cobra.Command {
	var skip bool
	cmd := inv.command("next [--skip] [--lab LAB]",
		text.Text{EN: "Go to the next step", JA: "次のステップに進みます"},
		text.Text{
			EN: "Make the starting state of the next step and show its lesson. A step that has not passed is only left with --skip. Steps that the cluster cannot play are passed over, with the reason.",
			JA: "次のステップの初期状態を用意し、レッスンを表示します。合格していないステップから進むには --skip が必要です。クラスターで実行できないステップは、理由を示して飛ばします。",
		})
	cmd.Flags().BoolVar(&skip, "skip", false, inv.say("leave a step that has not passed", "合格していなくても進みます"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		play, s, err := inv.open(cmd.Context())
		if err != nil {
			return err
		}
		if err := engine.RefuseUnpassed(s); err != nil && !skip {
			return unlessSkipped(err)
		}
		following, passedOver := s.Following()
		for _, note := range present.NotesOf(passedOver) {
			inv.tell(note)
		}
		if following == nil {
			inv.tell(engine.LastStep(s, passedOver))
			inv.next(action.Do(action.Finish))
			return nil
		}
		return inv.moveTo(play, func(p cluster.Progress) error { return play.Next(cmd.Context(), skip, p) })
	}
	return inv.withLab(cmd)
}

// unlessSkipped adds to the problem of a step that has not passed how the step is left all the same.
func unlessSkipped(err error) error {
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok {
		return err
	}
	said := *p
	said.What = text.New("%s; %s leaves it without its points", "%s。得点なしで飛ばすなら %s です", p.What, present.Command(action.Do(action.Next).With("skip", "")))
	return &said
}

// moveTo runs move, which changes the step, and shows the step at which the learner has arrived.
func (inv *invocation) moveTo(play Play, move func(cluster.Progress) error) error {
	if err := inv.phases(move); err != nil {
		return err
	}
	return inv.arrive(play.Session())
}

func newGoto(inv *invocation) *cobra.Command {
	cmd := inv.command("goto STEP [--lab LAB]",
		text.Text{EN: "Go to any step of the lab", JA: "ラボの好きなステップに移ります"},
		text.Text{
			EN: "Make the starting state of the step and show its lesson. Points that you have earned stay yours. k8slab status lists the steps.",
			JA: "指定したステップの初期状態を用意し、レッスンを表示します。すでに得た点は減りません。ステップの一覧は k8slab status で見られます。",
		})
	cmd.Args = exactly(1)
	cmd.ValidArgsFunction = inv.completeSteps
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		play, _, err := inv.open(cmd.Context())
		if err != nil {
			return err
		}
		return inv.moveTo(play, func(p cluster.Progress) error { return play.Goto(cmd.Context(), args[0], p) })
	}
	return inv.withLab(cmd)
}

func (inv *invocation) completeSteps(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	_, s, err := inv.open(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []string
	for _, step := range s.Lab.Steps {
		ids = append(ids, step.ID)
	}
	return withPrefix(ids, word), cobra.ShellCompDirectiveNoFileComp
}

func newReset(inv *invocation) *cobra.Command {
	cmd := inv.command("reset [--lab LAB]",
		text.Text{EN: "Put the step back to its starting state", JA: "ステップを初期状態に戻します"},
		text.Text{
			EN: "Undo everything that you did in this step. Points, hints taken and other steps stay as they are.",
			JA: "このステップで行った操作をすべて取り消し、初期状態に戻します。得点、見たヒント、ほかのステップはそのままです。",
		})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		play, s, err := inv.open(cmd.Context())
		if err != nil {
			return err
		}
		if err := inv.phases(func(p cluster.Progress) error { return play.Reset(cmd.Context(), p) }); err != nil {
			return err
		}
		inv.narrate(fmt.Sprintf("The step %s is back at its starting state.", s.Step.ID), fmt.Sprintf("ステップ %s を初期状態に戻しました。", s.Step.ID))
		inv.next(action.Do(action.Lesson))
		return nil
	}
	return inv.withLab(cmd)
}

func newStatus(inv *invocation) *cobra.Command {
	cmd := inv.command("status [--lab LAB] [-o json]",
		text.Text{EN: "Show where you are in the lab", JA: "ラボの進み具合を表示します"}, text.Text{})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		_, s, err := inv.open(cmd.Context())
		if err != nil {
			return err
		}
		eng, err := inv.engine()
		if err != nil {
			return err
		}
		if err := inv.mentionDamage(eng, inJournal); err != nil {
			return err
		}
		status := present.StatusOf(s)
		if inv.asJSON() {
			return inv.printJSON(status)
		}
		return inv.print(inv.screen().Status(status))
	}
	return inv.withOutput(inv.withLab(cmd))
}

func newFinish(inv *invocation) *cobra.Command {
	cmd := inv.command("finish [--lab LAB]",
		text.Text{EN: "End the lab and sum up your points", JA: "ラボを終えて得点をまとめます"},
		text.Text{
			EN: "End this attempt. The cluster stays until you stop or delete it; k8slab start LAB --restart begins a new attempt.",
			JA: "今回の挑戦を終えます。クラスターは停止または削除するまで残ります。もう一度最初から挑戦するには k8slab start LAB --restart です。",
		})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		play, s, err := inv.open(cmd.Context())
		if err != nil {
			return err
		}
		if err := play.Finish(cmd.Context()); err != nil {
			return err
		}
		screen := inv.screen()
		for _, said := range append([]text.Text{present.Finished(s, play.Session().Attempt)}, present.NotesOf(s.Fits)...) {
			if err := inv.print(screen.Say(said)); err != nil {
				return err
			}
		}
		inv.next(action.Do(action.Delete).On(s.Lab.ID))
		return nil
	}
	return inv.withLab(cmd)
}

func newStop(inv *invocation) *cobra.Command {
	return inv.onCluster("stop",
		text.Text{EN: "Stop a lab's cluster and keep its state", JA: "ラボのクラスターを状態を残して停止します"},
		text.Text{EN: "The cluster of %s is stopped; your work in it is kept.", JA: "%s のクラスターを停止しました。作業内容は残っています。"},
		Engine.Stop)
}

// onCluster is a command that does something with the cluster of a lab.
func (inv *invocation) onCluster(verb string, short, done text.Text, act func(Engine, context.Context, string, cluster.Progress) error) *cobra.Command {
	cmd := inv.command(verb+" [LAB]", short, text.Text{})
	cmd.Args = between(0, 1)
	cmd.ValidArgsFunction = inv.completeLabs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			inv.lab = args[0]
		}
		return inv.actOnCluster(cmd.Context(), done, act)
	}
	return inv.withLab(cmd)
}

func (inv *invocation) actOnCluster(ctx context.Context, done text.Text, act func(Engine, context.Context, string, cluster.Progress) error) error {
	eng, lab, err := inv.labWithCluster(ctx)
	if err != nil {
		return err
	}
	if err := inv.phases(func(p cluster.Progress) error { return act(eng, ctx, lab, p) }); err != nil {
		return err
	}
	inv.narrate(fmt.Sprintf(done.EN, lab), fmt.Sprintf(done.JA, lab))
	inv.next(action.Do(action.Start).On(lab))
	return nil
}

// labWithCluster returns the lab that was named, or the current one.
func (inv *invocation) labWithCluster(ctx context.Context) (Engine, string, error) {
	eng, err := inv.engine()
	if err != nil || inv.lab != "" {
		return eng, inv.lab, err
	}
	play, err := eng.Open(ctx, "")
	if err != nil {
		return nil, "", err
	}
	return eng, play.Session().Lab.ID, nil
}
