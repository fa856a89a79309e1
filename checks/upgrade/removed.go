package upgrade

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/text"
)

func removedEmpty() checks.Definition {
	return checks.Define("node/removed-empty", checks.Doc{
		Summary: text.New("Nodes were taken out of the cluster, and nothing ran on them at that moment.",
			"ノードが、何も動いていない状態でクラスターから取り除かれた。"),
		Pass: text.New("None of the nodes that are named exists any more, and when each was deleted only pods of DaemonSets, mirror pods and finished pods were on it.",
			"挙げたノードがどれも存在せず、削除された時点で載っていたのは DaemonSet の Pod、ミラー Pod、実行を終えた Pod だけだった。"),
		Fail: text.New("A node is still there, or pods were on it when it was deleted; they are named.",
			"ノードが残っている。または、削除された時点で Pod が載っていた (その Pod を示す)。"),
	}, judgeRemovedNodes).Needing(checks.History)
}

func judgeRemovedNodes(ctx context.Context, env checks.Env, p nodesParams) (checks.Result, error) {
	want := text.New("nodes %s are out of the cluster, and were empty when they went", "ノード %s が、空になってからクラスターから取り除かれていること", strings.Join(p.Nodes, ", "))
	timeline, err := env.Timeline(ctx)
	if err != nil {
		return checks.Result{}, fmt.Errorf("looking up how the nodes were removed: %w", err)
	}
	var staying []string
	for _, name := range p.Nodes {
		removals, err := removalsOf(timeline, name)
		if err != nil {
			return checks.Result{}, err
		}
		for _, removal := range removals {
			left, err := podsAt(timeline, removal)
			if err != nil {
				return checks.Result{}, err
			}
			if len(left) > 0 {
				return removedUnderPods(want, removal, left), nil
			}
		}
		_, err = env.Client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		switch {
		case err == nil:
			staying = append(staying, name)
		case !apierrors.IsNotFound(err):
			return checks.Result{}, fmt.Errorf("reading node %s: %w", name, err)
		}
	}
	if len(staying) > 0 {
		names := checks.Listed(staying)
		return checks.Fail("node/"+staying[0], want, text.Text{EN: "still part of the cluster: " + names.EN, JA: "まだクラスターに残っているノード: " + names.JA},
			text.New("A pool that nobody uses any more still costs what it did, and the scheduler may still use it.",
				"使わなくなったプールにも同じ費用がかかり続け、スケジューラーがまた使うかもしれません。")), nil
	}
	return checks.Pass("node/"+p.Nodes[0], text.New("removed while empty: %s", "空の状態で取り除かれました: %s", strings.Join(p.Nodes, ", "))), nil
}

func removedUnderPods(want text.Text, removal history.Record, left []string) checks.Result {
	names := checks.Listed(left)
	return checks.Fail("node/"+removal.Name, want,
		text.New("when node %s was deleted at %s, these pods were on it: %s", "ノード %s が %s に削除されたとき、次の Pod が載っていました: %s", removal.Name, kube.Clock(removal.Time), names),
		text.New("Deleting a Node object does not drain it: its pods are cut off, and disruption budgets are not asked.",
			"Node オブジェクトを削除しても drain にはなりません。上の Pod は切り離され、PodDisruptionBudget も確認されません。")).
		Because(kube.RecordLine(&removal))
}

// removalsOf returns the records of the deletion of a node since the timeline's beginning.
func removalsOf(t *history.Timeline, node string) ([]history.Record, error) {
	ref := history.Ref{Kind: "Node", Name: node}
	before, since := t.Of(ref)
	if before == nil && len(since) == 0 {
		if err := t.Complete(ref); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("there was no node %s when the step began", node)
	}
	var removals []history.Record
	for _, r := range since {
		if r.Event == history.Deleted {
			removals = append(removals, r)
		}
	}
	if len(removals) == 0 {
		return nil, t.Complete(ref)
	}
	return removals, nil
}
