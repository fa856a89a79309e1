package workload

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/text"
)

type coveredParams struct {
	Namespace string   `yaml:"namespace" doc:"Namespace of the DaemonSet." ja:"DaemonSet の Namespace。"`
	Name      string   `yaml:"name" doc:"Name of the DaemonSet." ja:"DaemonSet の名前。"`
	Nodes     []string `yaml:"nodes" doc:"Names of the nodes that must each have a pod of it." ja:"その Pod がなければならないノードの名前の一覧。"`
}

func coversNodes() checks.Definition {
	return checks.Define("daemonset/covers-nodes", checks.Doc{
		Summary: text.New("A DaemonSet runs on the nodes, cordoned ones too.", "DaemonSet が、cordon されたものも含めて、各ノードで動いている。"),
		Pass:    text.New("On each of the nodes a pod of the DaemonSet is ready.", "どのノードにも、準備完了の DaemonSet の Pod がある。"),
		Fail: text.New("A node has none, for instance because the DaemonSet was changed so that it avoids the node, or was deleted. Pods that are about to come are waited for.",
			"Pod のないノードがある (ノードを避けるように DaemonSet が変えられた、削除されたなど)。これから来る Pod は待つ。"),
	}, judgeCovered)
}

func judgeCovered(ctx context.Context, env checks.Env, p coveredParams) (checks.Result, error) {
	object := "daemonset/" + p.Name
	want := text.New("%s runs on %s", "%s が %s のそれぞれで動いていること", object, strings.Join(p.Nodes, ", "))
	why := text.New("What a DaemonSet does for a node, such as logs, network or monitoring, the node needs until it is switched off. That is why a drain leaves these pods alone.",
		"ログやネットワーク、監視など、DaemonSet の働きは、ノードの電源が落ちるまで必要です。drain がその Pod を残すのもそのためです。")
	set, err := env.Client.AppsV1().DaemonSets(p.Namespace).Get(ctx, p.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return checks.Fail(object, want, text.New("there is no %s in namespace %s", "%s が Namespace %s にありません", object, p.Namespace), why), nil
	}
	if err != nil {
		return checks.Result{}, fmt.Errorf("reading %s: %w", object, err)
	}
	if set.Status.ObservedGeneration < set.Generation {
		return checks.Fail(object, want, text.New("its latest change has not been taken up yet", "最新の変更がまだ反映されていません"), why).
			WaitingFor(fmt.Sprintf("%s to be observed at generation %d", object, set.Generation)), nil
	}
	pods, err := kube.ListPods(ctx, env, p.Namespace, metav1.ListOptions{})
	if err != nil {
		return checks.Result{}, err
	}
	pods = kube.Keep(pods, func(pod *corev1.Pod) bool { return metav1.IsControlledBy(pod, set) && !kube.IsTerminating(pod) })
	bare := slices.DeleteFunc(slices.Clone(p.Nodes), func(node string) bool {
		return slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return pod.Spec.NodeName == node && kube.IsReady(&pod) })
	})
	if len(bare) == 0 {
		return checks.Pass(object, text.New("it runs on %d nodes", "%d 個のノードで動いています", len(p.Nodes))), nil
	}
	names := checks.Listed(bare)
	result := checks.Fail(object, want, text.Text{EN: "it has no ready pod on " + names.EN, JA: names.JA + " に準備完了の Pod がありません"}, why)
	pending, err := kube.Starting(ctx, env, pods)
	if err != nil {
		return checks.Result{}, err
	}
	if pending == "" && isShort(set) {
		pending = "pods of " + object
	}
	return result.Because(kube.FirstReason(pods)).WaitingFor(pending), nil
}

// isShort reports whether the controller of the DaemonSet wants more pods than there are.
func isShort(set *appsv1.DaemonSet) bool {
	return set.Status.CurrentNumberScheduled < set.Status.DesiredNumberScheduled
}
