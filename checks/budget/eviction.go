package budget

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/text"
)

func allowsEviction() checks.Definition {
	return checks.Define("pdb/allows-eviction", checks.Doc{
		Summary: text.New("A drain may begin: the API server would evict any of the pods now.",
			"drain を始められる。つまり、どの Pod を退避させても API サーバーが許可する。"),
		Pass: text.New("A dry-run eviction of each running, ready pod is allowed.",
			"実行中で準備完了の Pod のどれに対しても、ドライランの退避が許可される。"),
		Fail: text.New("An eviction is refused, by a budget that has no room or because two budgets claim the pod; or no pod runs. The API server's own words are shown.",
			"退避が拒否される (PodDisruptionBudget に余裕がない、または 2 つの PodDisruptionBudget が同じ Pod を対象にしている)、または動いている Pod がない。API サーバーの返答を示す。"),
	}, judgeEviction)
}

// judgeEviction asks whether each of the pods may be evicted, as a drain does for each pod of its node: the pods may be
// guarded by different budgets. It leaves out pods that are not ready, because another rule decides on them
// (unhealthyPodEvictionPolicy), and pods that are Pending, because budgets do not hold for those.
func judgeEviction(ctx context.Context, env checks.Env, p guardedParams) (checks.Result, error) {
	want := text.New("any one of the pods %s in namespace %s may be evicted", "Pod (%s、Namespace %s) のどれを退避させても許可されること", p.Selector, p.Namespace)
	why := text.New("A drain asks for each pod and waits for as long as it is refused. While this eviction is refused, the node cannot be maintained.",
		"drain は Pod ごとに退避を求め、拒否されている間は待ち続けます。この退避が許可されない限り、ノードの保守は始められません。")
	g, err := readGuarded(ctx, env, p.Namespace)
	if err != nil {
		return checks.Result{}, err
	}
	pods := g.live(p.Selector)
	for i := range pods {
		budgets := g.of(&pods[i])
		if len(budgets) != 1 {
			continue // of two budgets, the controller updates one at random, and may never update the other
		}
		if pending := g.unsettled(budgets[0]); pending != "" {
			return checks.Fail(budgetName(budgets[0].Name), want, notCaughtUp(budgets[0]), why).WaitingFor(pending), nil
		}
	}
	candidates := kube.Keep(pods, func(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodRunning && kube.IsReady(pod) })
	if len(candidates) == 0 {
		pending, err := kube.Coming(ctx, env, pods)
		return checks.Fail("namespace/"+p.Namespace, want,
			text.New("%d such pods, none of them running and ready", "該当する Pod は %d 個で、実行中かつ準備完了のものはありません", len(pods)), why).
			Because(kube.FirstReason(pods)).WaitingFor(pending), err
	}
	refused, err := probeEvictions(ctx, env, candidates)
	if err != nil {
		return checks.Result{}, err
	}
	if len(refused) == 0 {
		return checks.Pass(kube.PodName(&candidates[0]), text.New("%d evictions would be allowed", "%d 個の Pod すべてで退避が許可されます", len(candidates))), nil
	}
	first := refused[0]
	budgets := g.of(&first.pod)
	if first.broken && len(budgets) < 2 {
		return checks.Result{}, fmt.Errorf("asking whether pod %s may be evicted: %s", first.pod.Name, first.answer)
	}
	result := checks.Fail(kube.PodName(&first.pod), want, refusal(first, budgets, len(refused), len(candidates)), why).Because(first.answer)
	if len(budgets) != 1 {
		return result, nil
	}
	result.Object = budgetName(budgets[0].Name)
	pending, err := kube.Coming(ctx, env, pods)
	return result.WaitingFor(pending), err
}

// refusal says who stands in the way of the eviction.
func refusal(r refusedEviction, budgets []*policyv1.PodDisruptionBudget, refused, asked int) text.Text {
	if len(budgets) == 1 {
		status := budgets[0].Status
		return text.New("%s refuses %d of %d evictions: it wants %d healthy pods, %d are",
			"%[1]s により %[3]d 個中 %[2]d 個の退避が拒否されます。健全な Pod が %[4]d 個必要なところ、現在は %[5]d 個です",
			budgetName(budgets[0].Name), refused, asked, status.DesiredHealthy, status.CurrentHealthy)
	}
	names := make([]string, len(budgets))
	for i, b := range budgets {
		names[i] = b.Name
	}
	return text.New("%d PodDisruptionBudgets claim %s (%s), and the API server does not choose between them",
		"%[2]s を %[1]d 個の PodDisruptionBudget (%[3]s) が対象にしています。API サーバーはどれに従うかを選びません",
		len(budgets), kube.PodName(&r.pod), strings.Join(names, ", "))
}

// refusedEviction is a pod that may not be evicted now.
type refusedEviction struct {
	pod    corev1.Pod
	answer string
	// broken: the API server answered with an internal error, as it does where two budgets match.
	broken bool
}

func probeEvictions(ctx context.Context, env checks.Env, pods []corev1.Pod) ([]refusedEviction, error) {
	var refused []refusedEviction
	for i := range pods {
		err := probeEviction(ctx, env, &pods[i])
		var status apierrors.APIStatus
		isStatus := errors.As(err, &status)
		switch {
		case err == nil, apierrors.IsNotFound(err): // gone in the meantime
		case isStatus && apierrors.HasStatusCause(err, policyv1.DisruptionBudgetCause):
			refused = append(refused, refusedEviction{pod: pods[i], answer: answerOf(status)})
		case isStatus && status.Status().Code == http.StatusInternalServerError:
			refused = append(refused, refusedEviction{pod: pods[i], answer: answerOf(status), broken: true})
		default:
			return nil, fmt.Errorf("asking whether pod %s may be evicted: %w", pods[i].Name, err)
		}
	}
	return refused, nil
}

// probeEviction is a dry run of the request that a drain makes. It does not retry: client-go would wait ten seconds
// where the API server says that it is busy.
func probeEviction(ctx context.Context, env checks.Env, pod *corev1.Pod) error {
	return env.Client.PolicyV1().RESTClient().Post().MaxRetries(0).
		AbsPath("/api/v1").Namespace(pod.Namespace).Resource("pods").Name(pod.Name).SubResource("eviction").
		Body(&policyv1.Eviction{
			ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name},
			DeleteOptions: &metav1.DeleteOptions{
				DryRun:        []string{metav1.DryRunAll},
				Preconditions: &metav1.Preconditions{UID: &pod.UID},
			},
		}).Do(ctx).Error()
}

// answerOf returns the API server's message with its causes, which name the budget.
func answerOf(err apierrors.APIStatus) string {
	status := err.Status()
	parts := []string{status.Message}
	if status.Details != nil {
		for _, cause := range status.Details.Causes {
			parts = append(parts, cause.Message)
		}
	}
	return kube.Words(slices.Compact(parts)...)
}
