package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/k8slab/k8slab/content"
)

type nodeParams struct {
	Node string `yaml:"node" doc:"Name of the node." ja:"ノードの名前。"`
}

type nodesParams struct {
	Nodes []string `yaml:"nodes" doc:"Names of the nodes." ja:"ノードの名前の一覧。"`
}

func nodeCordoned() Definition {
	return Define("node/cordoned", Doc{
		Summary: say("The node takes no new pods.", "ノードが新しい Pod を受け付けない状態になっている。"),
		Pass:    say("spec.unschedulable of the node is true.", "ノードの spec.unschedulable が true である。"),
		Fail: say("The node still takes pods, only carries a taint that was written by hand, or does not exist.",
			"ノードがまだ Pod を受け付けている、手で書いた taint があるだけ、またはノードが存在しない。"),
	}, func(ctx context.Context, env Env, p nodeParams) (Result, error) {
		object := "node/" + p.Node
		want := say("node %s takes no new pods", "ノード %s が新しい Pod を受け付けないこと", p.Node)
		why := say("While a node is being emptied, the scheduler would otherwise put the evicted pods straight back onto it.",
			"ノードを空にしている間もスケジューラーは動いています。受け付けを止めておかないと、退避した Pod が同じノードに戻ってきます。")
		node, err := env.Client.CoreV1().Nodes().Get(ctx, p.Node, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			return fail(object, want, nodeMissing(p.Node), why), nil
		case err != nil:
			return Result{}, fmt.Errorf("reading node %s: %w", p.Node, err)
		case node.Spec.Unschedulable:
			return pass(object, say("node %s is cordoned", "ノード %s は cordon されています", p.Node)), nil
		case hasTaint(node, corev1.TaintNodeUnschedulable):
			return fail(object, want, say("node %s carries the taint %s, but its spec.unschedulable is false",
				"ノード %s に taint %s は付いていますが、spec.unschedulable は false です", p.Node, corev1.TaintNodeUnschedulable),
				say("That taint follows from spec.unschedulable and belongs to the node controller, which takes away one that was written by hand.",
					"この taint は spec.unschedulable に応じてノードコントローラーが付け外しします。手で書いても取り除かれてしまいます。")), nil
		}
		return fail(object, want, say("node %s is schedulable", "ノード %s はまだ Pod を受け付けています", p.Node), why), nil
	})
}

func nodeSchedulable() Definition {
	return Define("node/schedulable", Doc{
		Summary: say("The nodes take new pods.", "ノードが新しい Pod を受け付ける状態になっている。"),
		Pass:    say("spec.unschedulable of every node is false.", "どのノードの spec.unschedulable も false である。"),
		Fail:    say("A node is cordoned or does not exist.", "cordon されたままの、または存在しないノードがある。"),
	}, func(ctx context.Context, env Env, p nodesParams) (Result, error) {
		return eachNode(ctx, env, p.Nodes,
			func(node *corev1.Node) bool { return !node.Spec.Unschedulable },
			func(names content.Text) (want, got, why content.Text) {
				return say("nodes %s take new pods", "ノード %s が新しい Pod を受け付けること", strings.Join(p.Nodes, ", ")),
					content.Text{EN: "cordoned: " + names.EN, JA: "cordon されているノード: " + names.JA},
					say("A cordoned node stays empty for ever, and the capacity of the others has to do.",
						"cordon されたノードにはいつまでも Pod が置かれず、残りのノードだけで負荷を受けることになります。")
			})
	})
}

func nodeExists() Definition {
	return Define("node/exists", Doc{
		Summary: say("The nodes are still part of the cluster.", "ノードがクラスターに残っている。"),
		Pass:    say("Every node that is named exists.", "挙げたノードがすべて存在する。"),
		Fail:    say("A node was removed from the cluster.", "クラスターから取り除かれたノードがある。"),
	}, func(ctx context.Context, env Env, p nodesParams) (Result, error) {
		return eachNode(ctx, env, p.Nodes, func(*corev1.Node) bool { return true }, nil)
	})
}

// eachNode looks at nodes one by one. Missing ones fail in any case; tell says what the others are that are not good.
func eachNode(ctx context.Context, env Env, names []string, good func(*corev1.Node) bool,
	tell func(names content.Text) (want, got, why content.Text)) (Result, error) {
	var missing, bad []string
	for _, name := range names {
		node, err := env.Client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			missing = append(missing, name)
		case err != nil:
			return Result{}, fmt.Errorf("reading node %s: %w", name, err)
		case !good(node):
			bad = append(bad, name)
		}
	}
	switch {
	case len(missing) > 0:
		return fail("node/"+missing[0],
			say("nodes %s are part of the cluster", "ノード %s がクラスターに存在すること", strings.Join(names, ", ")),
			nodeMissing(strings.Join(missing, ", ")),
			say("Deleting a Node object does not drain it: its pods are cut off, and disruption budgets are not asked.",
				"Node オブジェクトを削除しても drain にはなりません。上の Pod は切り離され、PodDisruptionBudget も確認されません。")), nil
	case len(bad) > 0:
		want, got, why := tell(list(bad))
		return fail("node/"+bad[0], want, got, why), nil
	}
	return pass("node/"+names[0], say("checked: %s", "確認しました: %s", strings.Join(names, ", "))), nil
}

func nodeDrained() Definition {
	return Define("node/drained", Doc{
		Summary: say("Nothing is left on the node but what a drain leaves there.", "ノードに、drain が残すもの以外の Pod が残っていない。"),
		Pass: say("Only pods of DaemonSets, mirror pods and pods that have finished are on the node.",
			"ノード上にあるのは DaemonSet の Pod、ミラー Pod、実行を終えた Pod だけである。"),
		Fail: say("Other pods are left; each is named with its owners, or as a bare pod, and where it keeps data in an emptyDir. Pods that are terminating are waited for.",
			"それ以外の Pod が残っている。それぞれの所有者、単独の Pod かどうか、emptyDir にデータを持つかどうかを示す。終了処理中の Pod は待つ。"),
	}, judgeDrained)
}

func judgeDrained(ctx context.Context, env Env, p nodeParams) (Result, error) {
	object := "node/" + p.Node
	want := say("no pods on node %s but those of DaemonSets", "ノード %s に DaemonSet 以外の Pod が残っていないこと", p.Node)
	why := say("Whatever is still on the node when it reboots goes down with it, without warning and without a replacement elsewhere.",
		"再起動のときにノードに残っている Pod は、予告も代わりの用意もなく、ノードと一緒に止まります。")
	if _, err := env.Client.CoreV1().Nodes().Get(ctx, p.Node, metav1.GetOptions{}); apierrors.IsNotFound(err) {
		return fail(object, want, nodeMissing(p.Node), why), nil
	} else if err != nil {
		return Result{}, fmt.Errorf("reading node %s: %w", p.Node, err)
	}
	pods, err := listPods(ctx, env, metav1.NamespaceAll, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("spec.nodeName", p.Node).String(),
	})
	if err != nil {
		return Result{}, err
	}
	pods = keep(pods, func(pod *corev1.Pod) bool {
		return !isFinished(pod) && !isMirror(pod) && !isDaemon(metav1.GetControllerOf(pod))
	})
	staying := withoutTerminating(pods)
	switch {
	case len(pods) == 0:
		return pass(object, say("node %s is drained", "ノード %s は空になっています", p.Node)), nil
	case len(staying) == 0:
		leaving := podNames(pods)
		names := list(leaving)
		got := content.Text{EN: "still terminating: " + names.EN, JA: "まだ終了処理中の Pod: " + names.JA}
		return fail(podName(&pods[0]), want, got, why).waitingFor("termination of " + strings.Join(leaving, ", ")), nil
	}
	got, err := leftBehind(ctx, env, staying)
	if err != nil {
		return Result{}, err
	}
	return fail(podName(&staying[0]), want, got, why), nil
}

// leftBehind describes the pods, the first few in full.
func leftBehind(ctx context.Context, env Env, pods []corev1.Pod) (content.Text, error) {
	var en, ja []string
	for i := range pods[:min(most, len(pods))] {
		described, err := describePod(ctx, env.Client, &pods[i])
		if err != nil {
			return content.Text{}, err
		}
		en, ja = append(en, described.EN), append(ja, described.JA)
	}
	got := content.Text{
		EN: fmt.Sprintf("%d left: %s", len(pods), strings.Join(en, ", ")),
		JA: fmt.Sprintf("%d 個残っています: %s", len(pods), strings.Join(ja, "、")),
	}
	if more := len(pods) - most; more > 0 {
		got = content.Text{EN: got.EN + fmt.Sprintf(" and %d more", more), JA: got.JA + fmt.Sprintf(" ほか %d 個", more)}
	}
	return got, nil
}

func nodeMissing(names string) content.Text {
	return say("there is no node %s", "ノード %s がありません", names)
}

func hasTaint(node *corev1.Node, key string) bool {
	return slices.ContainsFunc(node.Spec.Taints, func(t corev1.Taint) bool { return t.Key == key })
}
