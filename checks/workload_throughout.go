package checks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/history"
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
	return oneOf(p.Kind, "Deployment", "StatefulSet", "DaemonSet")
}

func availableThroughout() Definition {
	return Define("workload/available-throughout", Doc{
		Summary: say("A workload had enough available pods at every moment of the step.",
			"ステップのあいだ、ワークロードの利用可能な Pod が常に足りていた。"),
		Pass: say("Since the step began, its availableReplicas (numberAvailable of a DaemonSet) never fell below the number, whatever was the reason.",
			"ステップの開始以降、availableReplicas (DaemonSet では numberAvailable) が、理由を問わず一度も下限を下回っていない。"),
		Fail: say("It fell below, even for an instant, or the workload was deleted; the failure says when, and how many were left.",
			"一瞬でも下回った、またはワークロードが削除された。いつ、いくつになったかを示す。"),
	}, judgeThroughout, History)
}

func judgeThroughout(ctx context.Context, env Env, p throughoutParams) (Result, error) {
	ref := history.Ref{Kind: p.Kind, Namespace: p.Namespace, Name: p.Name}
	object := workloadParams{Kind: p.Kind, Namespace: p.Namespace, Name: p.Name}.object()
	timeline, err := env.timeline(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("looking up how many pods of %s were available: %w", object, err)
	}
	floor := p.AtLeast
	if p.Budget != "" {
		if floor, err = askedAtTheStart(timeline, p.Namespace, p.Budget); err != nil {
			return Result{}, err
		}
	}
	short, err := timeline.Below(ref, floor)
	if err != nil {
		return Result{}, err
	}
	if short != nil {
		return fail(object,
			say("%d or more pods of %s are available at any time", "%[2]s の利用可能な Pod が、どの時点でも %[1]d 個以上あること", floor, object),
			fellShort(object, short),
			say("Users do not wait for the maintenance to end. Every moment with too few pods is one in which requests are slow or fail.",
				"利用者はメンテナンスが終わるのを待ってくれません。Pod が足りない一瞬一瞬に、リクエストは遅れ、失敗します。")).
			because(recordedAt(short)), nil
	}
	return pass(object, say("never fewer than %d were available", "利用可能な Pod が %d 個を下回ったことはありません", floor)), nil
}

// askedAtTheStart returns what the budget asked for when the step began: to ask for less later does not make a lack of pods good.
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

func fellShort(object string, r *history.Record) content.Text {
	if r.Event == history.Deleted {
		return say("%s was deleted at %s", "%s は %s に削除されました", object, clockOf(r.Time))
	}
	return say("at %s, %d of the %d pods that %s wants were available", "%s の時点で、%[4]s が必要とする %[3]d 個のうち利用可能な Pod は %[2]d 個でした",
		clockOf(r.Time), r.Workload.Available, r.Workload.Wanted, object)
}

// recordedAt is the record in one line.
func recordedAt(r *history.Record) string {
	return fmt.Sprintf("record of the cluster: %s %s at resourceVersion %d", r.Ref(), r.Event, r.Version)
}

// clockOf is a time as the learner's own clock showed it.
func clockOf(t time.Time) string { return t.Local().Format("15:04:05") }
