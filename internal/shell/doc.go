// Package shell prepares a shell for a lab: the variables that point it at the lab's cluster, the start-up files that
// set them after the user's own, and the prompt that shows where the lab is.
//
// It owns how bash, zsh, fish, PowerShell and POSIX shells are started, and how each of them quotes. It must not know
// commands, flags, sessions or clusters: its caller describes the lab in an Environment, and runs the shell on streams
// or a terminal of its own.
//
// Start reading at Environment and Environment.Prepare.
package shell
