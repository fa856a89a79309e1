package kube

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// OneOf refuses a parameter kind that is none of the kinds.
func OneOf(kind string, kinds ...string) error {
	if slices.Contains(kinds, kind) {
		return nil
	}
	return fmt.Errorf("kind: %q is none of %s", kind, strings.Join(kinds, ", "))
}

// ReplicasOf returns the replicas that a Deployment or StatefulSet asks for; 1, as the API server fills in, if it names
// no number.
func ReplicasOf(o *unstructured.Unstructured) int64 {
	n, found, err := unstructured.NestedInt64(o.Object, "spec", "replicas")
	if err != nil || !found {
		return 1
	}
	return n
}

// Workload names a Deployment, StatefulSet or DaemonSet.
type Workload struct {
	Kind, Namespace, Name string
}

// Object is the workload as kubectl names it: "deployment/web".
func (w Workload) Object() string { return strings.ToLower(w.Kind) + "/" + w.Name }
