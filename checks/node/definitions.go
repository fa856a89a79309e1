package node

import "github.com/k8slab/k8slab/checks"

// Definitions returns the checks of this subject.
func Definitions() []checks.Definition {
	return []checks.Definition{
		nodeCordoned(),
		nodeSchedulable(),
		nodeExists(),
		nodeDrained(),
	}
}
