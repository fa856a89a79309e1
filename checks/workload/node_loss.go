package workload

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/text"
)

// defaultTolerationSeconds are added to a pod that says nothing about a taint of a lost node (the admission plugin
// DefaultTolerationSeconds).
const defaultTolerationSeconds = 300

type patienceParams struct {
	Kind      string `yaml:"kind" doc:"Deployment or StatefulSet." ja:"Deployment または StatefulSet。"`
	Namespace string `yaml:"namespace" doc:"Namespace of the workload." ja:"ワークロードの Namespace。"`
	Name      string `yaml:"name" doc:"Name of the workload." ja:"ワークロードの名前。"`
	AtMost    int64  `yaml:"atMost" doc:"For how many seconds at most its pods may stay on a lost node." ja:"失われたノードに Pod がとどまってよい、最大の秒数。"`
}

func (p patienceParams) Validate() error {
	if p.AtMost < 0 {
		return fmt.Errorf("atMost: %d is less than nothing; write 0 or more seconds", p.AtMost)
	}
	return kube.OneOf(p.Kind, "Deployment", "StatefulSet")
}

func leavesLostNodes() checks.Definition {
	return checks.Define("workload/leaves-lost-nodes", checks.Doc{
		Summary: text.New("The pods of a workload give up a lost node soon.", "ワークロードの Pod が、失われたノードを早く見限る。"),
		Pass: text.New("Its pod template tolerates the NoExecute taints node.kubernetes.io/not-ready and node.kubernetes.io/unreachable for a short time only.",
			"Pod テンプレートが NoExecute の taint (node.kubernetes.io/not-ready と node.kubernetes.io/unreachable) を短い時間だけ許容する。"),
		Fail: text.New("One of them is tolerated for longer, for ever (no tolerationSeconds), or for the 300 seconds that a pod gets which says nothing.",
			"どちらかを、より長く、または永久に (tolerationSeconds なし) 許容している。何も書かれていなければ 300 秒である。"),
	}, func(ctx context.Context, env checks.Env, p patienceParams) (checks.Result, error) {
		workload := kube.Workload{Kind: p.Kind, Namespace: p.Namespace, Name: p.Name}
		object := workload.Object()
		want := text.New("the pods of %s leave a lost node after %d seconds at most", "%s の Pod が、失われたノードから %d 秒以内に離れること", object, p.AtMost)
		why := text.New("A budget has no say when a machine dies. How long its pods are waited for is decided by their tolerations alone.",
			"マシンが落ちるとき、PodDisruptionBudget の出番はありません。その Pod をいつまで待つかは、toleration だけで決まります。")
		template, err := templateOf(ctx, env, workload)
		if err != nil {
			return checks.Result{}, err
		}
		if template == nil {
			return checks.Fail(object, want, kube.Deleted(object), why), nil
		}
		var faults []text.Text
		for _, key := range [...]string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
			if fault := tooPatient(template.Spec.Tolerations, key, p.AtMost); !fault.IsZero() {
				faults = append(faults, fault)
			}
		}
		if len(faults) > 0 {
			return checks.Fail(object, want, text.Sentences(faults), why), nil
		}
		return checks.Pass(object, text.Text{}), nil
	})
}

// tooPatient says in what way the tolerations keep a pod on a lost node for too long. It reckons as the taint eviction
// controller does: the shortest of the matching tolerations holds (getMinTolerationTime in
// kubernetes/pkg/controller/tainteviction/taint_eviction.go); and as the API server, which adds a default if none
// matches.
func tooPatient(tolerations []corev1.Toleration, key string, atMost int64) text.Text {
	matches, seconds := false, int64(-1)
	for _, t := range tolerations {
		if (t.Key != key && (t.Key != "" || t.Operator != corev1.TolerationOpExists)) ||
			t.Operator != corev1.TolerationOpExists && t.Value != "" ||
			t.Effect != "" && t.Effect != corev1.TaintEffectNoExecute {
			continue
		}
		matches = true
		if t.TolerationSeconds != nil && (seconds < 0 || *t.TolerationSeconds < seconds) {
			seconds = max(0, *t.TolerationSeconds)
		}
	}
	switch {
	case !matches && atMost < defaultTolerationSeconds:
		return text.New("nothing is said about %s, which means %d seconds", "%s について何も書かれておらず、%d 秒とみなされます", key, defaultTolerationSeconds)
	case matches && seconds < 0:
		return text.New("%s is tolerated for ever, because tolerationSeconds is missing", "%s を永久に許容しています。tolerationSeconds がないからです", key)
	case seconds > atMost:
		return text.New("%s is tolerated for %d seconds", "%s を %d 秒のあいだ許容しています", key, seconds)
	}
	return text.Text{}
}

type lossParams struct {
	Namespace string `yaml:"namespace" doc:"Namespace of the Deployment." ja:"Deployment の Namespace。"`
	Name      string `yaml:"name" doc:"Name of the Deployment." ja:"Deployment の名前。"`
	Node      string `yaml:"node" doc:"Node whose machine is off." ja:"マシンが止まっているノード。"`
	Within    int64  `yaml:"within" doc:"After how many seconds the Deployment must be complete again, counted from the node's last heartbeat." ja:"ノードの最後のハートビートから、Deployment が元どおりになるまでの最大の秒数。"`
}

func (p lossParams) Validate() error {
	if p.Within < 1 {
		return fmt.Errorf("within: %d leaves no time; write 1 or more seconds", p.Within)
	}
	return nil
}

func survivesNodeLoss() checks.Definition {
	return checks.Define("workload/survives-node-loss", checks.Doc{
		Summary: text.New("A Deployment has got over the loss of a node by itself.",
			"Deployment が、ノードが失われた状態から自力で立ち直っている。"),
		Pass: text.New("The node is gone without a word, the taint eviction controller took a pod of the present template from it, and all pods are ready elsewhere, soon enough after its last heartbeat.",
			"ノードが何も言わずに失われ、taint eviction コントローラーが現在のテンプレートの Pod をそこから取り除き、最後のハートビートから時間内に、すべての Pod が別の場所で準備完了になった。"),
		Fail: text.New("The node lives, no pod of the present template had to leave it because of its taints, pods are missing, or it took too long.",
			"ノードが生きている、現在のテンプレートの Pod が taint のためにそこを離れていない、Pod が足りない、または時間がかかりすぎた。"),
	}, judgeNodeLoss).Needing(checks.AuditLog)
}

func judgeNodeLoss(ctx context.Context, env checks.Env, p lossParams) (checks.Result, error) {
	object := "deployment/" + p.Name
	want := text.New("%s gets over the loss of node %s by itself, within %d seconds", "%s がノード %s の喪失から %d 秒以内に自力で立ち直ること", object, p.Node, p.Within)
	why := text.New("A machine that dies asks nobody. Only what was decided before helps then, and only a try shows that it does.",
		"マシンは断りなく落ちます。そのとき役に立つのは前もって決めておいたことだけで、それが役に立つかは試してみなければ分かりません。")
	node, err := env.Client.CoreV1().Nodes().Get(ctx, p.Node, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return checks.Fail("node/"+p.Node, want, kube.NodeMissing(p.Node), why), nil
	case err != nil:
		return checks.Result{}, fmt.Errorf("reading node %s: %w", p.Node, err)
	case !isUnreachable(node):
		return checks.Fail("node/"+p.Node, want, text.New("node %s sends heartbeats, or has stopped only just now", "ノード %s はハートビートを送っているか、止まったばかりです", p.Node), why), nil
	}
	prefix, err := kube.PresentTemplate(ctx, env, p.Namespace, p.Name)
	if err != nil {
		return checks.Result{}, err
	}
	if prefix == "" {
		return checks.Fail(object, want, kube.Deleted(object), why), nil
	}
	left, err := leftBecauseOfTaint(ctx, env, p, prefix)
	if err != nil {
		return checks.Result{}, err
	}
	if !left {
		return checks.Fail(object, want, text.New("no pod that the present template of %s made has had to leave node %s because of its taints",
			"%s の現在のテンプレートの Pod で、taint のためにノード %s を離れたものはありません", object, p.Node), why), nil
	}
	lease, err := env.Client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(ctx, p.Node, metav1.GetOptions{})
	if err != nil {
		return checks.Result{}, fmt.Errorf("reading the last heartbeat of node %s: %w", p.Node, err)
	}
	return judgeRecovery(ctx, env, p, lease, want, why)
}

// isUnreachable reports whether the node controller has waited in vain for heartbeats of the node.
func isUnreachable(node *corev1.Node) bool {
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionUnknown
		}
	}
	return false
}

func leftBecauseOfTaint(ctx context.Context, env checks.Env, p lossParams, prefix string) (bool, error) {
	requests, err := kube.Past(ctx, env, p.Namespace)
	if err != nil {
		return false, err
	}
	for _, r := range requests {
		if r.Removed != nil && !history.IsPerson(r.User) && len(r.Name) > len(prefix) && r.Name[:len(prefix)] == prefix &&
			r.Removed.Node == p.Node && r.Removed.Disruption == "DeletionByTaintManager" {
			return true, nil
		}
	}
	return false, nil
}

// judgeRecovery compares when the Deployment was complete again with the node's last heartbeat. The record of the
// cluster tells that moment even if the pods have changed since; without a record, the readiness of the pods has to
// tell.
func judgeRecovery(ctx context.Context, env checks.Env, p lossParams, lease *coordinationv1.Lease, want, why text.Text) (checks.Result, error) {
	w := kube.Workload{Kind: "Deployment", Namespace: p.Namespace, Name: p.Name}
	r, err := readRollout(ctx, env, w)
	if err != nil {
		return checks.Result{}, fmt.Errorf("reading %s: %w", w.Object(), err)
	}
	selector, err := metav1.LabelSelectorAsSelector(r.selector)
	if err != nil {
		return checks.Result{}, fmt.Errorf("reading the selector of %s: %w", w.Object(), err)
	}
	pods, err := kube.ListPods(ctx, env, p.Namespace, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return checks.Result{}, err
	}
	ready := kube.Keep(pods, func(pod *corev1.Pod) bool {
		return kube.IsReady(pod) && !kube.IsTerminating(pod) && pod.Spec.NodeName != p.Node
	})
	if len(ready) < int(r.wanted) {
		waiting, err := kube.Starting(ctx, env, pods)
		return checks.Fail(w.Object(), want, text.New("%d of %d pods are ready on other nodes", "ほかのノードで準備完了の Pod は %[2]d 個中 %[1]d 個です", len(ready), r.wanted), why).
			WaitingFor(waiting), err
	}
	if lease.Spec.RenewTime == nil {
		return checks.Result{}, fmt.Errorf("the lease of node %s has no renewTime", p.Node)
	}
	heartbeat := lease.Spec.RenewTime.Time
	complete, gap := completeAgain(ctx, env, p, r.wanted, selector)
	if complete.IsZero() {
		complete = lastReady(ready)
	}
	took := int64(complete.Sub(heartbeat).Seconds())
	if took > p.Within {
		if gap != nil {
			return checks.Result{}, gap // it may have been complete earlier, and in pieces again since
		}
		return checks.Fail(w.Object(), want, text.New("it took %d seconds from the node's last heartbeat", "ノードの最後のハートビートから %d 秒かかりました", took), why), nil
	}
	return checks.Pass(w.Object(), text.New("it was complete again %d seconds after the node's last heartbeat", "ノードの最後のハートビートから %d 秒で元どおりになりました", took)), nil
}

// lastReady returns when the last of the pods became ready: the workload was complete then, if nothing has happened
// since.
func lastReady(ready []corev1.Pod) time.Time {
	var last time.Time
	for i := range ready {
		if c := kube.PodCondition(&ready[i], corev1.PodReady); c.LastTransitionTime.After(last) {
			last = c.LastTransitionTime.Time
		}
	}
	return last
}

// completeAgain returns the first moment after the loss of the node at which as many pods as wanted were ready on other
// nodes; zero if the record has no such moment. An error means that the record may have missed an earlier one.
func completeAgain(ctx context.Context, env checks.Env, p lossParams, wanted int32, selector labels.Selector) (time.Time, error) {
	timeline, err := env.Timeline(ctx)
	if err != nil {
		return time.Time{}, nil // a cluster without a record: its pods have to tell
	}
	lost, _, err := timeline.HeldSince(history.Ref{Kind: "Node", Name: p.Node}, func(r *history.Record) bool { return r.Node.Ready == "Unknown" })
	if err != nil || lost.IsZero() {
		return time.Time{}, err
	}
	return timeline.FirstTime("Pod", lost, func(pods []history.Record) bool {
		ready := int32(0)
		for _, r := range pods {
			if r.Namespace == p.Namespace && r.Pod.Ready && !r.Deleting && r.Pod.Node != p.Node && selector.Matches(labels.Set(r.Labels)) {
				ready++
			}
		}
		return ready >= wanted
	})
}
