package main

import (
	"os"
	"runtime/debug"
	"strconv"
	"time"
)

const (
	// startPercent and steadyPercent are garbage collector targets (GOGC). Starting is a race for the processor, in
	// which most of what is allocated stays; afterwards a lab's cluster is idle most of the time, and a laptop has
	// other uses for its memory.
	startPercent  = 50
	steadyPercent = 25
	// steadyAfter is a time in which a component starts on any machine that is worth starting it on.
	steadyAfter = 15 * time.Second
	// percentVariable names the environment variable with the target of a cluster that is busy all the time, as one on
	// which labs are proved. GOGC itself counts for nothing: it may be meant for other programs of the person's shell.
	percentVariable = "K8SLAB_GC_PERCENT"
)

// collectLazilyAtFirst trades memory for speed until the component has started, and speed for memory from then on,
// unless the environment says that there is no such time.
func collectLazilyAtFirst() {
	if percent, err := strconv.Atoi(os.Getenv(percentVariable)); err == nil && percent > 0 {
		debug.SetGCPercent(percent)
		return
	}
	debug.SetGCPercent(startPercent)
	time.AfterFunc(steadyAfter, func() {
		debug.SetGCPercent(steadyPercent)
		debug.FreeOSMemory()
	})
}
