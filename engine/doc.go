// Package engine plays labs: it links a lab's checks to the vocabulary, brings up the cluster, seeds the starting state of
// a step, grades what the learner did, and keeps the journal.
//
// It knows labs, checks and clusters and joins them; it does not know terminals. Every method of [Engine] does what one command
// of the command line asks for and returns a value to be shown.
//
// Start reading at Engine.Start, then scenario.go (how a starting state comes about) and grade.go (how a verdict does).
package engine
