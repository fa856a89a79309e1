// Package recorder writes down what a cluster goes through while it runs: one line for each change of a pod, a node, a
// disruption budget, a workload, and of the further resources that a lab names. It owns the watches, the files and
// their bound, and the knowledge of its own gaps.
//
// It must not know labs, checks or how clusters are made: it is given a folder and a rest.Config, whose user needs to
// get, list and watch and nothing else. What it writes is package history's Record; who has a question reads the folder
// with that package.
//
// Start reading at Recorder.Run in recorder.go, then stream.go (how one kind is followed, and what counts as a gap),
// project.go (what is kept of an object) and store.go (the files). CatchUp answers when all that has happened up to now
// has been written.
package recorder
