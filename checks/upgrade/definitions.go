package upgrade

import "github.com/k8slab/k8slab/checks"

// Definitions returns the checks of this subject.
func Definitions() []checks.Definition {
	return []checks.Definition{
		skewLabels(),
		kubeletVersion(),
		controlPlaneVersion(),
		notForced(),
		noUpgrade(),
		manifestsWithoutWarning(),
		deprecatedNotCalled(),
		upgradedEmpty(),
		oneAtATime(),
		removedEmpty(),
		podsOnNodes(),
	}
}
