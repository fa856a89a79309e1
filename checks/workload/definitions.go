package workload

import "github.com/k8slab/k8slab/checks"

// Definitions returns the checks of this subject.
func Definitions() []checks.Definition {
	return []checks.Definition{
		workloadAvailable(),
		replicasNotLowered(),
		neverBelow(),
		availableThroughout(),
		templateUnchanged(),
		podsNotDeleted(),
		spreadConstraint(),
		spreadOverZones(),
		terminationGrace(),
		preStopPauses(),
		coversNodes(),
		leavesLostNodes(),
		survivesNodeLoss(),
	}
}
