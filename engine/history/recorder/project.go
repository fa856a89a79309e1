package recorder

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/engine/history"
)

// object is any object. Only the fields that are asked for are decoded, because a busy cluster sends many objects.
type object struct {
	Metadata struct {
		Name              string            `json:"name"`
		Namespace         string            `json:"namespace"`
		UID               string            `json:"uid"`
		ResourceVersion   string            `json:"resourceVersion"`
		Generation        int64             `json:"generation"`
		Labels            map[string]string `json:"labels"`
		DeletionTimestamp *metav1.Time      `json:"deletionTimestamp"`
		Annotations       map[string]string `json:"annotations"`
		OwnerReferences   []struct {
			Kind       string `json:"kind"`
			Name       string `json:"name"`
			Controller bool   `json:"controller"`
		} `json:"ownerReferences"`
	} `json:"metadata"`
	Spec   json.RawMessage `json:"spec"`
	Status json.RawMessage `json:"status"`
}

// facts is the record of an object, while what is known of its kind is added.
type facts = history.Record

// record returns what is kept of the object, without time and event.
func (k Kind) record(o *object) (history.Record, error) {
	version, err := strconv.ParseUint(o.Metadata.ResourceVersion, 10, 64)
	if err != nil {
		return history.Record{}, fmt.Errorf("the resourceVersion %q of %s %s is no number", o.Metadata.ResourceVersion, k.Name, o.Metadata.Name)
	}
	r := history.Record{
		Kind: k.Name, UID: o.Metadata.UID, Namespace: o.Metadata.Namespace, Name: o.Metadata.Name, Version: version,
		Generation: o.Metadata.Generation, Labels: o.Metadata.Labels, Deleting: o.Metadata.DeletionTimestamp != nil,
	}
	for _, owner := range o.Metadata.OwnerReferences {
		if owner.Controller {
			r.Owner = owner.Kind + "/" + owner.Name
		}
	}
	if k.facts == nil {
		return r, nil
	}
	if err := k.facts(o, &r); err != nil {
		return history.Record{}, fmt.Errorf("reading %s: %w", r.Ref(), err)
	}
	return r, nil
}

// says reports whether b says anything that a does not. A heartbeat, for example, does not.
func says(a, b *history.Record) bool {
	was, is := *a, *b
	for _, r := range []*history.Record{&was, &is} {
		r.Time, r.Event, r.Version, r.Missed = history.Record{}.Time, "", 0, false
	}
	return !reflect.DeepEqual(was, is)
}

func decode(o *object, spec, status any) error {
	for _, part := range []struct {
		raw json.RawMessage
		to  any
	}{{o.Spec, spec}, {o.Status, status}} {
		if len(part.raw) == 0 {
			continue
		}
		if err := json.Unmarshal(part.raw, part.to); err != nil {
			return err
		}
	}
	return nil
}

func podFacts(o *object, r *facts) error {
	var spec struct {
		NodeName string `json:"nodeName"`
	}
	var status struct {
		Phase             string                   `json:"phase"`
		Conditions        []corev1.PodCondition    `json:"conditions"`
		ContainerStatuses []corev1.ContainerStatus `json:"containerStatuses"`
	}
	if err := decode(o, &spec, &status); err != nil {
		return err
	}
	_, mirror := o.Metadata.Annotations[corev1.MirrorPodAnnotationKey]
	pod := &history.PodFacts{Phase: status.Phase, Node: spec.NodeName, Mirror: mirror}
	for _, c := range status.Conditions {
		switch {
		case c.Status != corev1.ConditionTrue:
		case c.Type == corev1.PodReady:
			pod.Ready = true
		case c.Type == corev1.DisruptionTarget:
			pod.Disruption = c.Reason
		}
	}
	for _, c := range status.ContainerStatuses {
		pod.Restarts += c.RestartCount
		if c.State.Waiting != nil && pod.Waiting == "" {
			pod.Waiting = c.State.Waiting.Reason
		}
		for _, ended := range []*corev1.ContainerStateTerminated{c.LastTerminationState.Terminated, c.State.Terminated} {
			if ended == nil {
				continue
			}
			if pod.Exits == nil {
				pod.Exits = map[string]int32{}
			}
			pod.Exits[c.Name] = ended.ExitCode
		}
	}
	r.Pod = pod
	return nil
}

func nodeFacts(o *object, r *facts) error {
	var spec struct {
		Unschedulable bool           `json:"unschedulable"`
		Taints        []corev1.Taint `json:"taints"`
	}
	var status struct {
		Conditions []corev1.NodeCondition `json:"conditions"`
		NodeInfo   struct {
			KubeletVersion string `json:"kubeletVersion"`
			BootID         string `json:"bootID"`
		} `json:"nodeInfo"`
	}
	if err := decode(o, &spec, &status); err != nil {
		return err
	}
	r.Node = &history.NodeFacts{Unschedulable: spec.Unschedulable, Kubelet: status.NodeInfo.KubeletVersion, Boot: status.NodeInfo.BootID}
	for _, t := range spec.Taints {
		r.Node.Taints = append(r.Node.Taints, t.ToString())
	}
	for _, c := range status.Conditions {
		if c.Type == corev1.NodeReady {
			r.Node.Ready = string(c.Status)
		}
	}
	return nil
}

type images struct {
	Template struct {
		Spec struct {
			Containers []struct {
				Image string `json:"image"`
			} `json:"containers"`
		} `json:"spec"`
	} `json:"template"`
}

func (i images) names() []string {
	var names []string
	for _, c := range i.Template.Spec.Containers {
		names = append(names, c.Image)
	}
	return names
}

func workloadFacts(o *object, r *facts) error {
	var spec struct {
		Replicas *int32 `json:"replicas"`
		images
	}
	var status struct {
		Observed  int64 `json:"observedGeneration"`
		Replicas  int32 `json:"replicas"`
		Ready     int32 `json:"readyReplicas"`
		Available int32 `json:"availableReplicas"`
		Updated   int32 `json:"updatedReplicas"`
	}
	if err := decode(o, &spec, &status); err != nil {
		return err
	}
	r.Observed = status.Observed
	r.Workload = &history.WorkloadFacts{
		Wanted: 1, Total: status.Replicas, Ready: status.Ready, Available: status.Available, Updated: status.Updated, Images: spec.names(),
	}
	if spec.Replicas != nil {
		r.Workload.Wanted = *spec.Replicas
	}
	return nil
}

func daemonFacts(o *object, r *facts) error {
	var spec images
	var status appsv1.DaemonSetStatus
	if err := decode(o, &spec, &status); err != nil {
		return err
	}
	r.Observed = status.ObservedGeneration
	r.Workload = &history.WorkloadFacts{
		Wanted: status.DesiredNumberScheduled, Total: status.CurrentNumberScheduled, Ready: status.NumberReady,
		Available: status.NumberAvailable, Updated: status.UpdatedNumberScheduled, Images: spec.names(),
	}
	return nil
}

func budgetFacts(o *object, r *facts) error {
	var spec policyv1.PodDisruptionBudgetSpec
	var status policyv1.PodDisruptionBudgetStatus
	if err := decode(o, &spec, &status); err != nil {
		return err
	}
	r.Observed = status.ObservedGeneration
	r.Budget = &history.BudgetFacts{
		Healthy: status.CurrentHealthy, Desired: status.DesiredHealthy, Expected: status.ExpectedPods, Allowed: status.DisruptionsAllowed,
	}
	if spec.MinAvailable != nil {
		r.Budget.MinAvailable = spec.MinAvailable.String()
	}
	if spec.MaxUnavailable != nil {
		r.Budget.MaxUnavailable = spec.MaxUnavailable.String()
	}
	if spec.UnhealthyPodEvictionPolicy != nil {
		r.Budget.Unhealthy = string(*spec.UnhealthyPodEvictionPolicy)
	}
	return nil
}
