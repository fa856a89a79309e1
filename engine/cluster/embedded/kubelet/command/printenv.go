package command

import "fmt"

// printenv is env, or shows one variable.
type printenv struct{}

func (printenv) Name() string { return "printenv" }

func (printenv) Run(w *World) int {
	if len(w.Args) == 0 {
		return env{}.Run(w)
	}
	_, _ = fmt.Fprintln(w.Stdout, w.Getenv(w.Args[0]))
	return 0
}
