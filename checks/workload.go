package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	"github.com/k8slab/k8slab/content"
)

type workloadParams struct {
	Kind      string `yaml:"kind" doc:"Deployment, StatefulSet or DaemonSet." ja:"Deployment、StatefulSet、DaemonSet のいずれか。"`
	Namespace string `yaml:"namespace" doc:"Namespace of the workload." ja:"ワークロードの Namespace。"`
	Name      string `yaml:"name" doc:"Name of the workload." ja:"ワークロードの名前。"`
}

func (p workloadParams) Validate() error {
	return oneOf(p.Kind, "Deployment", "StatefulSet", "DaemonSet")
}

func (p workloadParams) object() string { return strings.ToLower(p.Kind) + "/" + p.Name }

// scaledParams are workloadParams of a kind that has replicas.
type scaledParams struct {
	Kind      string `yaml:"kind" doc:"Deployment or StatefulSet." ja:"Deployment または StatefulSet。"`
	Namespace string `yaml:"namespace" doc:"Namespace of the workload." ja:"ワークロードの Namespace。"`
	Name      string `yaml:"name" doc:"Name of the workload." ja:"ワークロードの名前。"`
}

func (p scaledParams) Validate() error { return oneOf(p.Kind, "Deployment", "StatefulSet") }

func oneOf(kind string, kinds ...string) error {
	if slices.Contains(kinds, kind) {
		return nil
	}
	return fmt.Errorf("kind: %q is none of %s", kind, strings.Join(kinds, ", "))
}

// rollout is what the three kinds of workload have in common.
type rollout struct {
	generation, observed int64
	// wanted pods, and of them how many are of the latest template, ready and available.
	wanted, updated, ready, available int32
	// outdated pods of an earlier template that still exist.
	outdated int32
	selector *metav1.LabelSelector
	// trouble is a condition that says why it does not get on.
	trouble string
	// givenUp: the controller reports that the rollout makes no progress.
	givenUp bool
}

func (r rollout) complete() bool {
	return r.wanted > 0 && r.updated >= r.wanted && r.ready >= r.wanted && r.available >= r.wanted && r.outdated == 0
}

func workloadAvailable() Definition {
	return Define("workload/available", Doc{
		Summary: say("A workload runs in full.", "ワークロードがすべての Pod で動いている。"),
		Pass: say("The controller has seen the latest change, and all the pods that it asks for are up to date, ready and available.",
			"コントローラーが最新の変更を認識し、必要な数の Pod がすべて最新・準備完了・利用可能である。"),
		Fail: say("Pods are missing, outdated or not ready, none are asked for, or the workload does not exist. A rollout that is under way is waited for.",
			"Pod が足りない、古い、準備ができていない、必要数が 0、またはワークロードが存在しない。進行中のロールアウトは待つ。"),
	}, judgeAvailable)
}

func judgeAvailable(ctx context.Context, env Env, p workloadParams) (Result, error) {
	object := p.object()
	want := say("all pods of %s in namespace %s are up to date and available", "%s (Namespace %s) の Pod がすべて最新で利用可能なこと", object, p.Namespace)
	why := say("Maintenance is done well when those who use the service do not notice it.",
		"利用者に気づかれずに終わってこそ、よい保守作業です。")
	r, err := readRollout(ctx, env, p)
	if apierrors.IsNotFound(err) {
		return fail(object, want, say("there is no %s in namespace %s", "%s が Namespace %s にありません", object, p.Namespace), why), nil
	}
	if err != nil {
		return Result{}, fmt.Errorf("reading %s: %w", object, err)
	}
	if r.observed < r.generation {
		return fail(object, want, say("its latest change has not been taken up yet", "最新の変更がまだ反映されていません"), why).
			waitingFor(fmt.Sprintf("%s to be observed at generation %d", object, r.generation)), nil
	}
	if r.complete() {
		return pass(object, say("%d of %d pods are available", "%[2]d 個中 %[1]d 個の Pod が利用可能です", r.available, r.wanted)), nil
	}
	if r.wanted == 0 {
		return fail(object, want, say("it asks for no pods at all", "必要な Pod の数が 0 になっています"), why), nil
	}
	got := say("%d wanted; %d up to date, %d ready, %d available, %d outdated",
		"必要数 %d に対し、最新 %d、準備完了 %d、利用可能 %d、古い Pod %d です", r.wanted, r.updated, r.ready, r.available, r.outdated)
	cause, stuck, err := whyNotReady(ctx, env, p.Namespace, r)
	if err != nil {
		return Result{}, err
	}
	result := fail(object, want, got, why).because(cause)
	if !stuck {
		result = result.waitingFor("the rollout of " + object)
	}
	return result, nil
}

func readRollout(ctx context.Context, env Env, p workloadParams) (rollout, error) {
	apps := env.Client.AppsV1()
	switch p.Kind {
	case "Deployment":
		d, err := apps.Deployments(p.Namespace).Get(ctx, p.Name, metav1.GetOptions{})
		return deploymentRollout(d), err
	case "StatefulSet":
		s, err := apps.StatefulSets(p.Namespace).Get(ctx, p.Name, metav1.GetOptions{})
		return statefulSetRollout(s), err
	}
	d, err := apps.DaemonSets(p.Namespace).Get(ctx, p.Name, metav1.GetOptions{})
	return daemonSetRollout(d), err
}

func deploymentRollout(d *appsv1.Deployment) rollout {
	s := d.Status
	r := rollout{
		generation: d.Generation, observed: s.ObservedGeneration,
		wanted: ptr.Deref(d.Spec.Replicas, 1), updated: s.UpdatedReplicas, ready: s.ReadyReplicas, available: s.AvailableReplicas,
		outdated: max(0, s.Replicas-s.UpdatedReplicas), selector: d.Spec.Selector,
	}
	for _, c := range s.Conditions {
		bad := c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue ||
			c.Type != appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionFalse
		if bad {
			r.trouble = words(string(c.Type), c.Reason, c.Message)
		}
		r.givenUp = r.givenUp || c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse
	}
	return r
}

// statefulSetRollout leaves pods below a partition alone: they are meant to stay at the earlier revision.
func statefulSetRollout(set *appsv1.StatefulSet) rollout {
	s, wanted := set.Status, ptr.Deref(set.Spec.Replicas, 1)
	held := int32(0)
	if u := set.Spec.UpdateStrategy.RollingUpdate; u != nil {
		held = min(ptr.Deref(u.Partition, 0), wanted)
	}
	updated := s.UpdatedReplicas
	if s.CurrentRevision == s.UpdateRevision {
		updated = s.Replicas
	}
	return rollout{
		generation: set.Generation, observed: s.ObservedGeneration,
		wanted: wanted, updated: updated + held, ready: s.ReadyReplicas, available: s.AvailableReplicas,
		outdated: max(0, s.Replicas-updated-held), selector: set.Spec.Selector,
	}
}

func daemonSetRollout(d *appsv1.DaemonSet) rollout {
	s := d.Status
	return rollout{
		generation: d.Generation, observed: s.ObservedGeneration,
		wanted: s.DesiredNumberScheduled, updated: s.UpdatedNumberScheduled, ready: s.NumberReady, available: s.NumberAvailable,
		outdated: max(0, s.CurrentNumberScheduled-s.UpdatedNumberScheduled), selector: d.Spec.Selector,
	}
}

// whyNotReady prefers what a pod says to what the workload says: it is closer to the cause. stuck means that waiting
// is no help: the controller has given up, or no pod is on its way.
func whyNotReady(ctx context.Context, env Env, namespace string, r rollout) (cause string, stuck bool, err error) {
	selector, err := metav1.LabelSelectorAsSelector(r.selector)
	if err != nil {
		return "", false, fmt.Errorf("reading the selector of the workload: %w", err)
	}
	pods, err := listPods(ctx, env, namespace, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return "", false, err
	}
	cause, anyStuck := r.trouble, false
	for i := range pods {
		if isReady(&pods[i]) || isTerminating(&pods[i]) {
			continue
		}
		if reason, s := notReadyReason(&pods[i]); reason != "" && !anyStuck {
			cause, anyStuck = reason, s || isUnschedulable(&pods[i])
		}
	}
	pending, err := starting(ctx, env, pods)
	if err != nil {
		return "", false, err
	}
	return cause, r.givenUp || anyStuck && pending == "", nil
}

func replicasNotLowered() Definition {
	return Define("workload/replicas-not-lowered", Doc{
		Summary: say("A workload asks for as many pods as at the start.", "ワークロードのレプリカ数が開始時より減っていない。"),
		Pass:    say("spec.replicas is what it was, or more.", "spec.replicas が開始時と同じか、それより多い。"),
		Fail:    say("It is less, or the workload was deleted.", "減っている、またはワークロードが削除された。"),
	}, func(ctx context.Context, env Env, p scaledParams) (Result, error) {
		gk := schema.GroupKind{Group: "apps", Kind: p.Kind}
		before, ok := env.Baseline.Object(gk, p.Namespace, p.Name)
		if !ok {
			return Result{}, notInBaseline(p.Kind, p.Namespace, p.Name)
		}
		object := strings.ToLower(p.Kind) + "/" + p.Name
		had := replicasOf(before)
		want := say("%s has %d replicas or more", "%s のレプリカ数が %d 以上であること", object, had)
		why := say("With fewer pods there is less left to serve while one of them moves.",
			"Pod を減らすと、1 つが移動している間に応答できる Pod も減ってしまいます。")
		now, err := readLive(ctx, env, gk, p.Namespace, p.Name)
		if err != nil {
			return Result{}, err
		}
		if now == nil {
			return fail(object, want, deleted(object), why), nil
		}
		if has := replicasOf(now); has < had {
			return fail(object, want, say("it has %d", "%d になっています", has), why), nil
		}
		return pass(object, content.Text{}), nil
	})
}

// replicasOf a Deployment or StatefulSet; the API server fills in 1 where it is not given.
func replicasOf(o *unstructured.Unstructured) int64 {
	n, found, err := unstructured.NestedInt64(o.Object, "spec", "replicas")
	if err != nil || !found {
		return 1
	}
	return n
}

func deleted(object string) content.Text {
	return say("%s was deleted", "%s が削除されています", object)
}

func notInBaseline(kind, namespace, name string) error {
	return fmt.Errorf("the starting state of the step has no %s %s in namespace %q", kind, name, namespace)
}
