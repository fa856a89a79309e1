package budget

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/text"
)

func onePerPod() checks.Definition {
	return checks.Define("pdb/one-per-pod", checks.Doc{
		Summary: text.New("Each pod is guarded by exactly one PodDisruptionBudget.", "どの Pod も、ちょうど 1 つの PodDisruptionBudget に守られている。"),
		Pass:    text.New("One selector matches each of the pods, and none was left that matches nothing.", "どの Pod にも一致するセレクターがちょうど 1 つあり、何にも一致しなくなった PodDisruptionBudget も残っていない。"),
		Fail: text.New("A pod is guarded by two or by none, there are no pods, or a budget was made or changed so that it matches nothing.",
			"2 つ以上に対象とされた Pod やどれにも守られていない Pod がある、Pod がない、または何にも一致しない PodDisruptionBudget が作られた (変えられた)。"),
	}, judgeOnePerPod)
}

func judgeOnePerPod(ctx context.Context, env checks.Env, p guardedParams) (checks.Result, error) {
	object := "namespace/" + p.Namespace
	want := text.New("each pod %s in namespace %s is guarded by exactly one PodDisruptionBudget",
		"Pod (%s、Namespace %s) のそれぞれが、ちょうど 1 つの PodDisruptionBudget に守られていること", p.Selector, p.Namespace)
	g, err := readGuarded(ctx, env, p.Namespace)
	if err != nil {
		return checks.Result{}, err
	}
	pods := g.live(p.Selector)
	if len(pods) == 0 {
		return checks.Fail(object, want, text.New("there are no such pods", "該当する Pod がありません"),
			text.New("Without pods there is nothing to guard.", "Pod がなければ、守るものもありません。")), nil
	}
	idle, err := newlyIdle(env.Baseline, g, p.Namespace)
	if err != nil {
		return checks.Result{}, err
	}
	bare := kube.Keep(pods, func(pod *corev1.Pod) bool { return len(g.of(pod)) == 0 })
	double := kube.Keep(pods, func(pod *corev1.Pod) bool { return len(g.of(pod)) > 1 })
	var idleSaid []text.Text
	for _, name := range idle {
		idleSaid = append(idleSaid, matchesNothing(name))
	}
	switch {
	case len(double) > 0:
		return checks.Fail(kube.PodName(&double[0]), want, claimedTwice(&double[0], g.of(&double[0]), len(double)),
			text.New("The eviction API refuses a pod that two budgets claim, with an internal error, however much room each of them has. The stricter one does not win: nobody does.",
				"2 つの PodDisruptionBudget が対象にしている Pod の退避は、それぞれに余裕があっても内部エラーで拒否されます。厳しいほうが優先されるわけではありません。")), nil
	case len(bare) > 0:
		names := checks.Listed(kube.PodNames(bare))
		got := text.Text{EN: "no PodDisruptionBudget guards " + names.EN, JA: names.JA + " を守る PodDisruptionBudget がありません"}
		return checks.Fail(kube.PodName(&bare[0]), want, text.Sentences(append([]text.Text{got}, idleSaid...)),
			text.New("Without a budget a drain may take all the pods at once.", "PodDisruptionBudget がなければ、drain がすべての Pod を一度に止めることもあり得ます。")), nil
	case len(idle) > 0:
		return checks.Fail(budgetName(idle[0]), want, text.Sentences(idleSaid),
			text.New("A budget that matches nothing looks like protection to whoever reads it, and is none.",
				"何にも一致しない PodDisruptionBudget は、見る人には守りがあるように見えて、実際には何も守っていません。")), nil
	}
	return checks.Pass(object, text.New("%d pods, one budget each", "Pod は %d 個で、それぞれ 1 つに守られています", len(pods))), nil
}

func claimedTwice(pod *corev1.Pod, budgets []*policyv1.PodDisruptionBudget, pods int) text.Text {
	names := make([]string, len(budgets))
	for i, b := range budgets {
		names[i] = b.Name
	}
	return text.New("%d pods are claimed by more than one, among them %s by %s",
		"%d 個の Pod が複数の PodDisruptionBudget の対象になっています。たとえば %s は %s の対象です", pods, pod.Name, strings.Join(names, ", "))
}

// newlyIdle names the budgets that match no pod and did not match the same way at the start: a budget of the starting
// state for a workload that is scaled to zero is no fault of the learner.
func newlyIdle(baseline checks.Baseline, g guarded, namespace string) ([]string, error) {
	var idle []string
	for i := range g.budgets {
		budget := &g.budgets[i]
		if slices.ContainsFunc(g.pods, func(pod corev1.Pod) bool { return guards(budget, &pod) }) {
			continue
		}
		unchanged, err := sameSelector(baseline, budget, namespace)
		if err != nil {
			return nil, err
		}
		if !unchanged {
			idle = append(idle, budget.Name)
		}
	}
	return idle, nil
}

// sameSelector reports whether the budget was there at the start with a selector that means the same.
func sameSelector(baseline checks.Baseline, now *policyv1.PodDisruptionBudget, namespace string) (bool, error) {
	p := budgetParams{Namespace: namespace, Name: now.Name}
	if _, ok := baseline.Object(policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget").GroupKind(), namespace, now.Name); !ok {
		return false, nil
	}
	before, err := baselineBudget(baseline, p)
	if err != nil {
		return false, err
	}
	was, err := metav1.LabelSelectorAsSelector(before.Spec.Selector)
	if err != nil {
		return false, fmt.Errorf("reading the selector of %s: %w", budgetName(now.Name), err)
	}
	is, err := metav1.LabelSelectorAsSelector(now.Spec.Selector)
	return err == nil && was.String() == is.String(), nil
}
