package budget

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/text"
)

type floorParams struct {
	Namespace string `yaml:"namespace" doc:"Namespace of the PodDisruptionBudget." ja:"PodDisruptionBudget の Namespace。"`
	Name      string `yaml:"name" doc:"Name of the PodDisruptionBudget." ja:"PodDisruptionBudget の名前。"`
	Healthy   int32  `yaml:"healthy" doc:"How many pods must stay healthy; 1 or more." ja:"健全でなければならない Pod の数。1 以上。"`
	// Selector is nil for whatever the budget guards.
	Selector *checks.Selector `yaml:"selector,omitempty" doc:"Label selector of the pods that it is to guard; none means whichever it guards." ja:"守られるべき Pod のラベルセレクター。書かなければ、対象となっている Pod なら何でもよい。"`
}

func (p floorParams) Validate() error {
	if p.Healthy < 1 {
		return fmt.Errorf("healthy: %d guards nothing; write 1 or more", p.Healthy)
	}
	return nil
}

func keepsFloor() checks.Definition {
	return checks.Define("pdb/keeps-floor", checks.Doc{
		Summary: text.New("A PodDisruptionBudget keeps a number of pods healthy.", "PodDisruptionBudget が、決められた数の Pod を健全に保っている。"),
		Pass: text.New("It guards pods, wants at least that many healthy, whether by minAvailable or maxUnavailable, number or percentage, and that many are.",
			"対象の Pod があり、minAvailable でも maxUnavailable でも、数でも割合でも、その数以上を健全に保つ設定で、実際にそれだけの Pod が健全である。"),
		Fail: text.New("It is gone, matches no pods, wants fewer, or fewer are healthy. With a selector also: it leaves one of those pods unguarded, or guards others that may stand in for them.",
			"なくなっている、対象の Pod がない、保つ数が少ない、または健全な Pod が足りない。selector があれば、その Pod が対象から外れている場合や、身代わりに数えられるほかの Pod が対象に入っている場合も。"),
	}, judgeFloor)
}

func judgeFloor(ctx context.Context, env checks.Env, p floorParams) (checks.Result, error) {
	object := budgetName(p.Name)
	want := text.New("%s keeps %d pods healthy", "%s が健全な Pod を %d 個保つこと", object, p.Healthy)
	why := text.New("That floor is what the users of the service were promised. Maintenance has to get along with it, not the other way round.",
		"この下限は、サービスの利用者との約束です。約束を保守に合わせるのではなく、保守のほうを約束に合わせます。")
	g, err := readGuarded(ctx, env, p.Namespace)
	if err != nil {
		return checks.Result{}, err
	}
	budget := g.named(p.Name)
	if budget == nil {
		return checks.Fail(object, want, noBudget(p.Name, p.Namespace), why), nil
	}
	if pending := g.unsettled(budget); pending != "" {
		return checks.Fail(object, want, notCaughtUp(budget), why).WaitingFor(pending), nil
	}
	status, failure := budget.Status, syncFailure(budget)
	guardedPods := kube.Keep(g.pods, func(pod *corev1.Pod) bool { return guards(budget, pod) })
	if len(guardedPods) == 0 {
		return checks.Fail(object, want, matchesNothing(p.Name), why).Because(failure), nil
	}
	if got := guardsWrongPods(g, budget, p); !got.IsZero() {
		return checks.Fail(object, want, got, why), nil
	}
	switch {
	case failure != "":
		return checks.Fail(object, want, text.New("the disruption controller cannot evaluate it", "disruption コントローラーが評価できません"), why).Because(failure), nil
	case status.DesiredHealthy < p.Healthy:
		return checks.Fail(object, want, text.New("the floor you were asked to keep is broken: it keeps %d", "守るよう求められた下限が破られています。保つ数が %d 個になっています", status.DesiredHealthy), why), nil
	case status.CurrentHealthy < p.Healthy:
		pending, err := kube.Starting(ctx, env, guardedPods)
		return checks.Fail(object, want, text.New("%d pods are healthy", "健全な Pod は %d 個です", status.CurrentHealthy), why).
			Because(kube.FirstReason(guardedPods)).WaitingFor(pending), err
	}
	return checks.Pass(object, text.New("it keeps %d healthy, %d are", "健全な Pod を %d 個保つ設定で、現在は %d 個です", status.DesiredHealthy, status.CurrentHealthy)), nil
}

// guardsWrongPods says which pods of the selector the budget does not guard, or that other pods may stand in for those
// of the selector: the disruption controller counts how many pods are healthy, and not which.
func guardsWrongPods(g guarded, budget *policyv1.PodDisruptionBudget, p floorParams) text.Text {
	if p.Selector == nil {
		return text.Text{}
	}
	if bare := kube.Keep(g.live(*p.Selector), func(pod *corev1.Pod) bool { return !guards(budget, pod) }); len(bare) > 0 {
		names := checks.Listed(kube.PodNames(bare))
		return text.Text{EN: "it does not guard " + names.EN, JA: names.JA + " が対象になっていません"}
	}
	others := kube.Keep(g.pods, func(pod *corev1.Pod) bool {
		return guards(budget, pod) && !p.Selector.Matches(labels.Set(pod.Labels)) && !kube.IsFinished(pod) && !kube.IsTerminating(pod)
	})
	certain := max(0, int(budget.Status.DesiredHealthy)-len(others))
	if len(others) == 0 || certain >= int(p.Healthy) {
		return text.Text{}
	}
	return text.New("it guards %d other pods too (%s and so on), and they may stand in: of the pods %s only %d are certain to stay",
		"ほかの Pod も %d 個 (%s など) 対象に入っており、身代わりに数えられます。Pod (%s) のうち確実に残るのは %d 個だけです",
		len(others), others[0].Name, p.Selector, certain)
}

func noBudget(name, namespace string) text.Text {
	return text.New("there is no PodDisruptionBudget %s in namespace %s", "PodDisruptionBudget %s が Namespace %s にありません", name, namespace)
}

func matchesNothing(name string) text.Text {
	return text.New("the selector of PodDisruptionBudget %s matches no pods (expectedPods is 0)",
		"PodDisruptionBudget %s のセレクターに一致する Pod がありません (expectedPods が 0)", name)
}

func notWeaker() checks.Definition {
	return checks.Define("pdb/not-weaker", checks.Doc{
		Summary: text.New("A PodDisruptionBudget protects at least what it protected at the start.", "PodDisruptionBudget が、開始時と同じかそれ以上に Pod を守っている。"),
		Pass: text.New("It exists, still guards every pod that its first selector matches, and keeps as many of them healthy as it would have before.",
			"存在し、開始時のセレクターに一致する Pod をすべて対象にし、開始時の設定と同じかそれ以上の数を健全に保つ。"),
		Fail: text.New("It was deleted, lost pods, or keeps fewer healthy. Floors are compared for the pods of now, whatever way they are written.",
			"削除された、対象から外れた Pod がある、または保つ数が減った。下限は書き方によらず、現在の Pod に当てはめて比べる。"),
	}, judgeNotWeaker)
}

func judgeNotWeaker(ctx context.Context, env checks.Env, p budgetParams) (checks.Result, error) {
	object := budgetName(p.Name)
	before, err := baselineBudget(env.Baseline, p)
	if err != nil {
		return checks.Result{}, err
	}
	want := text.New("%s protects what it protected at the start", "%s が開始時と同じように Pod を守ること", object)
	why := text.New("A guard that gives way whenever it is in the way guards nothing.",
		"邪魔になるたびに緩められる守りは、守りになりません。")
	g, err := readGuarded(ctx, env, p.Namespace)
	if err != nil {
		return checks.Result{}, err
	}
	now := g.named(p.Name)
	if now == nil {
		return checks.Fail(object, want, noBudget(p.Name, p.Namespace), why), nil
	}
	if pending := g.unsettled(now); pending != "" {
		return checks.Fail(object, want, notCaughtUp(now), why).WaitingFor(pending), nil
	}
	known, err := knownPods(env.Baseline, g, p.Namespace)
	if err != nil {
		return checks.Result{}, err
	}
	if lost := kube.Keep(known, func(pod *corev1.Pod) bool { return guards(before, pod) && !guards(now, pod) }); len(lost) > 0 {
		names := checks.Listed(slices.Compact(slices.Sorted(slices.Values(kube.PodNames(lost)))))
		return checks.Fail(object, want, text.Text{EN: "it no longer guards " + names.EN, JA: names.JA + " が対象から外れています"}, why), nil
	}
	if failure := syncFailure(now); failure != "" {
		return checks.Fail(object, want, text.New("the disruption controller cannot evaluate it", "disruption コントローラーが評価できません"), why).Because(failure), nil
	}
	floor, err := desiredHealthy(before.Spec, int(now.Status.ExpectedPods))
	if err != nil {
		return checks.Result{}, fmt.Errorf("reading %s of the starting state: %w", object, err)
	}
	if int(now.Status.DesiredHealthy) < floor {
		return checks.Fail(object, want, text.New("it keeps %d pods healthy; as it was at the start, it would keep %d",
			"保つ数が %d 個になっています。開始時の設定なら %d 個です", now.Status.DesiredHealthy, floor), why), nil
	}
	return checks.Pass(object, text.New("it keeps %d pods healthy", "健全な Pod を %d 個保つ設定です", now.Status.DesiredHealthy)), nil
}

// knownPods returns the present pods and those of the starting state, so that scaling to zero hides nothing.
func knownPods(baseline checks.Baseline, g guarded, namespace string) ([]corev1.Pod, error) {
	known := slices.Clone(g.pods)
	before, err := kube.BaselinePods(baseline)
	if err != nil {
		return nil, err
	}
	return append(known, kube.Keep(before, func(pod *corev1.Pod) bool { return pod.Namespace == namespace })...), nil
}

func baselineBudget(baseline checks.Baseline, p budgetParams) (*policyv1.PodDisruptionBudget, error) {
	o, ok := baseline.Object(schema.GroupKind{Group: "policy", Kind: "PodDisruptionBudget"}, p.Namespace, p.Name)
	if !ok {
		return nil, kube.NotInBaseline("PodDisruptionBudget", p.Namespace, p.Name)
	}
	budget := &policyv1.PodDisruptionBudget{}
	return budget, kube.FromUnstructured(o, budget)
}

// desiredHealthy is the floor that a budget sets for a number of expected pods. Percentages are rounded up both ways,
// as the disruption controller does (getExpectedPodCount in kubernetes/pkg/controller/disruption/disruption.go).
func desiredHealthy(spec policyv1.PodDisruptionBudgetSpec, expected int) (int, error) {
	switch {
	case spec.MaxUnavailable != nil:
		down, err := intstr.GetScaledValueFromIntOrPercent(spec.MaxUnavailable, expected, true)
		return max(0, expected-down), err
	case spec.MinAvailable != nil:
		return intstr.GetScaledValueFromIntOrPercent(spec.MinAvailable, expected, true)
	}
	return 0, errors.New("it has neither minAvailable nor maxUnavailable")
}
