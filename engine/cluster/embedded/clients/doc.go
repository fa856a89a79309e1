// Package clients plays the programs that a lab declares as clients of the API, such as a pipeline that applies manifests. Nothing is
// made up about what they do: they authenticate as a ServiceAccount, and every request of theirs goes to the API server and into its
// audit log.
//
// It owns the calling, the tokens and the logs of these programs. How they are declared is package behavior's; it must not know labs,
// and of the control plane nothing but its API.
//
// Start reading at Player.Run, then caller.round.
package clients
