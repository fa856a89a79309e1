// Package upgrade has the checks of upgrades: version skew, callers of APIs that are about to go, the release of the
// control plane and of kubelets, and nodes that are upgraded or replaced.
//
// It must not know other subjects. skew.go and versions.go compare versions, manifests.go and callers.go look for
// deprecated APIs, record.go asks what k8slab itself has upgraded, and nodes.go, at_once.go, removed.go and placed.go
// follow the nodes.
//
// Start reading at Definitions.
package upgrade
