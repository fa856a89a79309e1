package command

import (
	"fmt"
	"strings"
)

type echo struct{}

func (echo) Name() string  { return "echo" }
func (echo) Usage() string { return "echo" }

func (echo) Run(w *World) int {
	_, _ = fmt.Fprintln(w.Stdout, strings.Join(w.Args, " "))
	return 0
}
