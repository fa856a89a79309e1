package command

import (
	"fmt"
	"time"
)

type date struct{}

func (date) Name() string  { return "date" }
func (date) Usage() string { return "date" }

func (date) Run(w *World) int {
	_, _ = fmt.Fprintln(w.Stdout, time.Now().UTC().Format("Mon Jan _2 15:04:05 UTC 2006"))
	return 0
}
