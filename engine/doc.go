// Package engine plays labs. [Engine.Start] brings up a lab's cluster and the starting state of a step, and
// [Engine.Open] goes on with a lab that is under way; both return a [*Play], one attempt at a lab that is held open. A
// play grades (look.go), moves between steps (move.go), helps (help.go), tells what happened (timeline.go), and does to
// the cluster what a learner asks for: upgrades, power switches, components, snapshots. What it does is in the journal.
//
// The package owns attempts, the order in which a step is entered and left (an interrupted command is finished by the
// next one: intent.go), the visits to clusters that somebody else made (guest.go), and the rules that all faces share
// (rules.go). It does not know terminals, nor which kinds of cluster there are.
//
// Its rooms know less: package catalog which labs there are and what can be played where, package seed how a starting
// state comes about, package grading how a verdict does. Imports go from engine to grading to catalog to seed.
//
// Start reading at Play, then Play.Look and Play.enter.
package engine
