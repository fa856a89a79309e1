package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/history"
)

func upgradedEmpty() Definition {
	return Define("node/upgraded-empty", Doc{
		Summary: say("Nodes were upgraded, and nothing ran on them at that moment.",
			"ノードが、何も動いていない状態でアップグレードされた。"),
		Pass: say("The kubelet's version of every node that is named has changed since the step began, and each time only pods of DaemonSets, mirror pods and finished pods were on it.",
			"挙げたどのノードも、ステップの開始以降に kubelet のバージョンが変わり、その時点で載っていたのは DaemonSet の Pod、ミラー Pod、実行を終えた Pod だけだった。"),
		Fail: say("A node has the version that it had at the start, or pods were on it when the version changed; they are named.",
			"バージョンが開始時のままのノードがある。または、バージョンが変わった時点で Pod が載っていたノードがある (その Pod を示す)。"),
	}, judgeUpgrades, History)
}

func judgeUpgrades(ctx context.Context, env Env, p nodesParams) (Result, error) {
	timeline, err := env.timeline(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("looking up how the nodes were upgraded: %w", err)
	}
	var waiting []string
	for _, node := range p.Nodes {
		upgrades, err := upgradesOf(timeline, node)
		if err != nil {
			return Result{}, err
		}
		if len(upgrades) == 0 {
			waiting = append(waiting, node)
		}
		for _, upgrade := range upgrades {
			left, err := podsAt(timeline, upgrade)
			if err != nil {
				return Result{}, err
			}
			if len(left) > 0 {
				return upgradedUnderPods(p, upgrade, left), nil
			}
		}
	}
	if len(waiting) > 0 {
		names := list(waiting)
		return fail("node/"+waiting[0], wantUpgrades(p),
			content.Text{EN: "still at the version of the start: " + names.EN, JA: "開始時のバージョンのままのノード: " + names.JA},
			say("A kubelet may be older than the API server, but only by three minor versions. Nodes that are left behind block the next upgrade.",
				"kubelet は API サーバーより古くてもかまいませんが、許されるのは 3 マイナーバージョンまでです。取り残されたノードは、次のアップグレードの妨げになります。")), nil
	}
	return pass("node/"+p.Nodes[0], say("upgraded while empty: %s", "空の状態でアップグレードされました: %s", strings.Join(p.Nodes, ", "))), nil
}

func wantUpgrades(p nodesParams) content.Text {
	return say("nodes %s are upgraded while nothing but DaemonSet pods is on them", "ノード %s が、DaemonSet の Pod のほかに何も載っていない状態でアップグレードされること", strings.Join(p.Nodes, ", "))
}

func upgradedUnderPods(p nodesParams, upgrade history.Record, left []string) Result {
	names := list(left)
	return fail("node/"+upgrade.Name, wantUpgrades(p),
		content.Text{
			EN: fmt.Sprintf("when node %s became %s at %s, these pods were on it: %s", upgrade.Name, upgrade.Node.Kubelet, clockOf(upgrade.Time), names.EN),
			JA: fmt.Sprintf("ノード %s が %s に %s になったとき、次の Pod が載っていました: %s", upgrade.Name, clockOf(upgrade.Time), upgrade.Node.Kubelet, names.JA),
		},
		say("An upgrade restarts the kubelet, and often the machine. Pods that are still there go down with it, and no budget is asked.",
			"アップグレードは kubelet を、多くの場合はマシンごと再起動します。残っている Pod は、PodDisruptionBudget に確認されないまま一緒に止まります。")).
		because(recordedAt(&upgrade))
}

// upgradesOf returns the records in which the kubelet of the node has another version than in the one before.
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

// podsAt names the pods that were on a node when it changed so, but for those that a drain leaves there.
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

type atOnceParams struct {
	Nodes  []string `yaml:"nodes,omitempty" doc:"Names of the nodes; none means all." ja:"ノードの名前。書かなければすべてのノード。"`
	AtMost int      `yaml:"atMost" doc:"How many of them may have been out of service at the same time; 1 or more." ja:"同時にサービスから外れていてよいノードの数。1 以上。"`
}

func (p atOnceParams) Validate() error {
	if p.AtMost < 1 {
		return errors.New("atMost: with none at all no node can be worked on; write 1 or more")
	}
	return nil
}

func oneAtATime() Definition {
	return Define("node/one-at-a-time", Doc{
		Summary: say("Not too many nodes were out of service at the same time.",
			"同時にサービスから外れたノードが多すぎなかった。"),
		Pass: say("At no moment of the step were more of the nodes unschedulable or not ready than allowed.",
			"ステップのどの時点でも、cordon されているか Ready でないノードの数が上限を超えていない。"),
		Fail: say("There was such a moment; the failure says when, and which nodes they were.", "超えた時点がある。いつ、どのノードだったかを示す。"),
	}, judgeAtOnce, History)
}

func judgeAtOnce(ctx context.Context, env Env, p atOnceParams) (Result, error) {
	timeline, err := env.timeline(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("looking up which nodes were out of service: %w", err)
	}
	most, err := timeline.MostAtOnce("Node", func(r *history.Record) bool {
		return (len(p.Nodes) == 0 || slices.Contains(p.Nodes, r.Name)) && outOfService(r)
	})
	var names []string
	for _, r := range most.Objects {
		names = append(names, r.Name)
	}
	if len(names) > p.AtMost {
		return fail("node/"+names[len(names)-1],
			say("no more than %d nodes are cordoned or not ready at the same time", "同時に cordon されているか Ready でないノードが %d 個までであること", p.AtMost),
			say("at %s it was %d: %s", "%s の時点で %d 個でした: %s", clockOf(most.At), len(names), strings.Join(names, ", ")),
			say("What the nodes that are left can carry is planned for. With one more away, evicted pods find no place, and budgets begin to block.",
				"残りのノードで支えられる量には限りがあります。1 つ余計に外れると、退避した Pod の行き場がなくなり、PodDisruptionBudget が退避を止め始めます。")), nil
	}
	if err != nil {
		return Result{}, err
	}
	return pass("", say("at most %d at the same time", "同時に外れていたのは最大 %d 個です", len(names))), nil
}

func outOfService(r *history.Record) bool {
	return r.Node.Unschedulable || r.Node.Ready != "True"
}
