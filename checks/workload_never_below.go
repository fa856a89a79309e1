package checks

import (
	"context"
	"fmt"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/history"
)

type floorOfReplicas struct {
	Kind      string `yaml:"kind" doc:"Deployment or StatefulSet." ja:"Deployment または StatefulSet。"`
	Namespace string `yaml:"namespace" doc:"Namespace of the workload." ja:"ワークロードの Namespace。"`
	Name      string `yaml:"name" doc:"Name of the workload." ja:"ワークロードの名前。"`
	Replicas  int32  `yaml:"replicas" doc:"How many replicas it must never be taken below; 1 or more." ja:"一度も下回ってはならないレプリカ数。1 以上。"`
}

type neverBelowParams struct {
	Workloads []floorOfReplicas `yaml:"workloads" doc:"The workloads of the starting state, each with its floor." ja:"開始時からあるワークロードと、それぞれの下限。"`
}

func (p neverBelowParams) Validate() error {
	for i, w := range p.Workloads {
		if err := oneOf(w.Kind, "Deployment", "StatefulSet"); err != nil {
			return fmt.Errorf("workloads[%d].%w", i, err)
		}
		if w.Replicas < 1 {
			return fmt.Errorf("workloads[%d].replicas: nothing is below %d; write 1 or more", i, w.Replicas)
		}
	}
	return nil
}

func neverBelow() Definition {
	return Define("workload/never-below", Doc{
		Summary: say("Workloads were never taken below a number of replicas, not even for a moment.",
			"ワークロードのレプリカ数が、一瞬でも下限を下回るように変えられていない。"),
		Pass: say("No request since the start, by a person or an autoscaler, asked for fewer.",
			"開始以降、人もオートスケーラーも、それより少ない数を要求していない。"),
		Fail: say("The workload or a ReplicaSet of it was scaled below or deleted, even if it was put right afterwards; the failure says who did it and when. Deletions that leave the pods behind do not count, nor do single pods.",
			"ワークロード、またはその ReplicaSet が、下限より小さくされるか削除された。後で元に戻しても同じ。誰がいつ行ったかを示す。Pod を残す削除と、個々の Pod の削除は数えない。"),
	}, func(ctx context.Context, env Env, p neverBelowParams) (Result, error) {
		for _, w := range p.Workloads {
			result, err := judgeNeverBelow(ctx, env, w)
			if err != nil || result.Outcome == Failed {
				return result, err
			}
		}
		return pass("", content.Text{}), nil
	}, AuditLog)
}

func judgeNeverBelow(ctx context.Context, env Env, p floorOfReplicas) (Result, error) {
	w, err := newWorkloadPast(env.Baseline, scaledParams{Kind: p.Kind, Namespace: p.Namespace, Name: p.Name})
	if err != nil {
		return Result{}, err
	}
	requests, err := past(ctx, env, p.Namespace)
	if err != nil {
		return Result{}, err
	}
	for _, r := range requests {
		if left, takes := w.leaves(r); takes && left < p.Replicas {
			return fail(w.object(),
				say("%s in namespace %s is never taken below %d replicas", "%s (Namespace %s) のレプリカ数が、一度も %d を下回らないこと", w.object(), p.Namespace, p.Replicas),
				takenBelow(w, r, left),
				say("What is put right afterwards was still missing in between, and that is when the users were there.",
					"後で元に戻しても、その間サービスが足りなかったことに変わりはありません。利用者はその間も使っています。")).
				because(recordOf(r)), nil
		}
		if err := w.follow(r); err != nil {
			return Result{}, err
		}
	}
	return pass(w.object(), content.Text{}), nil
}

func takenBelow(w *workloadPast, r history.Request, left int32) content.Text {
	switch {
	case r.Verb == "delete" && w.is(r):
		return say("%s deleted %s with its pods at %s", "%s が %[3]s に %[2]s を Pod ごと削除しました", who(r), w.object(), clock(r))
	case r.Verb == "delete":
		return say("%s deleted replicaset/%s at %s, which left %d pods to %s",
			"%s が %[3]s に replicaset/%[2]s を削除し、%[5]s の Pod が %[4]d 個になりました", who(r), r.Name, clock(r), left, w.object())
	case w.is(r):
		return say("%s asked for %d replicas of %s at %s", "%s が %[4]s に %[3]s のレプリカ数を %[2]d にしました", who(r), left, w.object(), clock(r))
	}
	return say("%s scaled replicaset/%s at %s, which left %d pods to %s",
		"%s が %[3]s に replicaset/%[2]s のレプリカ数を変え、%[5]s の Pod が %[4]d 個になりました", who(r), r.Name, clock(r), left, w.object())
}
