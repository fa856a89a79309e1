package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/k8slab/k8slab/engine/history"
)

// workloadPast retells how many pods a Deployment or StatefulSet asked for and had, from the starting state on, one
// request after the other.
type workloadPast struct {
	scaledParams
	selector labels.Selector
	// replicas that it asks for, and the labels of its pod template.
	replicas  int32
	podLabels labels.Set
	// pods that were bound to a node and have not been removed, with their labels.
	pods map[string]labels.Set
}

func newWorkloadPast(baseline Baseline, p scaledParams) (*workloadPast, error) {
	o, ok := baseline.Object(schema.GroupKind{Group: "apps", Kind: p.Kind}, p.Namespace, p.Name)
	if !ok {
		return nil, notInBaseline(p.Kind, p.Namespace, p.Name)
	}
	w := &workloadPast{scaledParams: p, replicas: int32(replicasOf(o)), pods: map[string]labels.Set{}}
	var err error
	if w.selector, err = selectorOf(o); err != nil {
		return nil, err
	}
	w.podLabels, _, err = unstructured.NestedStringMap(o.Object, "spec", "template", "metadata", "labels")
	if err != nil {
		return nil, fmt.Errorf("reading the pod template of %s: %w", w.object(), err)
	}
	pods, err := baselinePods(baseline)
	if err != nil {
		return nil, err
	}
	for i := range pods {
		if pods[i].Namespace == p.Namespace && w.owns(pods[i].Name) && !isFinished(&pods[i]) {
			w.pods[pods[i].Name] = pods[i].Labels
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
	if err := fromUnstructured(o, &workload); err != nil {
		return nil, err
	}
	return metav1.LabelSelectorAsSelector(workload.Spec.Selector)
}

// past returns what succeeded in the namespace since the step began, oldest first.
func past(ctx context.Context, env Env, namespace string) ([]history.Request, error) {
	requests, err := env.History.Requests(ctx, history.Query{Since: env.Since, Namespace: namespace, Succeeded: true})
	if err != nil {
		return nil, fmt.Errorf("looking up what was asked for in namespace %s: %w", namespace, err)
	}
	return requests, nil
}

func (w *workloadPast) object() string { return strings.ToLower(w.Kind) + "/" + w.Name }

// owns tells the workload's pods by their names, for the log has nothing else of a pod that came and went: web-5d9c-x7k2p
// for a Deployment, web-0 for a StatefulSet.
func (w *workloadPast) owns(pod string) bool {
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

// follow takes the next request that succeeded. An error says that the log does not tell enough.
func (w *workloadPast) follow(r history.Request) error {
	switch {
	case r.Resource == "pods":
		w.followPod(r)
	case w.isOwnWrite(r):
		if r.Left == nil || r.Left.Replicas == nil {
			return fmt.Errorf("the audit log does not say how many replicas the %s of %s at %s left", r.Verb, w.object(), clock(r))
		}
		w.replicas = *r.Left.Replicas
		if r.Left.PodLabels != nil {
			w.podLabels = r.Left.PodLabels
		}
	}
	return nil
}

func (w *workloadPast) followPod(r history.Request) {
	switch {
	case r.Verb == "create" && r.Subresource == "binding" && w.owns(r.Name):
		w.pods[r.Name] = w.podLabels
	case w.loses(r):
		delete(w.pods, r.Name)
	case r.Left != nil && w.pods[r.Name] != nil:
		w.pods[r.Name] = r.Left.PodLabels
	}
}

// loses reports whether the request takes one of the workload's pods away: by eviction, by deletion, or by labels under
// which its controller lets go of it.
func (w *workloadPast) loses(r history.Request) bool {
	if _, present := w.pods[r.Name]; !present || r.Resource != "pods" {
		return false
	}
	return isRemoval(r) || r.Left != nil && w.letsGo(r.Name, r.Left.PodLabels)
}

// letsGo reports whether the controller no longer counts a pod with these labels, and makes another one in its place. A
// ReplicaSet of a Deployment asks for the hash that is in its name, too.
func (w *workloadPast) letsGo(pod string, with labels.Set) bool {
	if !w.selector.Matches(with) {
		return true
	}
	hash := with[appsv1.DefaultDeploymentUniqueLabelKey]
	return w.Kind == "Deployment" && !strings.HasPrefix(pod, w.Name+"-"+hash+"-")
}

func isRemoval(r history.Request) bool {
	return r.Resource == "pods" && (r.Verb == "create" && r.Subresource == "eviction" || r.Verb == "delete" && r.Subresource == "")
}

func (w *workloadPast) isOwnWrite(r history.Request) bool {
	return w.is(r) && slices.Contains([]string{"create", "update", "patch"}, r.Verb) && (r.Subresource == "" || r.Subresource == "scale")
}

func (w *workloadPast) is(r history.Request) bool {
	return r.Group == "apps" && r.Resource == strings.ToLower(w.Kind)+"s" && r.Namespace == w.Namespace && r.Name == w.Name
}

// leaves returns how many pods the request leaves to the workload, and false for one that takes none away. It is to be
// asked before the request is followed.
func (w *workloadPast) leaves(r history.Request) (pods int32, takes bool) {
	deletes := r.Verb == "delete" && r.Subresource == "" && r.Propagation != metav1.DeletePropagationOrphan
	if w.is(r) {
		if deletes {
			return 0, true
		}
		if w.isOwnWrite(r) && r.Left != nil && r.Left.Replicas != nil {
			return *r.Left.Replicas, *r.Left.Replicas < w.replicas
		}
		return 0, false
	}
	has := w.ofReplicaSet(r)
	switch {
	case has == 0:
		return 0, false
	case deletes:
		return int32(len(w.pods)) - has, true
	case r.Left != nil && r.Left.Replicas != nil:
		return int32(len(w.pods)) - has + *r.Left.Replicas, *r.Left.Replicas < has
	}
	return 0, false
}

// ofReplicaSet returns how many of the pods the ReplicaSet has that the request is about.
func (w *workloadPast) ofReplicaSet(r history.Request) int32 {
	if w.Kind != "Deployment" || r.Group != "apps" || r.Resource != "replicasets" || r.Namespace != w.Namespace {
		return 0
	}
	has := int32(0)
	for pod := range w.pods {
		if pod[:strings.LastIndex(pod, "-")] == r.Name {
			has++
		}
	}
	return has
}
