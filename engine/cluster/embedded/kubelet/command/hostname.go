package command

import "fmt"

type hostname struct{}

func (hostname) Name() string  { return "hostname" }
func (hostname) Usage() string { return "hostname" }

func (hostname) Run(w *World) int {
	_, _ = fmt.Fprintln(w.Stdout, w.Hostname)
	return 0
}
