package budget

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/text"
)

type budgetParams struct {
	Namespace string `yaml:"namespace" doc:"Namespace of the PodDisruptionBudget." ja:"PodDisruptionBudget の Namespace。"`
	Name      string `yaml:"name" doc:"Name of the PodDisruptionBudget." ja:"PodDisruptionBudget の名前。"`
}

type guardedParams struct {
	Namespace string          `yaml:"namespace" doc:"Namespace of the pods." ja:"Pod の Namespace。"`
	Selector  checks.Selector `yaml:"selector" doc:"Label selector of the pods, as for kubectl: app=web." ja:"Pod のラベルセレクター。kubectl と同じ書き方 (app=web など)。"`
}

func budgetName(name string) string { return "poddisruptionbudget/" + name }

// guarded has the budgets and the pods of a namespace.
type guarded struct {
	budgets []policyv1.PodDisruptionBudget
	pods    []corev1.Pod
}

func readGuarded(ctx context.Context, env checks.Env, namespace string) (guarded, error) {
	budgets, err := env.Client.PolicyV1().PodDisruptionBudgets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return guarded{}, fmt.Errorf("listing PodDisruptionBudgets: %w", err)
	}
	pods, err := kube.ListPods(ctx, env, namespace, metav1.ListOptions{})
	if err != nil {
		return guarded{}, err
	}
	return guarded{budgets: budgets.Items, pods: pods}, nil
}

// named returns the budget of that name, and nil if there is none.
func (g guarded) named(name string) *policyv1.PodDisruptionBudget {
	for i := range g.budgets {
		if g.budgets[i].Name == name {
			return &g.budgets[i]
		}
	}
	return nil
}

// of returns the budgets that the pod counts for.
func (g guarded) of(pod *corev1.Pod) []*policyv1.PodDisruptionBudget {
	var found []*policyv1.PodDisruptionBudget
	for i := range g.budgets {
		if guards(&g.budgets[i], pod) {
			found = append(found, &g.budgets[i])
		}
	}
	return found
}

// live returns the pods that the selector matches and that have not finished and are not going.
func (g guarded) live(selector labels.Selector) []corev1.Pod {
	return kube.Keep(g.pods, func(pod *corev1.Pod) bool {
		return selector.Matches(labels.Set(pod.Labels)) && !kube.IsFinished(pod) && !kube.IsTerminating(pod)
	})
}

// guards decides as the API server does on an eviction: in policy/v1 an empty selector matches every pod, none at all
// matches no pod, and one that is not valid matches none (getPodDisruptionBudgets in
// kubernetes/pkg/registry/core/pod/storage/eviction.go).
func guards(budget *policyv1.PodDisruptionBudget, pod *corev1.Pod) bool {
	selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
	return err == nil && pod.Namespace == budget.Namespace && selector.Matches(labels.Set(pod.Labels))
}

// disruptionTimeout is for how long an evicted pod that is still there does not count as healthy (DeletionTimeout in
// kubernetes/pkg/controller/disruption/disruption.go).
const disruptionTimeout = 2 * time.Minute

// unsettled says what the disruption controller has yet to do before the status of the budget can be believed; empty
// means that it has caught up.
func (g guarded) unsettled(budget *policyv1.PodDisruptionBudget) string {
	status, object := budget.Status, budgetName(budget.Name)
	if status.ObservedGeneration < budget.Generation {
		return fmt.Sprintf("%s to be observed at generation %d", object, budget.Generation)
	}
	if syncFailure(budget) != "" {
		return "" // the numbers stay as they are, and the failure says why
	}
	matched := kube.Keep(g.pods, func(pod *corev1.Pod) bool { return guards(budget, pod) })
	healthy := kube.Keep(matched, func(pod *corev1.Pod) bool {
		disrupted, found := status.DisruptedPods[pod.Name]
		return kube.IsReady(pod) && !kube.IsTerminating(pod) && !(found && time.Since(disrupted.Time) < disruptionTimeout)
	})
	if len(healthy) != int(status.CurrentHealthy) {
		return fmt.Sprintf("%s to count %d healthy pods instead of %d", object, len(healthy), status.CurrentHealthy)
	}
	if floor := budget.Spec.MinAvailable; floor != nil && floor.Type == intstr.Int && len(matched) != int(status.ExpectedPods) {
		return fmt.Sprintf("%s to count %d pods instead of %d", object, len(matched), status.ExpectedPods)
	}
	return ""
}

// syncFailure is what the disruption controller says about a budget that it cannot evaluate.
func syncFailure(budget *policyv1.PodDisruptionBudget) string {
	c := meta.FindStatusCondition(budget.Status.Conditions, policyv1.DisruptionAllowedCondition)
	if c == nil || c.Reason != policyv1.SyncFailedReason {
		return ""
	}
	return kube.Words(c.Reason, c.Message)
}

func notCaughtUp(budget *policyv1.PodDisruptionBudget) text.Text {
	return text.New("%s is still being evaluated by the disruption controller", "%s はまだ disruption コントローラーの評価待ちです", budgetName(budget.Name))
}
