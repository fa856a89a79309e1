// Package verify proves content: it plays the answers that come with a step, right and wrong ones, on a real cluster, and
// compares what the grader says with what the author says. It is the only place where a script of a lab is run; playing a lab
// never runs one.
//
// An answer finds in its PATH the cluster's kubectl and, where the Verifier was told of one, k8slab, for what no API does:
// "k8slab node stop worker-4". Its kubeconfig is the learner's.
//
// Start reading at Verifier.Prove.
package verify
