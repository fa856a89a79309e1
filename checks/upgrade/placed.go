package upgrade

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/text"
)

type placedParams struct {
	Namespace string          `yaml:"namespace" doc:"Namespace of the pods." ja:"Pod の Namespace。"`
	Nodes     checks.Selector `yaml:"nodes" doc:"Label selector of the nodes, such as agentpool=green. What a node was labelled at the start decides, so that no label makes a node another one." ja:"ノードのラベルセレクター。agentpool=green など。開始時からあるノードは開始時のラベルで判断するので、ラベルの付け替えでは変わらない。"`
}

func podsOnNodes() checks.Definition {
	return checks.Define("pod/on-nodes", checks.Doc{
		Summary: text.New("All pods of a namespace are on certain nodes.", "Namespace のすべての Pod が、特定のノードに載っている。"),
		Pass:    text.New("There are pods, and each that has not finished is on a node that the selector selects.", "Pod があり、実行を終えたものを除くどの Pod も、セレクターに合うノードに載っている。"),
		Fail:    text.New("A pod is on another node, or on none. Pods that are terminating are waited for.", "別のノードに載っている、またはどこにも載っていない Pod がある。終了処理中の Pod は待つ。"),
	}, judgePlaces)
}

func judgePlaces(ctx context.Context, env checks.Env, p placedParams) (checks.Result, error) {
	want := text.New("every pod in namespace %s is on a node with %s", "Namespace %s のどの Pod も %s のノードに載っていること", p.Namespace, p.Nodes)
	why := text.New("What is still elsewhere goes down when the other nodes are taken away.", "ほかの Node に残っている Pod は、その Node を片づけるときに一緒に止まります。")
	pods, err := kube.ListPods(ctx, env, p.Namespace, metav1.ListOptions{})
	if err != nil {
		return checks.Result{}, err
	}
	pods = kube.Keep(pods, func(pod *corev1.Pod) bool { return !kube.IsFinished(pod) })
	if len(pods) == 0 {
		return checks.Fail("namespace/"+p.Namespace, want, text.New("there is no pod", "Pod が 1 つもありません"), why), nil
	}
	places, err := nodeLabels(ctx, env)
	if err != nil {
		return checks.Result{}, err
	}
	elsewhere := kube.Keep(pods, func(pod *corev1.Pod) bool {
		return pod.Spec.NodeName == "" || !p.Nodes.Matches(places[pod.Spec.NodeName])
	})
	if len(elsewhere) == 0 {
		return checks.Pass("namespace/"+p.Namespace, text.New("%d pods are where they should be", "%d 個の Pod が正しい場所にあります", len(pods))), nil
	}
	staying := kube.WithoutTerminating(elsewhere)
	if len(staying) == 0 {
		object := kube.PodName(&elsewhere[0])
		return checks.Fail(object, want, whereabouts(elsewhere), why).WaitingFor("termination of " + object), nil
	}
	return checks.Fail(kube.PodName(&staying[0]), want, whereabouts(staying), why), nil
}

// whereabouts says where the pods are, the first few of them.
func whereabouts(pods []corev1.Pod) text.Text {
	var all []text.Text
	for _, pod := range pods[:min(checks.MostListed, len(pods))] {
		if pod.Spec.NodeName == "" {
			all = append(all, text.New("%s is on no node", "%s はどのノードにも載っていません", pod.Name))
			continue
		}
		all = append(all, text.New("%s is on %s", "%s は %s に載っています", pod.Name, pod.Spec.NodeName))
	}
	return text.Sentences(all)
}

// nodeLabels returns the labels of all nodes. A node of the starting state has its labels of then.
func nodeLabels(ctx context.Context, env checks.Env) (map[string]labels.Set, error) {
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
