// Package engine plays labs. It brings up the cluster of a lab, makes the starting state of a step, grades what the
// learner did, and keeps the journal of it. Every face (the command line, a screen, a page) asks this package.
//
// [Engine] knows all labs: it lists them, starts one, and opens the one that is under way. [Engine.Start] and
// [Engine.Open] return a [Play]: one attempt at a lab, held open with its linked lab, its step, its provider and the
// readers of the cluster's history. What is done in a lab is a method of Play, which a command asks once and a screen
// for hours; what ends a lab's cluster is a method of Engine, because it works without the lab. [Session] is a copy of
// what the play shows.
//
// The engine has rooms:
//
//   - catalog: which labs there are, how their checks are linked, what can be played on which kind of cluster
//   - seed: how the starting state of a step is made, and what a lab may not write into a cluster
//   - grading: how checks become verdicts and points
//
// Other packages below engine are used by the rooms and know none of them: cluster (what is asked of a provider),
// history (what happened in a cluster), progress (the journal), and the leaves action and problem.
//
// This package owns what joins them: the session with its folder, its lock and its intent (intent.go), the way from
// step to step (move.go), clusters that somebody else made (guest.go), upgrades (upgrade.go, preflight.go), snapshots,
// the power of nodes and the components of a control plane (power.go), and the end of a lab (ending.go). rules.go holds
// the rules that all faces share: when a step may be left, what to do next, what help costs.
//
// It must not know terminals, command lines or pages: its methods return values, and what a person can do next is an
// action.Action. Nor must it know any provider: it asks for what a provider can do with cluster.As.
//
// Start reading at Engine.Start in start.go, then Play in play.go, Play.enter in move.go, and Play.Look in look.go.
package engine
