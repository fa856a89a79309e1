package command

import (
	"strconv"
	"time"
)

type sleep struct{}

func (sleep) Name() string  { return "sleep" }
func (sleep) Usage() string { return "sleep" }

func (sleep) Run(w *World) int {
	d, ok := sleepTime(w.Args)
	if !ok {
		return Unanswered
	}
	w.Sleep(d)
	return 0
}

// forever is longer than any cluster lives.
const forever = 100 * 365 * 24 * time.Hour

// sleepTime reads seconds, a number with a unit, or infinity, as GNU's sleep does.
func sleepTime(args []string) (time.Duration, bool) {
	if len(args) != 1 {
		return 0, false
	}
	if args[0] == "infinity" {
		return forever, true
	}
	text := args[0]
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0
}
