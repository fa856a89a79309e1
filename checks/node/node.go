package node

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/text"
)

type nodeParams struct {
	Node string `yaml:"node" doc:"Name of the node." ja:"ノードの名前。"`
}

type nodesParams struct {
	Nodes []string `yaml:"nodes" doc:"Names of the nodes." ja:"ノードの名前の一覧。"`
}

func nodeCordoned() checks.Definition {
	return checks.Define("node/cordoned", checks.Doc{
		Summary: text.New("The node takes no new pods.", "ノードが新しい Pod を受け付けない状態になっている。"),
		Pass:    text.New("spec.unschedulable of the node is true.", "ノードの spec.unschedulable が true である。"),
		Fail: text.New("The node still takes pods, only carries a taint that was written by hand, or does not exist.",
			"ノードがまだ Pod を受け付けている、手で書いた taint があるだけ、またはノードが存在しない。"),
	}, func(ctx context.Context, env checks.Env, p nodeParams) (checks.Result, error) {
		object := "node/" + p.Node
		want := text.New("node %s takes no new pods", "ノード %s が新しい Pod を受け付けないこと", p.Node)
		why := text.New("While a node is being emptied, the scheduler would otherwise put the evicted pods straight back onto it.",
			"ノードを空にしている間もスケジューラーは動いています。受け付けを止めておかないと、退避した Pod が同じノードに戻ってきます。")
		node, err := env.Client.CoreV1().Nodes().Get(ctx, p.Node, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			return checks.Fail(object, want, kube.NodeMissing(p.Node), why), nil
		case err != nil:
			return checks.Result{}, fmt.Errorf("reading node %s: %w", p.Node, err)
		case node.Spec.Unschedulable:
			return checks.Pass(object, text.New("node %s is cordoned", "ノード %s は cordon されています", p.Node)), nil
		case hasTaint(node, corev1.TaintNodeUnschedulable):
			return checks.Fail(object, want, text.New("node %s carries the taint %s, but its spec.unschedulable is false",
				"ノード %s に taint %s は付いていますが、spec.unschedulable は false です", p.Node, corev1.TaintNodeUnschedulable),
				text.New("That taint follows from spec.unschedulable and belongs to the node controller, which takes away one that was written by hand.",
					"この taint は spec.unschedulable に応じてノードコントローラーが付け外しします。手で書いても取り除かれてしまいます。")), nil
		}
		return checks.Fail(object, want, text.New("node %s is schedulable", "ノード %s はまだ Pod を受け付けています", p.Node), why), nil
	}).Changing(checks.Nodes)
}

func nodeSchedulable() checks.Definition {
	return checks.Define("node/schedulable", checks.Doc{
		Summary: text.New("The nodes take new pods.", "ノードが新しい Pod を受け付ける状態になっている。"),
		Pass:    text.New("spec.unschedulable of every node is false.", "どのノードの spec.unschedulable も false である。"),
		Fail:    text.New("A node is cordoned or does not exist.", "cordon されたままの、または存在しないノードがある。"),
	}, func(ctx context.Context, env checks.Env, p nodesParams) (checks.Result, error) {
		return kube.EachNode(ctx, env, p.Nodes,
			func(node *corev1.Node) bool { return !node.Spec.Unschedulable },
			func(names text.Text) (want, got, why text.Text) {
				return text.New("nodes %s take new pods", "ノード %s が新しい Pod を受け付けること", strings.Join(p.Nodes, ", ")),
					text.Text{EN: "cordoned: " + names.EN, JA: "cordon されているノード: " + names.JA},
					text.New("A cordoned node stays empty for ever, and the capacity of the others has to do.",
						"cordon されたノードにはいつまでも Pod が置かれず、残りのノードだけで負荷を受けることになります。")
			})
	})
}

func nodeExists() checks.Definition {
	return checks.Define("node/exists", checks.Doc{
		Summary: text.New("The nodes are still part of the cluster.", "ノードがクラスターに残っている。"),
		Pass:    text.New("Every node that is named exists.", "挙げたノードがすべて存在する。"),
		Fail:    text.New("A node was removed from the cluster.", "クラスターから取り除かれたノードがある。"),
	}, func(ctx context.Context, env checks.Env, p nodesParams) (checks.Result, error) {
		return kube.EachNode(ctx, env, p.Nodes, func(*corev1.Node) bool { return true }, nil)
	})
}

func hasTaint(node *corev1.Node, key string) bool {
	return slices.ContainsFunc(node.Spec.Taints, func(t corev1.Taint) bool { return t.Key == key })
}
