package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/history"
)

// upgradeAnswer is what cluster upgrade -o json prints.
type upgradeAnswer struct {
	Plan *engine.UpgradePlan `json:"plan"`
	// Result is null where nothing was done.
	Result *history.Upgrade `json:"result"`
}

func newClusterUpgrade(inv *invocation) *cobra.Command {
	to, dryRun, force := "", false, false
	cmd := inv.command("upgrade [--to RELEASE] [--dry-run] [--force] [--lab LAB] [-o json]",
		content.Text{EN: "Bring the control plane to the next release", JA: "コントロールプレーンを次のリリースに上げます"},
		content.Text{
			EN: "Replace the API server by that of the next minor release, on the same etcd, and after it the controllers and the scheduler. First it is looked into: kubelets that the new API server would not support, and callers that wrote to an API which it does not serve any more within the last 60 seconds. Either of them stands in the way.\n\nA control plane goes up by one minor release at a time and never down. If the new version does not become ready, the old one runs again. An upgrade that was cut short is finished or undone by the next start of the cluster.",
			JA: "API サーバーを次のマイナーリリースのものに、同じ etcd のまま入れ替え、続いてコントローラーとスケジューラーを入れ替えます。その前に、新しい API サーバーではサポートされなくなる kubelet がないか、なくなる API に直近 60 秒以内に書き込んだクライアントがいないかを調べます。どちらかが見つかると、アップグレードは始まりません。\n\nコントロールプレーンは一度に 1 マイナーバージョンずつ上げるもので、下げることはできません。新しいバージョンが正常に起動しなければ、元のバージョンに戻ります。途中で途切れたアップグレードは、次にクラスターを起動したときに完了するか、元に戻ります。",
		})
	cmd.Flags().StringVar(&to, "to", "", inv.say("the release to go to, such as 1.37 (default: the next one)", "上げる先のリリース。1.37 など (既定は次のリリース)"))
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, inv.say("only look into it", "調べるだけで何も変えません"))
	cmd.Flags().BoolVar(&force, "force", false, inv.say("go on in spite of what stands in the way; it is recorded", "妨げになるものがあっても続けます。そのことは記録されます"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		eng, s, err := inv.session(cmd.Context())
		if err != nil {
			return err
		}
		answer := upgradeAnswer{}
		err = inv.phases(func(report cluster.Progress) error {
			return report.Run("preflight", func() (string, error) {
				answer.Plan, err = eng.PlanUpgrade(cmd.Context(), s, to)
				return s.Cluster.Version, err
			})
		})
		if err != nil {
			return err
		}
		if !inv.asJSON() {
			if err := inv.print(inv.planText(answer.Plan)); err != nil {
				return err
			}
		}
		if dryRun {
			return inv.afterDryRun(answer)
		}
		err = inv.phases(func(report cluster.Progress) error {
			done, err := eng.Upgrade(cmd.Context(), s, answer.Plan, force, report)
			if !done.Time.IsZero() {
				answer.Result = &done
			}
			return err
		})
		if inv.asJSON() {
			if printed := inv.printJSON(answer); printed != nil {
				return printed
			}
		}
		if err != nil {
			return err
		}
		inv.tellUpgrade(*answer.Result)
		inv.next("kubectl version")
		return nil
	}
	return inv.withOutput(inv.withLab(cmd))
}

// planText lists what stands in the way of an upgrade.
func (inv *invocation) planText(plan *engine.UpgradePlan) string {
	screen := inv.screen()
	text := screen.Definitions([][2]string{
		{inv.say("now", "現在"), plan.From},
		{inv.say("to", "移行先"), plan.To},
	})
	if len(plan.Findings) == 0 {
		return text + screen.Paragraph(inv.say("Nothing stands in the way.", "妨げになるものはありません。"), 0)
	}
	text += screen.Paragraph(inv.say("In the way:", "妨げになっているもの:"), 0)
	for _, f := range plan.Findings {
		text += screen.Paragraph("✗ "+f.What.In(inv.lang), 2)
	}
	return text
}

func (inv *invocation) afterDryRun(answer upgradeAnswer) error {
	if inv.asJSON() {
		return inv.printJSON(answer)
	}
	if len(answer.Plan.Findings) == 0 {
		inv.next("k8slab cluster upgrade")
	}
	return nil
}

// tellUpgrade says what runs now, and what was ignored for it.
func (inv *invocation) tellUpgrade(done history.Upgrade) {
	what := content.Text{EN: "The control plane", JA: "コントロールプレーン"}
	if done.Node != "" {
		what = content.Text{EN: done.Node, JA: done.Node}
	}
	inv.narrate(fmt.Sprintf("%s went from %s to %s.", what.EN, done.From, done.To),
		fmt.Sprintf("%sを %s から %s に上げました。", spaced(what.JA), done.From, done.To))
	if done.Forced {
		inv.narrate("It was forced, and recorded as such. Ignored:", "強制的に実行し、そのことを記録しました。無視したもの:")
		for _, what := range done.Ignored {
			fmt.Fprint(inv.Err, inv.errScreen().Paragraph("✗ "+what, 2))
		}
	}
}

// spaced sets a Latin name apart from the Japanese that follows it.
func spaced(name string) string {
	if name != "" && name[len(name)-1] < 0x80 {
		return name + " "
	}
	return name
}

func newNodeUpgrade(inv *invocation) *cobra.Command {
	to, force := "", false
	cmd := inv.command("upgrade NODE [--to RELEASE] [--force] [--lab LAB] [-o json]",
		content.Text{EN: "Bring the kubelet of a drained node to the control plane's release", JA: "ドレイン済みのノードの kubelet をコントロールプレーンのリリースに上げます"},
		content.Text{
			EN: "Replace a node's kubelet and start it again; the node is NotReady for some seconds. A node that still runs workload pods is refused, unless forced. A kubelet never gets newer than the API server, and never older than it was.",
			JA: "ノードの kubelet を入れ替えて起動し直します。ノードは数秒間 NotReady になります。ワークロードの Pod がまだ動いているノードは、強制しないかぎり断ります。kubelet を API サーバーより新しくすることも、今より古くすることもできません。",
		})
	cmd.Args = exactly(1)
	cmd.ValidArgsFunction = inv.completeNodes
	cmd.Flags().StringVar(&to, "to", "", inv.say("the kubelet's release, such as 1.37 (default: the control plane's)", "kubelet のリリース。1.37 など (既定はコントロールプレーンと同じ)"))
	cmd.Flags().BoolVar(&force, "force", false, inv.say("go on although pods run on it; it is recorded", "Pod が動いていても続けます。そのことは記録されます"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		eng, s, err := inv.session(cmd.Context())
		if err != nil {
			return err
		}
		if err := nodeOf(s.Lab, args[0]); err != nil {
			return err
		}
		var done history.Upgrade
		err = inv.phases(func(report cluster.Progress) error {
			return report.Run("kubelet", func() (string, error) {
				done, err = eng.UpgradeNode(cmd.Context(), s, args[0], to, force)
				return done.To, err
			})
		})
		if err != nil {
			return err
		}
		if inv.asJSON() {
			return inv.printJSON(done)
		}
		if done.From == done.To {
			inv.narrate(fmt.Sprintf("%s runs %s already.", done.Node, done.To), fmt.Sprintf("%s はすでに %s です。", done.Node, done.To))
		} else {
			inv.tellUpgrade(done)
		}
		inv.next("k8slab node list")
		return nil
	}
	return inv.withOutput(inv.withLab(cmd))
}
