// Package seed makes the starting state of a step. It reads the objects of a lab's set-up, removes what the lab left on
// the cluster before, creates the objects, waits until the cluster has settled on them, and records the result as the
// baseline, with which the learner's work is compared. Where clusters have checkpoints, it saves and restores starting
// states.
//
// It owns what k8slab itself writes into a cluster, and the rules for what a lab may write there (policy.go). It must
// not know checks or the journal, nor decide when a step is entered, which package engine does.
//
// Start reading at Target.Make, then scenario.go (what a starting state consists of) and settle.go (when it is
// complete). visit.go tells beforehand what would change on a cluster that somebody else made.
package seed
