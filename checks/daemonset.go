package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/content"
)

type coveredParams struct {
	Namespace string   `yaml:"namespace" doc:"Namespace of the DaemonSet." ja:"DaemonSet の Namespace。"`
	Name      string   `yaml:"name" doc:"Name of the DaemonSet." ja:"DaemonSet の名前。"`
	Nodes     []string `yaml:"nodes" doc:"Names of the nodes that must each have a pod of it." ja:"その Pod がなければならないノードの名前の一覧。"`
}

func coversNodes() Definition {
	return Define("daemonset/covers-nodes", Doc{
		Summary: say("A DaemonSet runs on the nodes, cordoned ones too.", "DaemonSet が、cordon されたものも含めて、各ノードで動いている。"),
		Pass:    say("On each of the nodes a pod of the DaemonSet is ready.", "どのノードにも、準備完了の DaemonSet の Pod がある。"),
		Fail: say("A node has none, for instance because the DaemonSet was changed so that it avoids the node, or was deleted. Pods that are about to come are waited for.",
			"Pod のないノードがある (ノードを避けるように DaemonSet が変えられた、削除されたなど)。これから来る Pod は待つ。"),
	}, judgeCovered)
}

func judgeCovered(ctx context.Context, env Env, p coveredParams) (Result, error) {
	object := "daemonset/" + p.Name
	want := say("%s runs on %s", "%s が %s のそれぞれで動いていること", object, strings.Join(p.Nodes, ", "))
	why := say("What a DaemonSet does for a node, such as logs, network or monitoring, the node needs until it is switched off. That is why a drain leaves these pods alone.",
		"ログやネットワーク、監視など、DaemonSet の働きは、ノードの電源が落ちるまで必要です。drain がその Pod を残すのもそのためです。")
	set, err := env.Client.AppsV1().DaemonSets(p.Namespace).Get(ctx, p.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return fail(object, want, say("there is no %s in namespace %s", "%s が Namespace %s にありません", object, p.Namespace), why), nil
	}
	if err != nil {
		return Result{}, fmt.Errorf("reading %s: %w", object, err)
	}
	if set.Status.ObservedGeneration < set.Generation {
		return fail(object, want, say("its latest change has not been taken up yet", "最新の変更がまだ反映されていません"), why).
			waitingFor(fmt.Sprintf("%s to be observed at generation %d", object, set.Generation)), nil
	}
	pods, err := listPods(ctx, env, p.Namespace, metav1.ListOptions{})
	if err != nil {
		return Result{}, err
	}
	pods = keep(pods, func(pod *corev1.Pod) bool { return metav1.IsControlledBy(pod, set) && !isTerminating(pod) })
	bare := slices.DeleteFunc(slices.Clone(p.Nodes), func(node string) bool {
		return slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return pod.Spec.NodeName == node && isReady(&pod) })
	})
	if len(bare) == 0 {
		return pass(object, say("it runs on %d nodes", "%d 個のノードで動いています", len(p.Nodes))), nil
	}
	names := list(bare)
	result := fail(object, want, content.Text{EN: "it has no ready pod on " + names.EN, JA: names.JA + " に準備完了の Pod がありません"}, why)
	pending, err := starting(ctx, env, pods)
	if err != nil {
		return Result{}, err
	}
	if pending == "" && isShort(set) {
		pending = "pods of " + object
	}
	return result.because(firstReason(pods)).waitingFor(pending), nil
}

// isShort: the controller itself wants more pods than there are.
func isShort(set *appsv1.DaemonSet) bool {
	return set.Status.CurrentNumberScheduled < set.Status.DesiredNumberScheduled
}
