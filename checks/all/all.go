package all

import (
	"slices"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/budget"
	"github.com/k8slab/k8slab/checks/node"
	"github.com/k8slab/k8slab/checks/object"
	"github.com/k8slab/k8slab/checks/pod"
	"github.com/k8slab/k8slab/checks/storage"
	"github.com/k8slab/k8slab/checks/upgrade"
	"github.com/k8slab/k8slab/checks/workload"
)

// Vocabulary returns every check that a lab can use.
func Vocabulary() *checks.Vocabulary {
	v, err := checks.New(slices.Concat(
		budget.Definitions(),
		node.Definitions(),
		object.Definitions(),
		pod.Definitions(),
		storage.Definitions(),
		upgrade.Definitions(),
		workload.Definitions(),
	)...)
	if err != nil {
		panic(err) // two subjects define a check of the same name, which no input can bring about
	}
	return v
}
