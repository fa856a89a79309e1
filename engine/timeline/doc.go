// Package timeline tells an attempt as it happened: what the learner did in kubectl's words, what k8slab did, and what
// became of the cluster, in one order. It owns the words, in English and Japanese, and what is joined so that two hours
// can be read.
//
// It must not know clusters, sessions or terminals: it is given the journal's events, the requests of the audit log and
// the record of the cluster, any of which may be missing, and returns values. Nothing here judges; that is the business
// of package checks.
//
// Start with Tell in story.go, then requests.go (the learner), journal.go (k8slab) and facts.go (the cluster).
package timeline
