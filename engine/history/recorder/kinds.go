package recorder

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kind of objects that is recorded.
type Kind struct {
	schema.GroupVersionResource
	// Name is what records call it.
	Name string
	// facts adds what is known of the kind; nil where only the metadata is recorded.
	facts func(*object, *facts) error
}

// Kinds returns the kinds that are always recorded, and the further ones, written as kubectl's fully qualified
// "resource.version.group".
func Kinds(further ...string) ([]Kind, error) {
	apps := schema.GroupVersion{Group: "apps", Version: "v1"}
	core := schema.GroupVersion{Version: "v1"}
	kinds := []Kind{
		{core.WithResource("pods"), "Pod", podFacts},
		{core.WithResource("nodes"), "Node", nodeFacts},
		{schema.GroupVersion{Group: "policy", Version: "v1"}.WithResource("poddisruptionbudgets"), "PodDisruptionBudget", budgetFacts},
		{apps.WithResource("deployments"), "Deployment", workloadFacts},
		{apps.WithResource("replicasets"), "ReplicaSet", workloadFacts},
		{apps.WithResource("statefulsets"), "StatefulSet", workloadFacts},
		{apps.WithResource("daemonsets"), "DaemonSet", daemonFacts},
	}
	for _, name := range further {
		gvr, _ := schema.ParseResourceArg(name)
		if gvr == nil || gvr.Resource == "" || gvr.Version == "" {
			return nil, fmt.Errorf("%q is no resource with version and group, as in certificates.v1.cert-manager.io", name)
		}
		kinds = append(kinds, Kind{*gvr, gvr.GroupResource().String(), nil})
	}
	return kinds, nil
}

// path of the kind's collection on the API server.
func (k Kind) path() string {
	if k.Group == "" {
		return "/api/" + k.Version + "/" + k.Resource
	}
	return "/apis/" + k.Group + "/" + k.Version + "/" + k.Resource
}
