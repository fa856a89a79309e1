package checks

import (
	"context"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/history"
)

func podsNotDeleted() Definition {
	return Define("workload/pods-not-deleted", Doc{
		Summary: say("Nobody deleted pods of a workload by hand.",
			"ワークロードの Pod が人の手で削除されていない。"),
		Pass: say("Every removal of such a pod since the start was an eviction or the work of a controller.",
			"開始以降、その Pod がなくなったのはすべて退避かコントローラーによるものである。"),
		Fail: say("A person deleted one, alone or with others; the failure says who and when. Drain's --disable-eviction deletes, too.",
			"人が単独で、またはまとめて削除した。誰がいつ行ったかを示す。drain の --disable-eviction も削除にあたる。"),
	}, func(ctx context.Context, env Env, p scaledParams) (Result, error) {
		w, err := newWorkloadPast(env.Baseline, p)
		if err != nil {
			return Result{}, err
		}
		requests, err := past(ctx, env, p.Namespace)
		if err != nil {
			return Result{}, err
		}
		for _, r := range requests {
			if r.Resource != "pods" || r.Subresource != "" || !history.IsPerson(r.User) || r.DryRun {
				continue
			}
			if r.Verb == "deletecollection" || r.Verb == "delete" && w.owns(r.Name) {
				return fail(w.object(),
					say("nobody deletes pods of %s in namespace %s", "%s (Namespace %s) の Pod を誰も手で削除しないこと", w.object(), p.Namespace),
					deletedPods(w, r),
					say("A deletion asks no budget, and it mends nothing: the controller makes the same pod again, from the same template.",
						"削除は PodDisruptionBudget に確認せず、何も直しません。コントローラーが同じテンプレートから同じ Pod を作り直すだけです。")).
					because(recordOf(r)), nil
			}
		}
		return pass(w.object(), content.Text{}), nil
	}, AuditLog)
}

func deletedPods(w *workloadPast, r history.Request) content.Text {
	if r.Verb == "deletecollection" {
		return say("%s deleted pods of namespace %s all at once at %s", "%s が %[3]s に Namespace %[2]s の Pod をまとめて削除しました", who(r), r.Namespace, clock(r))
	}
	if w.Kind == "Deployment" {
		return say("%s deleted pod %s at %s, and its ReplicaSet made another one", "%s が %[3]s に Pod %[2]s を削除し、ReplicaSet が代わりを作りました", who(r), r.Name, clock(r))
	}
	return say("%s deleted pod %s at %s, and its StatefulSet made it again", "%s が %[3]s に Pod %[2]s を削除し、StatefulSet が作り直しました", who(r), r.Name, clock(r))
}
