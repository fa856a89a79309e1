// Package command has the commands of simulated containers, a file each. No process runs: a command says at once what
// it would write, how long it would take and how it would end. The simulated kubelet asks a command for kubectl exec,
// and also in advance, for the log, the exit code and the run time of a container whose command line it is.
//
// It owns the commands, the little of a shell that joins them, and what a command may see of the world: World. It
// must not know the simulated kubelet, its nodes or the API server.
//
// To add a command, write it in a file of its own, as echo.go does, and add a line to All in all.go. Start reading at
// Command, then Set.Run.
package command
