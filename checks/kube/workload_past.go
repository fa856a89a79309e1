package kube

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine/history"
)

// WorkloadPast retells how many pods a Deployment or StatefulSet asked for and had, from the starting state on, one
// request after the other.
type WorkloadPast struct {
	Workload
	selector labels.Selector
	// Replicas that the workload asks for, and the labels of its pod template.
	Replicas  int32
	podLabels labels.Set
	// Pods that were bound to a node and have not been removed, with their labels.
	Pods map[string]labels.Set
}

// NewWorkloadPast begins with the starting state.
func NewWorkloadPast(baseline checks.Baseline, p Workload) (*WorkloadPast, error) {
	o, ok := baseline.Object(schema.GroupKind{Group: "apps", Kind: p.Kind}, p.Namespace, p.Name)
	if !ok {
		return nil, NotInBaseline(p.Kind, p.Namespace, p.Name)
	}
	w := &WorkloadPast{Workload: p, Replicas: int32(ReplicasOf(o)), Pods: map[string]labels.Set{}}
	var err error
	if w.selector, err = selectorOf(o); err != nil {
		return nil, err
	}
	w.podLabels, _, err = unstructured.NestedStringMap(o.Object, "spec", "template", "metadata", "labels")
	if err != nil {
		return nil, fmt.Errorf("reading the pod template of %s: %w", w.Object(), err)
	}
	pods, err := BaselinePods(baseline)
	if err != nil {
		return nil, err
	}
	for i := range pods {
		if pods[i].Namespace == p.Namespace && w.Owns(pods[i].Name) && !IsFinished(&pods[i]) {
			w.Pods[pods[i].Name] = pods[i].Labels
		}
	}
	return w, nil
}

func selectorOf(o *unstructured.Unstructured) (labels.Selector, error) {
	var workload struct {
		Spec struct {
			Selector *metav1.LabelSelector `json:"selector"`
		} `json:"spec"`
	}
	if err := FromUnstructured(o, &workload); err != nil {
		return nil, err
	}
	return metav1.LabelSelectorAsSelector(workload.Spec.Selector)
}

// Owns reports whether the name is one of the workload's pods: web-5d9c-x7k2p for a Deployment, web-0 for a
// StatefulSet. Of a pod that came and went the audit log has nothing but the name.
func (w *WorkloadPast) Owns(pod string) bool {
	rest, ok := strings.CutPrefix(pod, w.Name+"-")
	if !ok {
		return false
	}
	if w.Kind == "StatefulSet" {
		return strings.Trim(rest, "0123456789") == ""
	}
	hash, suffix, ok := strings.Cut(rest, "-")
	return ok && hash != "" && len(suffix) == 5 && !strings.Contains(suffix, "-")
}

// Follow applies the next request that succeeded. An error means that the audit log does not tell enough.
func (w *WorkloadPast) Follow(r history.Request) error {
	switch {
	case r.Resource == "pods":
		w.followPod(r)
	case w.isOwnWrite(r):
		if r.Left == nil || r.Left.Replicas == nil {
			return fmt.Errorf("the audit log does not say how many replicas the %s of %s at %s left", r.Verb, w.Object(), Clock(r.Time))
		}
		w.Replicas = *r.Left.Replicas
		if r.Left.PodLabels != nil {
			w.podLabels = r.Left.PodLabels
		}
	}
	return nil
}

func (w *WorkloadPast) followPod(r history.Request) {
	switch {
	case r.Verb == "create" && r.Subresource == "binding" && w.Owns(r.Name):
		w.Pods[r.Name] = w.podLabels
	case w.Loses(r):
		delete(w.Pods, r.Name)
	case r.Left != nil && w.Pods[r.Name] != nil:
		w.Pods[r.Name] = r.Left.PodLabels
	}
}

// Loses reports whether the request takes one of the workload's pods away: by eviction, by deletion, or by labels that
// make the controller let go of the pod.
func (w *WorkloadPast) Loses(r history.Request) bool {
	if _, present := w.Pods[r.Name]; !present || r.Resource != "pods" {
		return false
	}
	return IsRemoval(r) || r.Left != nil && w.letsGo(r.Name, r.Left.PodLabels)
}

// letsGo reports whether the controller no longer counts a pod with these labels, and makes another one in its place.
// The ReplicaSet of a Deployment also selects by the hash that is in the ReplicaSet's name.
func (w *WorkloadPast) letsGo(pod string, with labels.Set) bool {
	if !w.selector.Matches(with) {
		return true
	}
	hash := with[appsv1.DefaultDeploymentUniqueLabelKey]
	return w.Kind == "Deployment" && !strings.HasPrefix(pod, w.Name+"-"+hash+"-")
}

func (w *WorkloadPast) isOwnWrite(r history.Request) bool {
	return w.Is(r) && slices.Contains([]string{"create", "update", "patch"}, r.Verb) && (r.Subresource == "" || r.Subresource == "scale")
}

// Is reports whether the request is about the workload itself.
func (w *WorkloadPast) Is(r history.Request) bool {
	return r.Group == "apps" && r.Resource == strings.ToLower(w.Kind)+"s" && r.Namespace == w.Namespace && r.Name == w.Name
}

// Leaves returns how many pods the request leaves to the workload, and false for a request that takes none away. Ask it
// before the request is followed.
func (w *WorkloadPast) Leaves(r history.Request) (pods int32, takes bool) {
	deletes := r.Verb == "delete" && r.Subresource == "" && r.Propagation != metav1.DeletePropagationOrphan
	if w.Is(r) {
		if deletes {
			return 0, true
		}
		if w.isOwnWrite(r) && r.Left != nil && r.Left.Replicas != nil {
			return *r.Left.Replicas, *r.Left.Replicas < w.Replicas
		}
		return 0, false
	}
	has := w.ofReplicaSet(r)
	switch {
	case has == 0:
		return 0, false
	case deletes:
		return int32(len(w.Pods)) - has, true
	case r.Left != nil && r.Left.Replicas != nil:
		return int32(len(w.Pods)) - has + *r.Left.Replicas, *r.Left.Replicas < has
	}
	return 0, false
}

// ofReplicaSet returns how many pods belong to the ReplicaSet that the request is about.
func (w *WorkloadPast) ofReplicaSet(r history.Request) int32 {
	if w.Kind != "Deployment" || r.Group != "apps" || r.Resource != "replicasets" || r.Namespace != w.Namespace {
		return 0
	}
	has := int32(0)
	for pod := range w.Pods {
		if pod[:strings.LastIndex(pod, "-")] == r.Name {
			has++
		}
	}
	return has
}
