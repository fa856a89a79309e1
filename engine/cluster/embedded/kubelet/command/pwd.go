package command

import "fmt"

type pwd struct{}

func (pwd) Name() string  { return "pwd" }
func (pwd) Usage() string { return "pwd" }

func (pwd) Run(w *World) int {
	_, _ = fmt.Fprintln(w.Stdout, "/")
	return 0
}
