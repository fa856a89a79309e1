package budget

import (
	"context"
	"fmt"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/text"
)

type disruptionParams struct {
	Namespace string `yaml:"namespace" doc:"Namespace of the PodDisruptionBudget and the workload." ja:"PodDisruptionBudget とワークロードの Namespace。"`
	Name      string `yaml:"name" doc:"Name of the PodDisruptionBudget." ja:"PodDisruptionBudget の名前。"`
	Kind      string `yaml:"kind" doc:"Kind of the workload that it guards: Deployment or StatefulSet." ja:"それが守るワークロードの種類。Deployment または StatefulSet。"`
	Workload  string `yaml:"workload" doc:"Name of that workload." ja:"そのワークロードの名前。"`
	Healthy   int32  `yaml:"healthy" doc:"How many of its pods had to stay healthy; 1 or more." ja:"健全でなければならなかった Pod の数。1 以上。"`
}

func (p disruptionParams) Validate() error {
	if err := kube.OneOf(p.Kind, "Deployment", "StatefulSet"); err != nil {
		return err
	}
	return floorParams{Healthy: p.Healthy}.Validate()
}

func floorAtDisruptions() checks.Definition {
	return checks.Define("pdb/floor-at-disruptions", checks.Doc{
		Summary: text.New("Whenever somebody took a pod of a workload, its floor was kept.",
			"ワークロードの Pod が人の手で離れたどの時点でも、下限が守られていた。"),
		Pass: text.New("At every eviction the budget guarded the pod and kept the floor, and at every eviction, deletion and relabelling the workload had more pods than that. What was changed in between and harmed nothing does not count.",
			"どの退避のときも PodDisruptionBudget がその Pod を対象とし、下限を保つ設定だった。どの退避・削除・ラベルの変更のときも、ワークロードの Pod は下限より多かった。途中の変更で実害のなかったものは問わない。"),
		Fail: text.New("A pod was evicted while the budget was gone, looked elsewhere or kept fewer, even if it was put right afterwards; or one was evicted, deleted or stripped of its labels when there was none to spare. The failure says who did it and when.",
			"PodDisruptionBudget がない間、対象から外れている間、または保つ数が少ない間に Pod が退避された (後で元に戻しても同じ)。または、余裕がないときに Pod が退避・削除されたか、ラベルを外された。誰がいつ行ったかを示す。"),
	}, judgeDisruptions).Needing(checks.AuditLog)
}

func judgeDisruptions(ctx context.Context, env checks.Env, p disruptionParams) (checks.Result, error) {
	w, err := kube.NewWorkloadPast(env.Baseline, kube.Workload{Kind: p.Kind, Namespace: p.Namespace, Name: p.Workload})
	if err != nil {
		return checks.Result{}, err
	}
	budget, err := newBudgetPast(env.Baseline, budgetParams{Namespace: p.Namespace, Name: p.Name})
	if err != nil {
		return checks.Result{}, err
	}
	requests, err := kube.Past(ctx, env, p.Namespace)
	if err != nil {
		return checks.Result{}, err
	}
	disruptions := 0
	for _, r := range requests {
		if w.Loses(r) && history.IsPerson(r.User) {
			disruptions++
			fault, err := budget.fault(r, w, p.Healthy)
			if err != nil {
				return checks.Result{}, err
			}
			if !fault.IsZero() {
				return harmed(p, r, fault), nil
			}
		}
		if err := budget.follow(r); err != nil {
			return checks.Result{}, err
		}
		if err := w.Follow(r); err != nil {
			return checks.Result{}, err
		}
	}
	return checks.Pass(budgetName(p.Name), text.New("the floor was kept at %d disruptions", "%d 回の退避・削除のどれでも下限が守られました", disruptions)), nil
}

func harmed(p disruptionParams, r history.Request, fault text.Text) checks.Result {
	did := text.New("%s evicted pod %s at %s", "%s が Pod %s を %s に退避させたとき", kube.Who(r), r.Name, kube.Clock(r.Time))
	switch {
	case r.Verb == "delete":
		did = text.New("%s deleted pod %s at %s", "%s が Pod %s を %s に削除したとき", kube.Who(r), r.Name, kube.Clock(r.Time))
	case r.Subresource != "eviction":
		did = text.New("%s changed the labels of pod %s at %s, so that its controller let go of it",
			"%s が Pod %s のラベルを %s に変えてコントローラーから切り離したとき", kube.Who(r), r.Name, kube.Clock(r.Time))
	}
	return checks.Fail(budgetName(p.Name),
		text.New("%d pods of %s stay healthy whenever one is taken away", "%[2]s の Pod がどれか 1 つ離れるときも、健全な Pod が %[1]d 個残ること", p.Healthy, p.Workload),
		text.Text{EN: did.EN + ", when " + fault.EN, JA: did.JA + "、" + fault.JA},
		text.New("A guard that is taken down for the moment when it is needed guards nothing, even if it is put back afterwards.",
			"必要なそのときに外されていた守りは、あとで元に戻しても、何も守っていません。")).
		Because(kube.AuditLine(r))
}

// budgetPast retells what a budget asked for, from the starting state on, one request after the other.
type budgetPast struct {
	budgetParams
	// spec is nil while there is no such budget.
	spec *policyv1.PodDisruptionBudgetSpec
	// forged is the request by which somebody wrote the budget's status: until the controller corrects it, evictions
	// may be let through.
	forged *history.Request
}

func newBudgetPast(baseline checks.Baseline, p budgetParams) (*budgetPast, error) {
	budget, err := baselineBudget(baseline, p)
	if err != nil {
		return nil, err
	}
	return &budgetPast{budgetParams: p, spec: &budget.Spec}, nil
}

// follow applies the next request that succeeded. An error means that the audit log does not tell enough.
func (b *budgetPast) follow(r history.Request) error {
	if r.Group != policyv1.GroupName || r.Resource != "poddisruptionbudgets" || r.Namespace != b.Namespace {
		return nil
	}
	switch {
	case r.Verb == "deletecollection":
		return fmt.Errorf("the audit log does not say which PodDisruptionBudgets were deleted at %s", kube.Clock(r.Time))
	case r.Name != b.Name:
	case r.Verb == "delete":
		b.spec = nil
	case r.Subresource == "status":
		b.forged = &r
	case r.Left == nil || r.Left.Budget == nil:
		return fmt.Errorf("the audit log does not say what the %s of %s at %s left", r.Verb, budgetName(b.Name), kube.Clock(r.Time))
	default:
		b.spec = r.Left.Budget
	}
	return nil
}

// fault says why the floor was not kept when a pod was taken; empty means that the floor was kept. Percentages are of
// the replicas that the workload asked for, as in the disruption controller.
func (b *budgetPast) fault(r history.Request, w *kube.WorkloadPast, healthy int32) (text.Text, error) {
	object := budgetName(b.Name)
	if len(w.Pods) <= int(healthy) {
		return text.New("%s had %d pods, none to spare", "%s の Pod は %d 個しかなく、余裕がありませんでした", w.Object(), len(w.Pods)), nil
	}
	if r.Subresource != "eviction" {
		return text.Text{}, nil
	}
	if b.spec == nil {
		return text.New("%s had been deleted", "%s は削除されていました", object), nil
	}
	selector, err := metav1.LabelSelectorAsSelector(b.spec.Selector)
	if err != nil || !selector.Matches(w.Pods[r.Name]) {
		return text.New("%s did not guard that pod", "その Pod は %s の対象ではありませんでした", object), nil
	}
	floor, err := desiredHealthy(*b.spec, int(w.Replicas))
	if err != nil {
		return text.Text{}, fmt.Errorf("reading what %s said: %w", object, err)
	}
	switch {
	case floor < int(healthy):
		return text.New("%s kept %d of %d healthy", "%s が保つ健全な Pod は %[3]d 個中 %[2]d 個でした", object, floor, w.Replicas), nil
	case b.forged != nil:
		return text.New("%s had written the status of %s by hand", "%s が %s の status を手で書き換えていました", kube.Who(*b.forged), object), nil
	}
	return text.Text{}, nil
}
