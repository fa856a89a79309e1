// Package seed makes the starting state of a step: it reads the objects of a lab's set-up, clears away what the lab
// left before, creates the objects, waits until the cluster has settled on them, and keeps what it was (the baseline),
// so that a checkpoint can bring it back.
//
// It owns what k8slab itself writes into a cluster, and what a lab may not write there (policy.go). It knows neither
// checks nor the journal, and it does not decide when a step is entered; that is package engine's.
//
// Start reading at Target.Make, then scenario.go (what a starting state consists of) and settle.go (when it is
// complete).
package seed
