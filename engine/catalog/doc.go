// Package catalog knows which labs there are and what can be played where. It finds the labs that came with k8slab and
// those of sources, links a lab's checks to the vocabulary, says how much of a lab a kind of cluster can play, and
// finds what is wrong with a lab.
//
// It owns the linked lab ([Lab]), which is read and linked when it is opened and only then, so that the cost of playing
// one lab does not grow with the number of labs. It must not know attempts or running clusters: what a provider's
// clusters can do, it learns from the provider.
//
// Start reading at Catalog.Open, then link.go (how names become checks) and playable.go (what fits a cluster). Lint is
// for authors.
package catalog
