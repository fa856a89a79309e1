// Package checks judges a learner's work by the state of a cluster and by its recorded history. It owns the vocabulary
// that labs refer to by name, the documentation of each word, and the transport that keeps a check from changing what
// it looks at.
//
// It must not know how labs are stored or played, how clusters are made, or how a verdict is shown. Polling, timeouts,
// points and the outcomes blocked, errored and not-judged belong to package engine.
//
// Start with Func and Result in types.go, then Default in default.go, which lists every check. A check is a struct of
// parameters and a Func in the file of its subject: node.go and node_loss.go; workload.go, template.go, spread.go and
// stopping.go; budget_*.go; identity.go, removal.go, pod_deletion.go and stopped.go; of upgrades skew.go, upgraded.go,
// deprecated.go, node_removed.go and storage_version.go. Define joins them, and Vocabulary.Bind decodes what a lab gives.
// What was undone again is found by retelling the history request by request: workload_past.go and budget_past.go.
// transport.go has ReadOnly and Clients.
//
// Every check keeps these rules. It looks once. It compares by meaning: selectors by what they match, floors by what
// the disruption controller makes of them. A failure says what was wanted, what was found and why it matters, in
// English and Japanese, and never the command that solves it. Where a controller has yet to catch up, the failure says
// on what in Pending. An error means that the check could not tell; it never blames the learner. A check that cannot tell without an audit log, a
// record of the cluster or one of upgrades declares so (Need), and is not run where there is none.
package checks
