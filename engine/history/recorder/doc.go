// Package recorder writes down, while a cluster runs, what it goes through: one line for each change of a pod, a node,
// a disruption budget, a workload, and of whatever else a lab names. It owns the watches, the files, their bound, and
// the knowledge of its own gaps.
//
// It must not know labs, checks or how clusters are made: it is given a rest.Config, which needs to get, list and watch
// and nothing else, and a folder. What is written is package history's Record, and who asks questions reads the folder
// there.
//
// Start with Recorder.Run in recorder.go, then stream.go (how one kind is followed, and what counts as a gap),
// project.go (what is kept of an object) and store.go (the files). CatchUp answers when all that has happened up to now
// has been written.
package recorder
