// Package checks is the framework in which a learner's work is judged by the state of a cluster and by its recorded
// history. It owns the results, what a check may look at, the vocabulary that labs refer to by name with the
// documentation of each word, and the transport that keeps a check from changing what it looks at.
//
// It must not know any check, how labs are stored or played, how clusters are made, or how a verdict is shown.
// Polling, timeouts, points and the outcomes blocked, errored and not-judged belong to package engine. The checks
// themselves are in a package for each subject: checks/node, checks/budget, checks/workload and so on. checks/kube has
// what the subjects share, and checks/all is the explicit list of them.
//
// Start with Func and Env in types.go and Result in result.go. A check is a struct of parameters and a Func; Define in
// vocabulary.go joins the two, Needing and Changing say what the check cannot do without and what its task changes, and
// Vocabulary.Bind decodes what a lab gives. transport.go has ReadOnly and Clients.
//
// Every check keeps these rules. It looks once. It compares by meaning: selectors by what they match, floors by what
// the disruption controller makes of them. A failure says what was wanted, what was found and why it matters, in
// English and Japanese, and never the command that solves it. Where a controller has yet to catch up, the failure says
// on what in Pending. An error means that the check could not tell; it never blames the learner. A check that cannot
// tell without an audit log, a record of the cluster or one of upgrades declares so (Need), and is not run on a cluster
// that lacks it.
package checks
