package command

import (
	"io"
	"slices"
	"strings"
)

// nsenter runs a command in the machine's own namespaces, with which privileged pods such as Kured's work.
type nsenter struct{}

func (nsenter) Name() string { return "nsenter" }

func (nsenter) Run(w *World) int {
	if w.Host.all == nil {
		_, _ = io.WriteString(w.Stderr, "nsenter: cannot open /proc/1/ns/mnt: Permission denied\n")
		return 1
	}
	args := w.Args
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		option := args[0]
		args = args[1:]
		if option == "--" {
			break
		}
		if (option == "-t" || option == "--target") && len(args) > 0 {
			args = args[1:]
		}
	}
	for i, arg := range args {
		if strings.HasPrefix(arg, "/var/run/") {
			args = slices.Clone(args)
			args[i] = OnMachine(arg)
		}
	}
	inside := *w
	inside.Host = HostFiles{mounts: []string{"/"}, files: w.Host.all, all: w.Host.all}
	return inside.Exec(args)
}
