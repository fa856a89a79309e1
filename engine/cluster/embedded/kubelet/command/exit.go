package command

import "strconv"

// exitName is the command that a script ends with.
const exitName = "exit"

type exit struct{}

func (exit) Name() string { return exitName }

func (exit) Run(w *World) int {
	if len(w.Args) == 0 {
		return 0
	}
	code, _ := strconv.Atoi(w.Args[0])
	return code & 0xff
}
