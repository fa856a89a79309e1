package checks

// Default returns the vocabulary of k8slab: every check that a lab can use.
func Default() *Vocabulary {
	v, err := New(
		celExpression(),
		nodeCordoned(),
		nodeDrained(),
		nodeExists(),
		nodeSchedulable(),
		upgradedEmpty(),
		removedEmpty(),
		kubeletVersion(),
		skewLabels(),
		podsOnNodes(),
		controlPlaneVersion(),
		notForced(),
		noUpgrade(),
		manifestsWithoutWarning(),
		deprecatedNotCalled(),
		definedVersions(),
		customObjectsKept(),
		storageMigrated(),
		statusLeftAlone(),
		oneAtATime(),
		coversNodes(),
		workloadAvailable(),
		replicasNotLowered(),
		neverBelow(),
		availableThroughout(),
		allowsEviction(),
		keepsFloor(),
		notWeaker(),
		floorAtDisruptions(),
		onePerPod(),
		sameIdentity(),
		evictedNotDeleted(),
		letsUnreadyGo(),
		allowsEvictionOfUnready(),
		guardsHealthy(),
		podsNotDeleted(),
		templateUnchanged(),
		spreadConstraint(),
		spreadOverZones(),
		terminationGrace(),
		preStopPauses(),
		evictedInTime(),
		leavesLostNodes(),
		survivesNodeLoss(),
	)
	if err != nil {
		panic(err) // a mistake in the list above, which no input can bring about
	}
	return v
}
