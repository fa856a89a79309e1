package command

import (
	"fmt"
	"strings"
)

// env lists the variables. It starts no program.
type env struct{}

func (env) Name() string  { return "env" }
func (env) Usage() string { return "env" }

func (env) Run(w *World) int {
	if len(w.Args) > 0 {
		return Unanswered
	}
	_, _ = fmt.Fprintln(w.Stdout, strings.Join(w.Env, "\n"))
	return 0
}
