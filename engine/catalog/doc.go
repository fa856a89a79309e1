// Package catalog knows which labs there are and what can be played where: it finds the labs that came with k8slab and
// those of sources, links a lab's checks to the vocabulary, says how much of a lab a kind of cluster can play, and
// finds what is wrong with a lab.
//
// A lab is read and linked when it is opened, and only then: what a command costs does not grow with the number of
// labs. The package knows neither attempts nor running clusters.
//
// Start reading at Catalog.Open, then link.go (how names become checks) and playable.go (what fits a cluster).
package catalog
