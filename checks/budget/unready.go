package budget

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/text"
)

type budgetsParams struct {
	Namespace string   `yaml:"namespace" doc:"Namespace of the PodDisruptionBudgets." ja:"PodDisruptionBudget の Namespace。"`
	Names     []string `yaml:"names" doc:"Names of the PodDisruptionBudgets." ja:"PodDisruptionBudget の名前の一覧。"`
}

func letsUnreadyGo() checks.Definition {
	return checks.Define("pdb/always-allows-unready", checks.Doc{
		Summary: text.New("PodDisruptionBudgets never hold back pods that are not ready.", "PodDisruptionBudget が、準備完了でない Pod の退避を決して妨げない。"),
		Pass: text.New("The unhealthyPodEvictionPolicy of each of them is AlwaysAllow.",
			"どの PodDisruptionBudget の unhealthyPodEvictionPolicy も AlwaysAllow である。"),
		Fail: text.New("One does not exist or has another policy; where none is written, that is IfHealthyBudget.",
			"存在しないもの、または方針が違うものがある。何も書かれていなければ IfHealthyBudget である。"),
	}, func(ctx context.Context, env checks.Env, p budgetsParams) (checks.Result, error) {
		want := text.New("PodDisruptionBudgets %s let pods that are not ready go at any time",
			"PodDisruptionBudget %s が、準備完了でない Pod をいつでも手放すこと", strings.Join(p.Names, ", "))
		why := text.New("A pod that is not ready serves nobody. As long as the budget holds on to it, a broken application keeps its node from being maintained.",
			"準備完了でない Pod は、誰の役にも立っていません。それを手放さない限り、壊れたアプリがノードの保守を止め続けます。")
		g, err := readGuarded(ctx, env, p.Namespace)
		if err != nil {
			return checks.Result{}, err
		}
		var faults []text.Text
		var first string
		for _, name := range p.Names {
			fault := holdsUnready(g.named(name), name, p.Namespace)
			if fault.IsZero() {
				continue
			}
			if first == "" {
				first = budgetName(name)
			}
			faults = append(faults, fault)
		}
		if len(faults) > 0 {
			return checks.Fail(first, want, text.Sentences(faults), why), nil
		}
		return checks.Pass(budgetName(p.Names[0]), text.Text{}), nil
	})
}

// holdsUnready says why the budget may hold back pods that are not ready, and nothing if it never does (KEP-3017).
func holdsUnready(budget *policyv1.PodDisruptionBudget, name, namespace string) text.Text {
	switch {
	case budget == nil:
		return noBudget(name, namespace)
	case budget.Spec.UnhealthyPodEvictionPolicy == nil:
		return text.New("%s has no unhealthyPodEvictionPolicy, which means IfHealthyBudget",
			"%s には unhealthyPodEvictionPolicy がなく、IfHealthyBudget とみなされます", budgetName(name))
	case *budget.Spec.UnhealthyPodEvictionPolicy != policyv1.AlwaysAllow:
		return text.New("the unhealthyPodEvictionPolicy of %s is %s", "%s の unhealthyPodEvictionPolicy は %s です",
			budgetName(name), *budget.Spec.UnhealthyPodEvictionPolicy)
	}
	return text.Text{}
}

func allowsEvictionOfUnready() checks.Definition {
	return checks.Define("pdb/allows-eviction-of-unready", checks.Doc{
		Summary: text.New("The API server would evict the pods that run and are not ready.", "実行中だが準備完了でない Pod の退避を、API サーバーが許可する。"),
		Pass:    text.New("There are such pods, and a dry-run eviction of each is allowed.", "そのような Pod があり、どれに対してもドライランの退避が許可される。"),
		Fail: text.New("An eviction is refused, and the API server's own words are shown; or every pod is ready, so that nothing is shown.",
			"退避が拒否される (API サーバーの返答を示す)。または、すべての Pod が準備完了で、確かめようがない。"),
	}, judgeEvictionOfUnready)
}

func judgeEvictionOfUnready(ctx context.Context, env checks.Env, p guardedParams) (checks.Result, error) {
	want := text.New("every pod %s in namespace %s that is not ready may be evicted", "準備完了でない Pod (%s、Namespace %s) のどれを退避させても許可されること", p.Selector, p.Namespace)
	why := text.New("A drain has to take these pods along, and waits for as long as it is refused.",
		"drain はこれらの Pod も運び出さなければならず、拒否されている間は待ち続けます。")
	g, pending, err := readSettled(ctx, env, p)
	if err != nil {
		return checks.Result{}, err
	}
	object := "namespace/" + p.Namespace
	if pending != "" {
		return checks.Fail(object, want, text.New("the disruption controller is still counting", "disruption コントローラーがまだ数えている途中です"), why).WaitingFor(pending), nil
	}
	pods := g.live(p.Selector)
	unready := kube.Keep(pods, func(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodRunning && !kube.IsReady(pod) })
	if len(unready) == 0 {
		var waiting string
		if len(kube.Keep(pods, kube.IsReady)) < len(pods) {
			waiting = "pods that are starting"
		}
		return checks.Fail(object, want, text.New("none of the %d pods is running without being ready", "%d 個の Pod のうち、実行中で準備完了でないものはありません", len(pods)), why).
			WaitingFor(waiting), nil
	}
	refused, err := probeEvictions(ctx, env, unready)
	if err != nil {
		return checks.Result{}, err
	}
	if len(refused) == 0 {
		return checks.Pass(kube.PodName(&unready[0]), text.New("%d evictions would be allowed", "%d 個の Pod すべてで退避が許可されます", len(unready))), nil
	}
	first := refused[0]
	return checks.Fail(kube.PodName(&first.pod), want, refusal(first, g.of(&first.pod), len(refused), len(unready)), why).Because(first.answer), nil
}

// readSettled also says what the disruption controller has yet to do for the budgets of the selected pods.
func readSettled(ctx context.Context, env checks.Env, p guardedParams) (g guarded, pending string, err error) {
	g, err = readGuarded(ctx, env, p.Namespace)
	if err != nil {
		return guarded{}, "", err
	}
	pods := g.live(p.Selector)
	for i := range pods {
		budgets := g.of(&pods[i])
		if len(budgets) != 1 {
			continue // of two budgets, the controller updates one at random
		}
		if pending = g.unsettled(budgets[0]); pending != "" {
			return g, pending, nil
		}
	}
	return g, "", nil
}

func guardsHealthy() checks.Definition {
	return checks.Define("pdb/guards-last-healthy", checks.Doc{
		Summary: text.New("The API server would refuse to evict the healthy pods that the floor needs.", "下限に必要な健全な Pod の退避を、API サーバーが拒否する。"),
		Pass:    text.New("There are healthy pods, and a dry-run eviction of each is refused because of the budget.", "健全な Pod があり、どれに対してもドライランの退避が PodDisruptionBudget を理由に拒否される。"),
		Fail: text.New("An eviction of a healthy pod is allowed, or no pod is healthy. A controller that is still counting is waited for.",
			"健全な Pod の退避が許可される、または健全な Pod がない。コントローラーが数え終わるまでは待つ。"),
	}, judgeLastHealthy)
}

func judgeLastHealthy(ctx context.Context, env checks.Env, p guardedParams) (checks.Result, error) {
	want := text.New("no healthy pod %s in namespace %s may be evicted now", "健全な Pod (%s、Namespace %s) は、今は退避させられないこと", p.Selector, p.Namespace)
	why := text.New("There are no more healthy pods than the users were promised. Whoever lets one of these go breaks the promise.",
		"健全な Pod は、利用者に約束した数より多くありません。1 つでも手放せば約束を破ることになります。")
	g, pending, err := readSettled(ctx, env, p)
	if err != nil {
		return checks.Result{}, err
	}
	object := "namespace/" + p.Namespace
	if pending != "" {
		return checks.Fail(object, want, text.New("the disruption controller is still counting", "disruption コントローラーがまだ数えている途中です"), why).WaitingFor(pending), nil
	}
	pods := g.live(p.Selector)
	healthy := kube.Keep(pods, func(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodRunning && kube.IsReady(pod) })
	if len(healthy) == 0 {
		waiting, err := kube.Starting(ctx, env, pods)
		return checks.Fail(object, want, text.New("none of the %d pods is healthy", "%d 個の Pod のどれも健全ではありません", len(pods)), why).WaitingFor(waiting), err
	}
	refused, err := probeEvictions(ctx, env, healthy)
	if err != nil {
		return checks.Result{}, err
	}
	held := map[string]bool{}
	for _, r := range refused {
		held[r.pod.Name] = true
	}
	if free := kube.Keep(healthy, func(pod *corev1.Pod) bool { return !held[pod.Name] }); len(free) > 0 {
		names := checks.Listed(kube.PodNames(free))
		return checks.Fail(kube.PodName(&free[0]), want, text.Text{
			EN: "the API server would evict " + names.EN, JA: names.JA + " の退避が許可されます",
		}, why), nil
	}
	return checks.Pass(kube.PodName(&healthy[0]), text.New("%d evictions would be refused", "%d 個の Pod すべてで退避が拒否されます", len(healthy))).Because(refused[0].answer), nil
}
