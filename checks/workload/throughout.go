package workload

import (
	"context"
	"errors"
	"fmt"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/text"
)

type throughoutParams struct {
	Kind      string `yaml:"kind" doc:"Deployment, StatefulSet or DaemonSet." ja:"Deployment、StatefulSet または DaemonSet。"`
	Namespace string `yaml:"namespace" doc:"Namespace of the workload." ja:"ワークロードの Namespace。"`
	Name      string `yaml:"name" doc:"Name of the workload." ja:"ワークロードの名前。"`
	AtLeast   int32  `yaml:"atLeast,omitempty" doc:"How many of its pods must have been available at any time; 1 or more. Either this or budget is given." ja:"どの時点でも利用可能でなければならない Pod の数。1 以上。これか budget のどちらかを書く。"`
	Budget    string `yaml:"budget,omitempty" doc:"Name of a PodDisruptionBudget in the namespace; what it asked for when the step began (desiredHealthy) is the number." ja:"同じ Namespace の PodDisruptionBudget の名前。ステップ開始時にそれが求めていた数 (desiredHealthy) を下限とする。"`
}

func (p throughoutParams) Validate() error {
	switch {
	case p.AtLeast < 0:
		return fmt.Errorf("atLeast: nothing is below %d; write 1 or more", p.AtLeast)
	case p.AtLeast == 0 && p.Budget == "":
		return errors.New("atLeast: it is missing; write how many pods have to be available, or name a budget")
	case p.AtLeast != 0 && p.Budget != "":
		return errors.New("budget: atLeast says the number already; remove one of the two")
	}
	return kube.OneOf(p.Kind, "Deployment", "StatefulSet", "DaemonSet")
}

func availableThroughout() checks.Definition {
	return checks.Define("workload/available-throughout", checks.Doc{
		Summary: text.New("A workload had enough available pods at every moment of the step.",
			"ステップのあいだ、ワークロードの利用可能な Pod が常に足りていた。"),
		Pass: text.New("Since the step began, its availableReplicas (numberAvailable of a DaemonSet) never fell below the number, whatever was the reason.",
			"ステップの開始以降、availableReplicas (DaemonSet では numberAvailable) が、理由を問わず一度も下限を下回っていない。"),
		Fail: text.New("It fell below, even for an instant, or the workload was deleted; the failure says when, and how many were left.",
			"一瞬でも下回った、またはワークロードが削除された。いつ、いくつになったかを示す。"),
	}, judgeThroughout).Needing(checks.History)
}

func judgeThroughout(ctx context.Context, env checks.Env, p throughoutParams) (checks.Result, error) {
	ref := history.Ref{Kind: p.Kind, Namespace: p.Namespace, Name: p.Name}
	object := kube.Workload{Kind: p.Kind, Namespace: p.Namespace, Name: p.Name}.Object()
	timeline, err := env.Timeline(ctx)
	if err != nil {
		return checks.Result{}, fmt.Errorf("looking up how many pods of %s were available: %w", object, err)
	}
	floor := p.AtLeast
	if p.Budget != "" {
		if floor, err = askedAtTheStart(timeline, p.Namespace, p.Budget); err != nil {
			return checks.Result{}, err
		}
	}
	short, err := timeline.Below(ref, floor)
	if err != nil {
		return checks.Result{}, err
	}
	if short != nil {
		return checks.Fail(object,
			text.New("%d or more pods of %s are available at any time", "%[2]s の利用可能な Pod が、どの時点でも %[1]d 個以上あること", floor, object),
			fellShort(object, short),
			text.New("Users do not wait for the maintenance to end. Every moment with too few pods is one in which requests are slow or fail.",
				"利用者はメンテナンスが終わるのを待ってくれません。Pod が足りない一瞬一瞬に、リクエストは遅れ、失敗します。")).
			Because(kube.RecordLine(short)), nil
	}
	return checks.Pass(object, text.New("never fewer than %d were available", "利用可能な Pod が %d 個を下回ったことはありません", floor)), nil
}

// askedAtTheStart returns how many healthy pods the budget asked for when the step began. A budget that asks for less
// later excuses no lack of pods.
func askedAtTheStart(t *history.Timeline, namespace, name string) (int32, error) {
	ref := history.Ref{Kind: "PodDisruptionBudget", Namespace: namespace, Name: name}
	before, _ := t.Of(ref)
	if before == nil || before.Budget == nil {
		if err := t.Complete(ref); err != nil {
			return 0, err
		}
		return 0, fmt.Errorf("the starting state has no PodDisruptionBudget %s in namespace %s", name, namespace)
	}
	return before.Budget.Desired, nil
}

func fellShort(object string, r *history.Record) text.Text {
	if r.Event == history.Deleted {
		return text.New("%s was deleted at %s", "%s は %s に削除されました", object, kube.Clock(r.Time))
	}
	return text.New("at %s, %d of the %d pods that %s wants were available", "%s の時点で、%[4]s が必要とする %[3]d 個のうち利用可能な Pod は %[2]d 個でした",
		kube.Clock(r.Time), r.Workload.Available, r.Workload.Wanted, object)
}
