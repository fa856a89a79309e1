package upgrade

import (
	"context"
	"fmt"
	"strings"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/text"
)

type noParams struct{}

func notForced() checks.Definition {
	return checks.Define("upgrade/not-forced", checks.Doc{
		Summary: text.New("No upgrade of the control plane was forced.",
			"コントロールプレーンのアップグレードが強制されていない。"),
		Pass: text.New("Since the step began, nothing that stood in the way of an upgrade of the control plane was ignored.", "ステップの開始以降、コントロールプレーンのアップグレードの妨げになるものを無視していない。"),
		Fail: text.New("It was; the failure says what was ignored.", "無視した。何を無視したかを示す。"),
	}, func(ctx context.Context, env checks.Env, _ noParams) (checks.Result, error) {
		const object = "kube-apiserver"
		upgrades, err := env.RecordedUpgrades(ctx)
		if err != nil {
			return checks.Result{}, fmt.Errorf("looking up how the control plane was upgraded: %w", err)
		}
		for _, u := range upgrades {
			if u.Node == "" && u.Forced {
				return checks.Fail(object, text.New("the upgrade is not forced", "アップグレードを強制しないこと"),
					text.New("the upgrade from %s to %s at %s ignored: %s", "%[3]s の %[1]s から %[2]s へのアップグレードで、次のものが無視されました: %[4]s",
						u.From, u.To, kube.Clock(u.Time), strings.Join(u.Ignored, "; ")),
					text.New("What stands in the way is somebody who breaks with the upgrade. To force it is to decide that without asking them.",
						"妨げになっているのは、アップグレードすると動かなくなる誰かのプログラムです。強制するとは、その人に聞かずに決めてしまうことです。")).
					Because(recordOfUpgrade(u)), nil
			}
		}
		return checks.Pass(object, text.Text{}), nil
	}).Needing(checks.Upgrades)
}

func noUpgrade() checks.Definition {
	return checks.Define("upgrade/none", checks.Doc{
		Summary: text.New("Neither the control plane nor a node was upgraded.",
			"コントロールプレーンもノードもアップグレードされていない。"),
		Pass: text.New("There was no upgrade since the step began.", "ステップの開始以降、アップグレードがない。"),
		Fail: text.New("There was one; the failure says of what, and when.", "あった。何をいつ上げたかを示す。"),
	}, func(ctx context.Context, env checks.Env, _ noParams) (checks.Result, error) {
		upgrades, err := env.RecordedUpgrades(ctx)
		if err != nil {
			return checks.Result{}, fmt.Errorf("looking up what was upgraded: %w", err)
		}
		for _, u := range upgrades {
			if u.Outcome != history.Upgraded {
				continue
			}
			what := "kube-apiserver"
			if u.Node != "" {
				what = "node/" + u.Node
			}
			return checks.Fail(what, text.New("everything keeps the version that it has", "どのバージョンも変えないこと"),
				text.New("%s went from %s to %s at %s", "%[1]s が %[4]s に %[2]s から %[3]s になりました", what, u.From, u.To, kube.Clock(u.Time)),
				text.New("First one knows what there is, and then one changes it. An upgrade that nobody has planned is an outage that nobody has announced.",
					"まず現状を知り、変えるのはそのあとです。計画のないアップグレードは、予告のない障害と変わりません。")).
				Because(recordOfUpgrade(u)), nil
		}
		return checks.Pass("", text.Text{}), nil
	}).Needing(checks.Upgrades)
}

// recordOfUpgrade is k8slab's own record of an upgrade in one line, as the cause of a result.
func recordOfUpgrade(u history.Upgrade) string {
	what := "control plane"
	if u.Node != "" {
		what = "node " + u.Node
	}
	return fmt.Sprintf("record of upgrades: %s %s to %s, forced %v", what, u.From, u.To, u.Forced)
}
