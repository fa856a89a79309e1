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

type nodesParams struct {
	Nodes []string `yaml:"nodes" doc:"Names of the nodes." ja:"ノードの名前の一覧。"`
}

func upgradedEmpty() checks.Definition {
	return checks.Define("node/upgraded-empty", checks.Doc{
		Summary: text.New("Nodes were upgraded, and nothing ran on them at that moment.",
			"ノードが、何も動いていない状態でアップグレードされた。"),
		Pass: text.New("The kubelet's version of every node that is named has changed since the step began, and each time only pods of DaemonSets, mirror pods and finished pods were on it.",
			"挙げたどのノードも、ステップの開始以降に kubelet のバージョンが変わり、その時点で載っていたのは DaemonSet の Pod、ミラー Pod、実行を終えた Pod だけだった。"),
		Fail: text.New("A node has the version that it had at the start, or pods were on it when the version changed; they are named.",
			"バージョンが開始時のままのノードがある。または、バージョンが変わった時点で Pod が載っていたノードがある (その Pod を示す)。"),
	}, judgeUpgrades).Needing(checks.History)
}

func judgeUpgrades(ctx context.Context, env checks.Env, p nodesParams) (checks.Result, error) {
	timeline, err := env.Timeline(ctx)
	if err != nil {
		return checks.Result{}, fmt.Errorf("looking up how the nodes were upgraded: %w", err)
	}
	var waiting []string
	for _, node := range p.Nodes {
		upgrades, err := upgradesOf(timeline, node)
		if err != nil {
			return checks.Result{}, err
		}
		if len(upgrades) == 0 {
			waiting = append(waiting, node)
		}
		for _, upgrade := range upgrades {
			left, err := podsAt(timeline, upgrade)
			if err != nil {
				return checks.Result{}, err
			}
			if len(left) > 0 {
				return upgradedUnderPods(p, upgrade, left), nil
			}
		}
	}
	if len(waiting) > 0 {
		names := checks.Listed(waiting)
		return checks.Fail("node/"+waiting[0], wantUpgrades(p),
			text.Text{EN: "still at the version of the start: " + names.EN, JA: "開始時のバージョンのままのノード: " + names.JA},
			text.New("A kubelet may be older than the API server, but only by three minor versions. Nodes that are left behind block the next upgrade.",
				"kubelet は API サーバーより古くてもかまいませんが、許されるのは 3 マイナーバージョンまでです。取り残されたノードは、次のアップグレードの妨げになります。")), nil
	}
	return checks.Pass("node/"+p.Nodes[0], text.New("upgraded while empty: %s", "空の状態でアップグレードされました: %s", strings.Join(p.Nodes, ", "))), nil
}

func wantUpgrades(p nodesParams) text.Text {
	return text.New("nodes %s are upgraded while nothing but DaemonSet pods is on them", "ノード %s が、DaemonSet の Pod のほかに何も載っていない状態でアップグレードされること", strings.Join(p.Nodes, ", "))
}

func upgradedUnderPods(p nodesParams, upgrade history.Record, left []string) checks.Result {
	names := checks.Listed(left)
	return checks.Fail("node/"+upgrade.Name, wantUpgrades(p),
		text.New("when node %s became %s at %s, these pods were on it: %s", "ノード %[1]s が %[3]s に %[2]s になったとき、次の Pod が載っていました: %[4]s", upgrade.Name, upgrade.Node.Kubelet, kube.Clock(upgrade.Time), names),
		text.New("An upgrade restarts the kubelet, and often the machine. Pods that are still there go down with it, and no budget is asked.",
			"アップグレードは kubelet を、多くの場合はマシンごと再起動します。残っている Pod は、PodDisruptionBudget に確認されないまま一緒に止まります。")).
		Because(kube.RecordLine(&upgrade))
}

// upgradesOf returns the records in which the kubelet of the node has another version than in the record before.
func upgradesOf(t *history.Timeline, node string) ([]history.Record, error) {
	ref := history.Ref{Kind: "Node", Name: node}
	before, since := t.Of(ref)
	if before == nil {
		if err := t.Complete(ref); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("there was no node %s when the step began", node)
	}
	var upgrades []history.Record
	version := before.Node.Kubelet
	for _, r := range since {
		if r.Event != history.Deleted && r.Node.Kubelet != version && r.Node.Kubelet != "" {
			upgrades, version = append(upgrades, r), r.Node.Kubelet
		}
	}
	if len(upgrades) == 0 {
		return nil, t.Complete(ref)
	}
	return upgrades, nil
}

// podsAt names the pods that were on a node at the moment of the change, without those that a drain leaves there.
func podsAt(t *history.Timeline, change history.Record) ([]string, error) {
	pods, err := t.At("Pod", change)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, pod := range pods {
		if pod.Pod.Node == change.Name && !pod.IsDaemon() && !pod.Pod.Mirror && !pod.Pod.Finished() {
			names = append(names, pod.Namespace+"/"+pod.Name)
		}
	}
	return names, nil
}
