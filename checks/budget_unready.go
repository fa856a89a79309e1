package checks

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/k8slab/k8slab/content"
)

type budgetsParams struct {
	Namespace string   `yaml:"namespace" doc:"Namespace of the PodDisruptionBudgets." ja:"PodDisruptionBudget の Namespace。"`
	Names     []string `yaml:"names" doc:"Names of the PodDisruptionBudgets." ja:"PodDisruptionBudget の名前の一覧。"`
}

func letsUnreadyGo() Definition {
	return Define("pdb/always-allows-unready", Doc{
		Summary: say("PodDisruptionBudgets never hold back pods that are not ready.", "PodDisruptionBudget が、準備完了でない Pod の退避を決して妨げない。"),
		Pass: say("The unhealthyPodEvictionPolicy of each of them is AlwaysAllow.",
			"どの PodDisruptionBudget の unhealthyPodEvictionPolicy も AlwaysAllow である。"),
		Fail: say("One does not exist or has another policy; where none is written, that is IfHealthyBudget.",
			"存在しないもの、または方針が違うものがある。何も書かれていなければ IfHealthyBudget である。"),
	}, func(ctx context.Context, env Env, p budgetsParams) (Result, error) {
		want := say("PodDisruptionBudgets %s let pods that are not ready go at any time",
			"PodDisruptionBudget %s が、準備完了でない Pod をいつでも手放すこと", strings.Join(p.Names, ", "))
		why := say("A pod that is not ready serves nobody. As long as the budget holds on to it, a broken application keeps its node from being maintained.",
			"準備完了でない Pod は、誰の役にも立っていません。それを手放さない限り、壊れたアプリがノードの保守を止め続けます。")
		g, err := readGuarded(ctx, env, p.Namespace)
		if err != nil {
			return Result{}, err
		}
		var faults []content.Text
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
			return fail(first, want, sentences(faults), why), nil
		}
		return pass(budgetName(p.Names[0]), content.Text{}), nil
	})
}

// holdsUnready says why the budget may hold back pods that are not ready; nothing where it never does (KEP-3017).
func holdsUnready(budget *policyv1.PodDisruptionBudget, name, namespace string) content.Text {
	switch {
	case budget == nil:
		return noBudget(name, namespace)
	case budget.Spec.UnhealthyPodEvictionPolicy == nil:
		return say("%s has no unhealthyPodEvictionPolicy, which means IfHealthyBudget",
			"%s には unhealthyPodEvictionPolicy がなく、IfHealthyBudget とみなされます", budgetName(name))
	case *budget.Spec.UnhealthyPodEvictionPolicy != policyv1.AlwaysAllow:
		return say("the unhealthyPodEvictionPolicy of %s is %s", "%s の unhealthyPodEvictionPolicy は %s です",
			budgetName(name), *budget.Spec.UnhealthyPodEvictionPolicy)
	}
	return content.Text{}
}

func allowsEvictionOfUnready() Definition {
	return Define("pdb/allows-eviction-of-unready", Doc{
		Summary: say("The API server would evict the pods that run and are not ready.", "実行中だが準備完了でない Pod の退避を、API サーバーが許可する。"),
		Pass:    say("There are such pods, and a dry-run eviction of each is allowed.", "そのような Pod があり、どれに対してもドライランの退避が許可される。"),
		Fail: say("An eviction is refused, and the API server's own words are shown; or every pod is ready, so that nothing is shown.",
			"退避が拒否される (API サーバーの返答を示す)。または、すべての Pod が準備完了で、確かめようがない。"),
	}, judgeEvictionOfUnready)
}

func judgeEvictionOfUnready(ctx context.Context, env Env, p guardedParams) (Result, error) {
	want := say("every pod %s in namespace %s that is not ready may be evicted", "準備完了でない Pod (%s、Namespace %s) のどれを退避させても許可されること", p.Selector, p.Namespace)
	why := say("A drain has to take these pods along, and waits for as long as it is refused.",
		"drain はこれらの Pod も運び出さなければならず、拒否されている間は待ち続けます。")
	g, pending, err := readSettled(ctx, env, p)
	if err != nil {
		return Result{}, err
	}
	object := "namespace/" + p.Namespace
	if pending != "" {
		return fail(object, want, say("the disruption controller is still counting", "disruption コントローラーがまだ数えている途中です"), why).waitingFor(pending), nil
	}
	pods := g.live(p.Selector)
	unready := keep(pods, func(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodRunning && !isReady(pod) })
	if len(unready) == 0 {
		var waiting string
		if len(keep(pods, isReady)) < len(pods) {
			waiting = "pods that are starting"
		}
		return fail(object, want, say("none of the %d pods is running without being ready", "%d 個の Pod のうち、実行中で準備完了でないものはありません", len(pods)), why).
			waitingFor(waiting), nil
	}
	refused, err := probeEvictions(ctx, env, unready)
	if err != nil {
		return Result{}, err
	}
	if len(refused) == 0 {
		return pass(podName(&unready[0]), say("%d evictions would be allowed", "%d 個の Pod すべてで退避が許可されます", len(unready))), nil
	}
	first := refused[0]
	return fail(podName(&first.pod), want, refusal(first, g.of(&first.pod), len(refused), len(unready)), why).because(first.answer), nil
}

// readSettled also says what the disruption controller has yet to do for the budgets of the selected pods.
func readSettled(ctx context.Context, env Env, p guardedParams) (g guarded, pending string, err error) {
	g, err = readGuarded(ctx, env, p.Namespace)
	if err != nil {
		return guarded{}, "", err
	}
	pods := g.live(p.Selector)
	for i := range pods {
		budgets := g.of(&pods[i])
		if len(budgets) != 1 {
			continue // of two, the controller updates one at random
		}
		if pending = g.unsettled(budgets[0]); pending != "" {
			return g, pending, nil
		}
	}
	return g, "", nil
}

func guardsHealthy() Definition {
	return Define("pdb/guards-last-healthy", Doc{
		Summary: say("The API server would refuse to evict the healthy pods that the floor needs.", "下限に必要な健全な Pod の退避を、API サーバーが拒否する。"),
		Pass:    say("There are healthy pods, and a dry-run eviction of each is refused because of the budget.", "健全な Pod があり、どれに対してもドライランの退避が PodDisruptionBudget を理由に拒否される。"),
		Fail: say("An eviction of a healthy pod is allowed, or no pod is healthy. A controller that is still counting is waited for.",
			"健全な Pod の退避が許可される、または健全な Pod がない。コントローラーが数え終わるまでは待つ。"),
	}, judgeLastHealthy)
}

func judgeLastHealthy(ctx context.Context, env Env, p guardedParams) (Result, error) {
	want := say("no healthy pod %s in namespace %s may be evicted now", "健全な Pod (%s、Namespace %s) は、今は退避させられないこと", p.Selector, p.Namespace)
	why := say("There are no more healthy pods than the users were promised. Whoever lets one of these go breaks the promise.",
		"健全な Pod は、利用者に約束した数より多くありません。1 つでも手放せば約束を破ることになります。")
	g, pending, err := readSettled(ctx, env, p)
	if err != nil {
		return Result{}, err
	}
	object := "namespace/" + p.Namespace
	if pending != "" {
		return fail(object, want, say("the disruption controller is still counting", "disruption コントローラーがまだ数えている途中です"), why).waitingFor(pending), nil
	}
	pods := g.live(p.Selector)
	healthy := keep(pods, func(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodRunning && isReady(pod) })
	if len(healthy) == 0 {
		waiting, err := starting(ctx, env, pods)
		return fail(object, want, say("none of the %d pods is healthy", "%d 個の Pod のどれも健全ではありません", len(pods)), why).waitingFor(waiting), err
	}
	refused, err := probeEvictions(ctx, env, healthy)
	if err != nil {
		return Result{}, err
	}
	held := map[string]bool{}
	for _, r := range refused {
		held[r.pod.Name] = true
	}
	if free := keep(healthy, func(pod *corev1.Pod) bool { return !held[pod.Name] }); len(free) > 0 {
		names := list(podNames(free))
		return fail(podName(&free[0]), want, content.Text{
			EN: "the API server would evict " + names.EN, JA: names.JA + " の退避が許可されます",
		}, why), nil
	}
	return pass(podName(&healthy[0]), say("%d evictions would be refused", "%d 個の Pod すべてで退避が拒否されます", len(healthy))).because(refused[0].answer), nil
}
