package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/internal/present"
	"github.com/k8slab/k8slab/text"
)

// upgradeAnswer is what cluster upgrade -o json prints.
type upgradeAnswer struct {
	Plan *engine.UpgradePlan `json:"plan"`
	// Result is null if nothing was upgraded.
	Result *history.Upgrade `json:"result"`
}

func newClusterUpgrade(inv *invocation) *cobra.Command {
	to, dryRun, force := "", false, false
	cmd := inv.command("upgrade [--to RELEASE] [--dry-run] [--force] [--lab LAB] [-o json]",
		text.Text{EN: "Bring the control plane to the next release", JA: "コントロールプレーンを次のリリースに上げます"},
		text.Text{
			EN: "Replace the API server by the one of the next minor release, on the same etcd, and then the controllers and the scheduler. Before that, k8slab looks for kubelets that the new API server would not support, and for callers that wrote within the last 60 seconds to an API that it no longer serves. Either of them stands in the way.\n\nA control plane goes up by one minor release at a time and never down. If the new version does not become ready, the old one runs again. An upgrade that was cut short is finished or undone by the next start of the cluster.",
			JA: "API サーバーを次のマイナーリリースのものに、同じ etcd のまま入れ替え、続いてコントローラーとスケジューラーを入れ替えます。その前に、新しい API サーバーではサポートされなくなる kubelet がないか、なくなる API に直近 60 秒以内に書き込んだクライアントがいないかを調べます。どちらかが見つかると、アップグレードは始まりません。\n\nコントロールプレーンは一度に 1 マイナーバージョンずつ上げるもので、下げることはできません。新しいバージョンが正常に起動しなければ、元のバージョンに戻ります。途中で途切れたアップグレードは、次にクラスターを起動したときに完了するか、元に戻ります。",
		})
	cmd.Flags().StringVar(&to, "to", "", inv.say("the release to go to, such as 1.37 (default: the next one)", "上げる先のリリース。1.37 など (既定は次のリリース)"))
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, inv.say("only look for what stands in the way", "調べるだけで何も変えません"))
	cmd.Flags().BoolVar(&force, "force", false, inv.say("go on in spite of what stands in the way; it is recorded", "妨げになるものがあっても続けます。そのことは記録されます"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		play, s, err := inv.open(cmd.Context())
		if err != nil {
			return err
		}
		answer := upgradeAnswer{}
		err = inv.phases(func(report cluster.Progress) error {
			return report.Run("preflight", func() (string, error) {
				answer.Plan, err = play.PlanUpgrade(cmd.Context(), to)
				return s.Cluster.Version, err
			})
		})
		if err != nil {
			return err
		}
		if !inv.asJSON() {
			if err := inv.print(inv.screen().UpgradePlan(present.UpgradePlanOf(answer.Plan))); err != nil {
				return err
			}
		}
		if dryRun {
			return inv.afterDryRun(answer)
		}
		err = inv.phases(func(report cluster.Progress) error {
			done, err := play.Upgrade(cmd.Context(), answer.Plan, force, report)
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
		inv.next(action.InTerminal("kubectl version"))
		return nil
	}
	return inv.withOutput(inv.withLab(cmd))
}

func (inv *invocation) afterDryRun(answer upgradeAnswer) error {
	if inv.asJSON() {
		return inv.printJSON(answer)
	}
	inv.next(engine.AfterPlan(answer.Plan))
	return nil
}

// tellUpgrade says what runs now, and what was ignored for it.
func (inv *invocation) tellUpgrade(done history.Upgrade) {
	fmt.Fprint(inv.Err, inv.errScreen().Upgraded(present.UpgradedOf(done)))
}

func newNodeUpgrade(inv *invocation) *cobra.Command {
	to, force := "", false
	cmd := inv.command("upgrade NODE [--to RELEASE] [--force] [--lab LAB] [-o json]",
		text.Text{EN: "Bring the kubelet of a drained node to the control plane's release", JA: "ドレイン済みのノードの kubelet をコントロールプレーンのリリースに上げます"},
		text.Text{
			EN: "Replace a node's kubelet and start it again; the node is NotReady for some seconds. A node that still runs workload pods is refused, unless forced. A kubelet never becomes newer than the API server, and never older than it was.",
			JA: "ノードの kubelet を入れ替えて起動し直します。ノードは数秒間 NotReady になります。ワークロードの Pod がまだ動いているノードは、強制しないかぎり断ります。kubelet を API サーバーより新しくすることも、今より古くすることもできません。",
		})
	cmd.Args = exactly(1)
	cmd.ValidArgsFunction = inv.completeNodes
	cmd.Flags().StringVar(&to, "to", "", inv.say("the kubelet's release, such as 1.37 (default: the control plane's)", "kubelet のリリース。1.37 など (既定はコントロールプレーンと同じ)"))
	cmd.Flags().BoolVar(&force, "force", false, inv.say("go on although pods run on it; it is recorded", "Pod が動いていても続けます。そのことは記録されます"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		play, _, err := inv.open(cmd.Context())
		if err != nil {
			return err
		}
		var done history.Upgrade
		err = inv.phases(func(report cluster.Progress) error {
			return report.Run("kubelet", func() (string, error) {
				done, err = play.UpgradeNode(cmd.Context(), args[0], to, force)
				return done.To, err
			})
		})
		if err != nil {
			return err
		}
		if inv.asJSON() {
			return inv.printJSON(done)
		}
		inv.tellUpgrade(done)
		inv.next(action.Do(action.ListNodes))
		return nil
	}
	return inv.withOutput(inv.withLab(cmd))
}
