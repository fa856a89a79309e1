package workload

import (
	"context"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/text"
)

func podsNotDeleted() checks.Definition {
	return checks.Define("workload/pods-not-deleted", checks.Doc{
		Summary: text.New("Nobody deleted pods of a workload by hand.",
			"ワークロードの Pod が人の手で削除されていない。"),
		Pass: text.New("Every removal of such a pod since the start was an eviction or the work of a controller.",
			"開始以降、その Pod がなくなったのはすべて退避かコントローラーによるものである。"),
		Fail: text.New("A person deleted one, alone or with others; the failure says who and when. Drain's --disable-eviction deletes, too.",
			"人が単独で、またはまとめて削除した。誰がいつ行ったかを示す。drain の --disable-eviction も削除にあたる。"),
	}, func(ctx context.Context, env checks.Env, p scaledParams) (checks.Result, error) {
		w, err := kube.NewWorkloadPast(env.Baseline, kube.Workload(p))
		if err != nil {
			return checks.Result{}, err
		}
		requests, err := kube.Past(ctx, env, p.Namespace)
		if err != nil {
			return checks.Result{}, err
		}
		for _, r := range requests {
			if r.Resource != "pods" || r.Subresource != "" || !history.IsPerson(r.User) || r.DryRun {
				continue
			}
			if r.Verb == "deletecollection" || r.Verb == "delete" && w.Owns(r.Name) {
				return checks.Fail(w.Object(),
					text.New("nobody deletes pods of %s in namespace %s", "%s (Namespace %s) の Pod を誰も手で削除しないこと", w.Object(), p.Namespace),
					deletedPods(w, r),
					text.New("A deletion asks no budget, and it fixes nothing: the controller makes the same pod again, from the same template.",
						"削除は PodDisruptionBudget に確認せず、何も直しません。コントローラーが同じテンプレートから同じ Pod を作り直すだけです。")).
					Because(kube.AuditLine(r)), nil
			}
		}
		return checks.Pass(w.Object(), text.Text{}), nil
	}).Needing(checks.AuditLog)
}

func deletedPods(w *kube.WorkloadPast, r history.Request) text.Text {
	if r.Verb == "deletecollection" {
		return text.New("%s deleted pods of namespace %s all at once at %s", "%s が %[3]s に Namespace %[2]s の Pod をまとめて削除しました", kube.Who(r), r.Namespace, kube.Clock(r.Time))
	}
	if w.Kind == "Deployment" {
		return text.New("%s deleted pod %s at %s, and its ReplicaSet made another one", "%s が %[3]s に Pod %[2]s を削除し、ReplicaSet が代わりを作りました", kube.Who(r), r.Name, kube.Clock(r.Time))
	}
	return text.New("%s deleted pod %s at %s, and its StatefulSet made it again", "%s が %[3]s に Pod %[2]s を削除し、StatefulSet が作り直しました", kube.Who(r), r.Name, kube.Clock(r.Time))
}
