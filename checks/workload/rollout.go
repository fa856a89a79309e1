package workload

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
)

// rollout is what the three kinds of workload have in common.
type rollout struct {
	generation, observed int64
	// wanted pods, and of them how many are of the latest template, ready and available.
	wanted, updated, ready, available int32
	// outdated pods of an earlier template that still exist.
	outdated int32
	selector *metav1.LabelSelector
	// trouble is a condition that says why the rollout makes no progress.
	trouble string
	// givenUp: the controller reports that the rollout makes no progress.
	givenUp bool
}

func (r rollout) complete() bool {
	return r.wanted > 0 && r.updated >= r.wanted && r.ready >= r.wanted && r.available >= r.wanted && r.outdated == 0
}

func readRollout(ctx context.Context, env checks.Env, p kube.Workload) (rollout, error) {
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
			r.trouble = kube.Words(string(c.Type), c.Reason, c.Message)
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
