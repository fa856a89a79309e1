// Package verify proves content: it plays the answers that come with a step, right and wrong ones, on real clusters of
// its own, and compares what the grader says with what the author says. It is the only place where a script of a lab is
// run; playing a lab never runs one.
//
// An answer finds in its PATH the cluster's kubectl and, where the Runner was told of one, k8slab, for what no API
// does: "k8slab node stop worker-4". Its kubeconfig is the learner's.
//
// What an author did not think of is derived from the solution: near misses, which are its effects done almost right. A
// check that lets one of them pass is too weak, or the near miss is a right answer, and step.yaml says why
// (docs/adr/006-near-misses.md).
//
// It owns clusters, state folders and the order in which answers are played; nothing of it is the learner's. It must
// not know how a result is shown.
//
// Start reading at [Runner.Run]; [worker.prove] is what happens to one answer, and [nearMisses] is where near misses
// are derived.
package verify
