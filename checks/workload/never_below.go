package workload

import (
	"context"
	"fmt"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/text"
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
		if err := kube.OneOf(w.Kind, "Deployment", "StatefulSet"); err != nil {
			return fmt.Errorf("workloads[%d].%w", i, err)
		}
		if w.Replicas < 1 {
			return fmt.Errorf("workloads[%d].replicas: nothing is below %d; write 1 or more", i, w.Replicas)
		}
	}
	return nil
}

func neverBelow() checks.Definition {
	return checks.Define("workload/never-below", checks.Doc{
		Summary: text.New("Workloads were never taken below a number of replicas, not even for a moment.",
			"ワークロードのレプリカ数が、一瞬でも下限を下回るように変えられていない。"),
		Pass: text.New("No request since the start, by a person or an autoscaler, asked for fewer.",
			"開始以降、人もオートスケーラーも、それより少ない数を要求していない。"),
		Fail: text.New("The workload or a ReplicaSet of it was scaled below or deleted, even if it was put right afterwards; the failure says who did it and when. Deletions that leave the pods behind do not count, nor do single pods.",
			"ワークロード、またはその ReplicaSet が、下限より小さくされるか削除された。後で元に戻しても同じ。誰がいつ行ったかを示す。Pod を残す削除と、個々の Pod の削除は数えない。"),
	}, func(ctx context.Context, env checks.Env, p neverBelowParams) (checks.Result, error) {
		for _, w := range p.Workloads {
			result, err := judgeNeverBelow(ctx, env, w)
			if err != nil || result.Outcome == checks.Failed {
				return result, err
			}
		}
		return checks.Pass("", text.Text{}), nil
	}).Needing(checks.AuditLog)
}

func judgeNeverBelow(ctx context.Context, env checks.Env, p floorOfReplicas) (checks.Result, error) {
	w, err := kube.NewWorkloadPast(env.Baseline, kube.Workload{Kind: p.Kind, Namespace: p.Namespace, Name: p.Name})
	if err != nil {
		return checks.Result{}, err
	}
	requests, err := kube.Past(ctx, env, p.Namespace)
	if err != nil {
		return checks.Result{}, err
	}
	for _, r := range requests {
		if left, takes := w.Leaves(r); takes && left < p.Replicas {
			return checks.Fail(w.Object(),
				text.New("%s in namespace %s is never taken below %d replicas", "%s (Namespace %s) のレプリカ数が、一度も %d を下回らないこと", w.Object(), p.Namespace, p.Replicas),
				takenBelow(w, r, left),
				text.New("What is put right afterwards was still missing in between, and that is when the users were there.",
					"後で元に戻しても、その間サービスが足りなかったことに変わりはありません。利用者はその間も使っています。")).
				Because(kube.AuditLine(r)), nil
		}
		if err := w.Follow(r); err != nil {
			return checks.Result{}, err
		}
	}
	return checks.Pass(w.Object(), text.Text{}), nil
}

func takenBelow(w *kube.WorkloadPast, r history.Request, left int32) text.Text {
	switch {
	case r.Verb == "delete" && w.Is(r):
		return text.New("%s deleted %s with its pods at %s", "%s が %[3]s に %[2]s を Pod ごと削除しました", kube.Who(r), w.Object(), kube.Clock(r.Time))
	case r.Verb == "delete":
		return text.New("%s deleted replicaset/%s at %s, which left %d pods to %s",
			"%s が %[3]s に replicaset/%[2]s を削除し、%[5]s の Pod が %[4]d 個になりました", kube.Who(r), r.Name, kube.Clock(r.Time), left, w.Object())
	case w.Is(r):
		return text.New("%s asked for %d replicas of %s at %s", "%s が %[4]s に %[3]s のレプリカ数を %[2]d にしました", kube.Who(r), left, w.Object(), kube.Clock(r.Time))
	}
	return text.New("%s scaled replicaset/%s at %s, which left %d pods to %s",
		"%s が %[3]s に replicaset/%[2]s のレプリカ数を変え、%[5]s の Pod が %[4]d 個になりました", kube.Who(r), r.Name, kube.Clock(r.Time), left, w.Object())
}
