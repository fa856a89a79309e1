package main

import (
	"runtime/debug"
	"time"
)

const (
	// startPercent and steadyPercent are garbage collector targets (GOGC). Starting is a race for the processor, in which
	// most of what is allocated stays; afterwards a lab's cluster is idle most of the time, and a laptop has other uses
	// for its memory.
	startPercent  = 50
	steadyPercent = 25
	// steadyAfter is when a component has started on any machine that is worth starting it on.
	steadyAfter = 15 * time.Second
)

// collectLazilyAtFirst trades memory for speed until the component has started, and speed for memory from then on.
func collectLazilyAtFirst() {
	debug.SetGCPercent(startPercent)
	time.AfterFunc(steadyAfter, func() {
		debug.SetGCPercent(steadyPercent)
		debug.FreeOSMemory()
	})
}
