package node

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/text"
)

func nodeDrained() checks.Definition {
	return checks.Define("node/drained", checks.Doc{
		Summary: text.New("Nothing is left on the node but what a drain leaves there.", "ノードに、drain が残すもの以外の Pod が残っていない。"),
		Pass: text.New("Only pods of DaemonSets, mirror pods and pods that have finished are on the node.",
			"ノード上にあるのは DaemonSet の Pod、ミラー Pod、実行を終えた Pod だけである。"),
		Fail: text.New("Other pods are left; each is named with its owners, or as a bare pod, and where it keeps data in an emptyDir. Pods that are terminating are waited for.",
			"それ以外の Pod が残っている。それぞれの所有者、単独の Pod かどうか、emptyDir にデータを持つかどうかを示す。終了処理中の Pod は待つ。"),
	}, judgeDrained).Changing(checks.Nodes)
}

func judgeDrained(ctx context.Context, env checks.Env, p nodeParams) (checks.Result, error) {
	object := "node/" + p.Node
	want := text.New("no pods on node %s but those of DaemonSets", "ノード %s に DaemonSet 以外の Pod が残っていないこと", p.Node)
	why := text.New("Whatever is still on the node when it reboots goes down with it, without warning and without a replacement elsewhere.",
		"再起動のときにノードに残っている Pod は、予告も代わりの用意もなく、ノードと一緒に止まります。")
	if _, err := env.Client.CoreV1().Nodes().Get(ctx, p.Node, metav1.GetOptions{}); apierrors.IsNotFound(err) {
		return checks.Fail(object, want, kube.NodeMissing(p.Node), why), nil
	} else if err != nil {
		return checks.Result{}, fmt.Errorf("reading node %s: %w", p.Node, err)
	}
	pods, err := kube.ListPods(ctx, env, metav1.NamespaceAll, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("spec.nodeName", p.Node).String(),
	})
	if err != nil {
		return checks.Result{}, err
	}
	pods = kube.Keep(pods, func(pod *corev1.Pod) bool {
		return !kube.IsFinished(pod) && !kube.IsMirror(pod) && !kube.IsDaemon(metav1.GetControllerOf(pod))
	})
	staying := kube.WithoutTerminating(pods)
	switch {
	case len(pods) == 0:
		return checks.Pass(object, text.New("node %s is drained", "ノード %s は空になっています", p.Node)), nil
	case len(staying) == 0:
		leaving := kube.PodNames(pods)
		names := checks.Listed(leaving)
		got := text.Text{EN: "still terminating: " + names.EN, JA: "まだ終了処理中の Pod: " + names.JA}
		return checks.Fail(kube.PodName(&pods[0]), want, got, why).WaitingFor("termination of " + strings.Join(leaving, ", ")), nil
	}
	got, err := leftBehind(ctx, env, staying)
	if err != nil {
		return checks.Result{}, err
	}
	return checks.Fail(kube.PodName(&staying[0]), want, got, why), nil
}

// leftBehind describes the first pods in full and counts the rest.
func leftBehind(ctx context.Context, env checks.Env, pods []corev1.Pod) (text.Text, error) {
	var en, ja []string
	for i := range pods[:min(checks.MostListed, len(pods))] {
		described, err := kube.DescribePod(ctx, env.Client, &pods[i])
		if err != nil {
			return text.Text{}, err
		}
		en, ja = append(en, described.EN), append(ja, described.JA)
	}
	got := text.Text{
		EN: fmt.Sprintf("%d left: %s", len(pods), strings.Join(en, ", ")),
		JA: fmt.Sprintf("%d 個残っています: %s", len(pods), strings.Join(ja, "、")),
	}
	if more := len(pods) - checks.MostListed; more > 0 {
		got = text.Text{EN: got.EN + fmt.Sprintf(" and %d more", more), JA: got.JA + fmt.Sprintf(" ほか %d 個", more)}
	}
	return got, nil
}
