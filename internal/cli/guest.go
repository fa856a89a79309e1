package cli

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/internal/present"
	"github.com/k8slab/k8slab/text"
)

// visitFlags are the flags of start for a cluster that somebody else made.
type visitFlags struct{ yes, dryRun bool }

// addPlace adds the flags that name a cluster that somebody else made.
func (inv *invocation) addPlace(cmd *cobra.Command, place *cluster.Place) {
	flags := cmd.Flags()
	flags.StringVar(&place.Context, "context", "", inv.say("with --cluster existing: context of the cluster", "--cluster existing で使うコンテキスト"))
	flags.StringVar(&place.Kubeconfig, "kubeconfig", "", inv.say("file with the context (default: as kubectl)", "コンテキストのあるファイル (既定は kubectl と同じ)"))
	flags.StringVar(&place.ResourceGroup, "resource-group", "", inv.say("with --cluster aks: its resource group", "--cluster aks のリソースグループ"))
	flags.StringVar(&place.Name, "name", "", inv.say("with --cluster aks: its name", "--cluster aks のクラスター名"))
	flags.StringVar(&place.Subscription, "subscription", "", inv.say("with --cluster aks: ID of the subscription (default: AZURE_SUBSCRIPTION_ID, or the only one)", "--cluster aks のサブスクリプション ID (既定は AZURE_SUBSCRIPTION_ID、または唯一のもの)"))
	flags.BoolVar(&place.Admin, "admin", false, inv.say("with --cluster aks: take the administrator's credentials instead of your own", "--cluster aks でご自身ではなく管理者の認証情報を使います"))
	_ = cmd.MarkFlagFilename("kubeconfig")
}

// addVisit adds the flags with which a person allows a lab on such a cluster.
func (inv *invocation) addVisit(cmd *cobra.Command, opts *engine.StartOptions, visit *visitFlags) {
	flags := cmd.Flags()
	flags.BoolVar(&visit.dryRun, "dry-run", false, inv.say("list what would be changed in a cluster that is not k8slab's own, and change nothing", "k8slab のものではないクラスターで何が変わるかを示し、何も変更しません"))
	flags.BoolVar(&visit.yes, "yes", false, inv.say("do not ask before the first change", "最初の変更の前に確認しません"))
	flags.BoolVar(&opts.AllowNodes, "allow-nodes", false, inv.say("the lab's tasks may cordon and drain nodes; k8slab uncordons them at the end", "ラボの課題でノードの cordon やドレインを行うことを認めます。最後に k8slab が元に戻します"))
	flags.StringVar(&opts.Acknowledge, "acknowledge", "", inv.say("use the cluster of this context although it looks like production", "本番環境のように見えても、このコンテキストのクラスターを使います"))
}

// consent returns the question that is asked before the first change.
func (inv *invocation) consent(yes bool) engine.Consent {
	return func(ctx context.Context, v *engine.VisitPlan) error {
		screen, visit := inv.errScreen(), present.VisitOf(v)
		fmt.Fprint(inv.Err, screen.Facts(visit.Host))
		inv.tell(text.New("This cluster is not k8slab's own. For the step %s, %s. Each carries the label k8slab.dev/lab=%s; --dry-run lists them.",
			"k8slab が作ったクラスターではありません。ステップ %s のために%s。どれにもラベル k8slab.dev/lab=%s が付きます。一覧は --dry-run で見られます。", v.Step, visit.Counts, v.Lab))
		fmt.Fprint(inv.Err, screen.Marked("!", visit.Notes))
		if yes {
			return nil
		}
		if !inv.InTTY {
			return problem.New(problem.Usage,
				text.New("nobody can be asked whether %s may be changed: there is no terminal. Nothing was changed; --yes says that it may", "端末がないため、%s を変更してよいか確認できません。何も変更していません。よければ --yes を付けてください", v.Host.Server),
				v.Start.With("dry-run", ""))
		}
		fmt.Fprint(inv.Err, inv.say("May this cluster be changed? [y/N] ", "このクラスターを変更しますか？ [y/N] "))
		answer, err := inv.readLine(ctx)
		if err != nil {
			return err
		}
		switch strings.ToLower(answer) {
		case "y", "yes", "はい":
			return nil
		}
		return problem.New(problem.Usage,
			text.New("nothing was changed on %s", "%s は何も変更していません", v.Host.Server), v.Start.With("dry-run", ""))
	}
}

// readLine waits for a line that is typed, or for Ctrl-C. The end of the input is an empty line.
func (inv *invocation) readLine(ctx context.Context) (string, error) {
	typed := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(inv.In).ReadString('\n')
		typed <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(inv.Err)
		return "", ctx.Err()
	case line := <-typed:
		return line, nil
	}
}

// visitAnswer is what start --dry-run -o json prints.
type visitAnswer struct {
	*engine.VisitPlan
	// Command is the command to type for the visit.
	Command string `json:"command"`
}

// dryRun lists what a visit would do.
func (inv *invocation) dryRun(ctx context.Context, eng Engine, lab string, opts engine.StartOptions) error {
	v, err := eng.PlanVisit(ctx, lab, opts, nil)
	if err != nil {
		return err
	}
	if inv.asJSON() {
		return inv.printJSON(visitAnswer{v, present.Command(v.Start)})
	}
	if err := inv.print(inv.screen().Visit(present.VisitOf(v))); err != nil {
		return err
	}
	inv.narrate("Nothing was changed. DRY RUN: the server has tried this object out; the others belong in a namespace that does not exist yet, or are the lab's own from before. Later steps have objects of their own; --step STEP shows them.",
		"何も変更していません。「ドライラン」が済のものはサーバーが受け付けることを確認しました。それ以外は、まだない Namespace に入るものか、前からあるラボ自身のものです。後のステップのオブジェクトは --step STEP で確かめられます。")
	inv.next(v.Start)
	return nil
}

func newDelete(inv *invocation) *cobra.Command {
	forget := false
	cmd := inv.command("delete [LAB] [--forget]",
		text.Text{EN: "Delete a lab's cluster; your points are kept", JA: "ラボのクラスターを削除します。得点は残ります"},
		text.Text{
			EN: "Delete the lab's cluster. A cluster that k8slab did not make stays: k8slab removes every object with the label k8slab.dev/lab=LAB, of whatever kind, and says what it could not remove. --forget is for such a cluster when it cannot be reached: nothing is removed, and k8slab no longer knows of it.",
			JA: "ラボのクラスターを削除します。k8slab が作ったのではないクラスターは残り、ラベル k8slab.dev/lab=LAB の付いたものだけを種類を問わず削除して、削除できなかったものを示します。そうしたクラスターに届かなくなったときは --forget を使います。何も削除せず、k8slab の記録からだけ外します。",
		})
	cmd.Args = between(0, 1)
	cmd.ValidArgsFunction = inv.completeLabs
	cmd.Flags().BoolVar(&forget, "forget", false, inv.say("leave a cluster that is not k8slab's own as it is, and forget it", "k8slab のものではないクラスターをそのままにして、記録から外します"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			inv.lab = args[0]
		}
		eng, lab, err := inv.labWithCluster(cmd.Context())
		if err != nil {
			return err
		}
		if forget {
			return inv.forget(cmd.Context(), eng, lab)
		}
		var left *cluster.Departure
		err = inv.phases(func(p cluster.Progress) error {
			left, err = eng.Delete(cmd.Context(), lab, p)
			return err
		})
		if err != nil {
			return err
		}
		if left == nil {
			inv.narrate(fmt.Sprintf("The cluster of %s is deleted; your points are kept.", lab), fmt.Sprintf("%s のクラスターを削除しました。得点は残っています。", lab))
		} else {
			fmt.Fprint(inv.Err, inv.errScreen().Departure(present.DepartureOf(lab, left)))
		}
		inv.next(engine.AfterDelete(lab, left))
		return nil
	}
	return inv.withLab(cmd)
}

func (inv *invocation) forget(ctx context.Context, eng Engine, lab string) error {
	if err := eng.Forget(ctx, lab); err != nil {
		return err
	}
	inv.narrate(fmt.Sprintf("k8slab no longer knows of the cluster of %[1]s. What the lab made there is still there, with the label k8slab.dev/lab=%[1]s.", lab),
		fmt.Sprintf("%[1]s のクラスターを記録から外しました。ラボが作ったものは、ラベル k8slab.dev/lab=%[1]s が付いたままそこに残っています。", lab))
	inv.next(action.Do(action.Start).On(lab))
	return nil
}
