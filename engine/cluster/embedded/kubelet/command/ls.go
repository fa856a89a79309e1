package command

import (
	"fmt"
	"slices"
	"strings"
)

// ls lists the root folder, and files of the machine.
type ls struct{}

func (ls) Name() string  { return "ls" }
func (ls) Usage() string { return "ls /" }

func (ls) Run(w *World) int {
	if file, _, of := w.Host.argument(w.Args); of {
		names, exists := w.Host.find(file)
		if !exists {
			_, _ = fmt.Fprintf(w.Stderr, "ls: cannot access '%s': No such file or directory\n", file)
			return 2
		}
		if len(names) > 0 {
			_, _ = fmt.Fprintln(w.Stdout, strings.Join(names, "\n"))
		}
		return 0
	}
	if len(w.Args) > 0 && !slices.Equal(w.Args, []string{"/"}) {
		return Unanswered
	}
	_, _ = fmt.Fprintln(w.Stdout, "bin\ndev\netc\nhome\nproc\nroot\nsys\ntmp\nusr\nvar")
	return 0
}
