// Package cli is k8slab's command line: a command parses, calls one method of the engine and renders one value.
//
// It owns commands, flags, help texts, exit codes and the one place where errors are printed. The answer goes to stdout
// and narration to stderr, so that a pipe gets the answer alone. It must not know how a cluster is made or how a check
// decides, and it never reads or changes the KUBECONFIG of its user.
//
// Start reading at [Run], which is [Main] without the process's own streams, then at [newRoot] for the commands. Each
// command has one constructor, in a file named after it or after its kind.
package cli
