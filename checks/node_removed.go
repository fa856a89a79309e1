package checks

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/history"
)

func removedEmpty() Definition {
	return Define("node/removed-empty", Doc{
		Summary: say("Nodes were taken out of the cluster, and nothing ran on them at that moment.",
			"ノードが、何も動いていない状態でクラスターから取り除かれた。"),
		Pass: say("None of the nodes that are named exists any more, and when each was deleted only pods of DaemonSets, mirror pods and finished pods were on it.",
			"挙げたノードがどれも存在せず、削除された時点で載っていたのは DaemonSet の Pod、ミラー Pod、実行を終えた Pod だけだった。"),
		Fail: say("A node is still there, or pods were on it when it was deleted; they are named.",
			"ノードが残っている。または、削除された時点で Pod が載っていた (その Pod を示す)。"),
	}, judgeRemovedNodes, History)
}

func judgeRemovedNodes(ctx context.Context, env Env, p nodesParams) (Result, error) {
	want := say("nodes %s are out of the cluster, and were empty when they went", "ノード %s が、空になってからクラスターから取り除かれていること", strings.Join(p.Nodes, ", "))
	timeline, err := env.timeline(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("looking up how the nodes were removed: %w", err)
	}
	var staying []string
	for _, name := range p.Nodes {
		removals, err := removalsOf(timeline, name)
		if err != nil {
			return Result{}, err
		}
		for _, removal := range removals {
			left, err := podsAt(timeline, removal)
			if err != nil {
				return Result{}, err
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
			return Result{}, fmt.Errorf("reading node %s: %w", name, err)
		}
	}
	if len(staying) > 0 {
		names := list(staying)
		return fail("node/"+staying[0], want, content.Text{EN: "still part of the cluster: " + names.EN, JA: "まだクラスターに残っているノード: " + names.JA},
			say("A pool that nobody uses any more still costs what it did, and the scheduler may still use it.",
				"使わなくなったプールにも同じ費用がかかり続け、スケジューラーがまた使うかもしれません。")), nil
	}
	return pass("node/"+p.Nodes[0], say("removed while empty: %s", "空の状態で取り除かれました: %s", strings.Join(p.Nodes, ", "))), nil
}

func removedUnderPods(want content.Text, removal history.Record, left []string) Result {
	names := list(left)
	return fail("node/"+removal.Name, want,
		content.Text{
			EN: fmt.Sprintf("when node %s was deleted at %s, these pods were on it: %s", removal.Name, clockOf(removal.Time), names.EN),
			JA: fmt.Sprintf("ノード %s が %s に削除されたとき、次の Pod が載っていました: %s", removal.Name, clockOf(removal.Time), names.JA),
		},
		say("Deleting a Node object does not drain it: its pods are cut off, and disruption budgets are not asked.",
			"Node オブジェクトを削除しても drain にはなりません。上の Pod は切り離され、PodDisruptionBudget も確認されません。")).
		because(recordedAt(&removal))
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

type placedParams struct {
	Namespace string   `yaml:"namespace" doc:"Namespace of the pods." ja:"Pod の Namespace。"`
	Nodes     Selector `yaml:"nodes" doc:"Label selector of the nodes, such as agentpool=green. What a node was labelled at the start decides, so that no label makes a node another one." ja:"ノードのラベルセレクター。agentpool=green など。開始時からあるノードは開始時のラベルで判断するので、ラベルの付け替えでは変わらない。"`
}

func podsOnNodes() Definition {
	return Define("pod/on-nodes", Doc{
		Summary: say("All pods of a namespace are on certain nodes.", "Namespace のすべての Pod が、特定のノードに載っている。"),
		Pass:    say("There are pods, and each that has not finished is on a node that the selector selects.", "Pod があり、実行を終えたものを除くどの Pod も、セレクターに合うノードに載っている。"),
		Fail:    say("A pod is on another node, or on none. Pods that are terminating are waited for.", "別のノードに載っている、またはどこにも載っていない Pod がある。終了処理中の Pod は待つ。"),
	}, judgePlaces)
}

func judgePlaces(ctx context.Context, env Env, p placedParams) (Result, error) {
	want := say("every pod in namespace %s is on a node with %s", "Namespace %s のどの Pod も %s のノードに載っていること", p.Namespace, p.Nodes)
	why := say("What is still elsewhere goes down when the other nodes are taken away.", "ほかの Node に残っている Pod は、その Node を片づけるときに一緒に止まります。")
	pods, err := listPods(ctx, env, p.Namespace, metav1.ListOptions{})
	if err != nil {
		return Result{}, err
	}
	pods = keep(pods, func(pod *corev1.Pod) bool { return !isFinished(pod) })
	if len(pods) == 0 {
		return fail("namespace/"+p.Namespace, want, say("there is no pod", "Pod が 1 つもありません"), why), nil
	}
	places, err := nodeLabels(ctx, env)
	if err != nil {
		return Result{}, err
	}
	elsewhere := keep(pods, func(pod *corev1.Pod) bool {
		return pod.Spec.NodeName == "" || !p.Nodes.Matches(places[pod.Spec.NodeName])
	})
	if len(elsewhere) == 0 {
		return pass("namespace/"+p.Namespace, say("%d pods are where they should be", "%d 個の Pod が正しい場所にあります", len(pods))), nil
	}
	staying := withoutTerminating(elsewhere)
	if len(staying) == 0 {
		object := podName(&elsewhere[0])
		return fail(object, want, whereabouts(elsewhere), why).waitingFor("termination of " + object), nil
	}
	return fail(podName(&staying[0]), want, whereabouts(staying), why), nil
}

// whereabouts says where the pods are, the first few of them.
func whereabouts(pods []corev1.Pod) content.Text {
	var all []content.Text
	for _, pod := range pods[:min(most, len(pods))] {
		if pod.Spec.NodeName == "" {
			all = append(all, say("%s is on no node", "%s はどのノードにも載っていません", pod.Name))
			continue
		}
		all = append(all, say("%s is on %s", "%s は %s に載っています", pod.Name, pod.Spec.NodeName))
	}
	return sentences(all)
}

// nodeLabels returns the labels of all nodes, for those of the starting state the ones that they had then.
func nodeLabels(ctx context.Context, env Env) (map[string]labels.Set, error) {
	nodes, err := env.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing the nodes: %w", err)
	}
	places := map[string]labels.Set{}
	for i := range nodes.Items {
		places[nodes.Items[i].Name] = nodes.Items[i].Labels
	}
	first := env.Baseline.Objects(schema.GroupKind{Kind: "Node"})
	for _, node := range first {
		places[node.GetName()] = node.GetLabels()
	}
	return places, nil
}
