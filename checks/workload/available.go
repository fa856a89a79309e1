package workload

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/text"
)

type workloadParams struct {
	Kind      string `yaml:"kind" doc:"Deployment, StatefulSet or DaemonSet." ja:"Deployment、StatefulSet、DaemonSet のいずれか。"`
	Namespace string `yaml:"namespace" doc:"Namespace of the workload." ja:"ワークロードの Namespace。"`
	Name      string `yaml:"name" doc:"Name of the workload." ja:"ワークロードの名前。"`
}

func (p workloadParams) Validate() error {
	return kube.OneOf(p.Kind, "Deployment", "StatefulSet", "DaemonSet")
}

// scaledParams are workloadParams for kinds with replicas.
type scaledParams struct {
	Kind      string `yaml:"kind" doc:"Deployment or StatefulSet." ja:"Deployment または StatefulSet。"`
	Namespace string `yaml:"namespace" doc:"Namespace of the workload." ja:"ワークロードの Namespace。"`
	Name      string `yaml:"name" doc:"Name of the workload." ja:"ワークロードの名前。"`
}

func (p scaledParams) Validate() error { return kube.OneOf(p.Kind, "Deployment", "StatefulSet") }

func workloadAvailable() checks.Definition {
	return checks.Define("workload/available", checks.Doc{
		Summary: text.New("A workload runs in full.", "ワークロードがすべての Pod で動いている。"),
		Pass: text.New("The controller has seen the latest change, and all the pods that it asks for are up to date, ready and available.",
			"コントローラーが最新の変更を認識し、必要な数の Pod がすべて最新・準備完了・利用可能である。"),
		Fail: text.New("Pods are missing, outdated or not ready, none are asked for, or the workload does not exist. A rollout that is under way is waited for.",
			"Pod が足りない、古い、準備ができていない、必要数が 0、またはワークロードが存在しない。進行中のロールアウトは待つ。"),
	}, judgeAvailable)
}

func judgeAvailable(ctx context.Context, env checks.Env, p workloadParams) (checks.Result, error) {
	object := kube.Workload(p).Object()
	want := text.New("all pods of %s in namespace %s are up to date and available", "%s (Namespace %s) の Pod がすべて最新で利用可能なこと", object, p.Namespace)
	why := text.New("Maintenance is done well when those who use the service do not notice it.",
		"利用者に気づかれずに終わってこそ、よい保守作業です。")
	r, err := readRollout(ctx, env, kube.Workload(p))
	if apierrors.IsNotFound(err) {
		return checks.Fail(object, want, text.New("there is no %s in namespace %s", "%s が Namespace %s にありません", object, p.Namespace), why), nil
	}
	if err != nil {
		return checks.Result{}, fmt.Errorf("reading %s: %w", object, err)
	}
	if r.observed < r.generation {
		return checks.Fail(object, want, text.New("its latest change has not been taken up yet", "最新の変更がまだ反映されていません"), why).
			WaitingFor(fmt.Sprintf("%s to be observed at generation %d", object, r.generation)), nil
	}
	if r.complete() {
		return checks.Pass(object, text.New("%d of %d pods are available", "%[2]d 個中 %[1]d 個の Pod が利用可能です", r.available, r.wanted)), nil
	}
	if r.wanted == 0 {
		return checks.Fail(object, want, text.New("it asks for no pods at all", "必要な Pod の数が 0 になっています"), why), nil
	}
	got := text.New("%d wanted; %d up to date, %d ready, %d available, %d outdated",
		"必要数 %d に対し、最新 %d、準備完了 %d、利用可能 %d、古い Pod %d です", r.wanted, r.updated, r.ready, r.available, r.outdated)
	cause, stuck, err := whyNotReady(ctx, env, p.Namespace, r)
	if err != nil {
		return checks.Result{}, err
	}
	result := checks.Fail(object, want, got, why).Because(cause)
	if !stuck {
		result = result.WaitingFor("the rollout of " + object)
	}
	return result, nil
}

// whyNotReady says why the workload is not complete. The reason of a pod comes before a condition of the workload,
// because it is closer to the cause. stuck means that waiting does not help: the controller has given up, or no pod is
// on its way.
func whyNotReady(ctx context.Context, env checks.Env, namespace string, r rollout) (cause string, stuck bool, err error) {
	selector, err := metav1.LabelSelectorAsSelector(r.selector)
	if err != nil {
		return "", false, fmt.Errorf("reading the selector of the workload: %w", err)
	}
	pods, err := kube.ListPods(ctx, env, namespace, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return "", false, err
	}
	cause, anyStuck := r.trouble, false
	for i := range pods {
		if kube.IsReady(&pods[i]) || kube.IsTerminating(&pods[i]) {
			continue
		}
		if reason, s := kube.NotReadyReason(&pods[i]); reason != "" && !anyStuck {
			cause, anyStuck = reason, s || kube.IsUnschedulable(&pods[i])
		}
	}
	pending, err := kube.Starting(ctx, env, pods)
	if err != nil {
		return "", false, err
	}
	return cause, r.givenUp || anyStuck && pending == "", nil
}
