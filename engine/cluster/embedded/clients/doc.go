// Package clients plays the programs that a lab declares as clients of the API, such as a pipeline that applies
// manifests. Nothing is made up about what they do: they authenticate as a ServiceAccount, and every request of theirs
// goes to the API server and into its audit log.
//
// It owns the programs, a file each, and when they work, their tokens and their logs. How they are declared is package
// behavior's; it must not know labs, and of the control plane nothing but its API.
//
// To add a program, declare its field in package behavior, write it in a file of its own, as apply.go does, and add a
// line to All in all.go. Start reading at Program, then Player.Run.
package clients
