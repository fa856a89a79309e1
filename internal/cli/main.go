package cli

import (
	"context"
	"os"
	"runtime/debug"
	"slices"
	"syscall"

	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/internal/app"
)

// briefGC is the garbage collection target (GOGC, in percent) of a short-lived command: a tenth of the time of `k8slab
// check` went into collecting memory that the command's end frees anyway.
const briefGC = 400

// longLived are the commands that run for minutes or more. They keep Go's own target.
var longLived = []string{"supervise", "verify"}

// Main runs k8slab with this process's arguments and streams, and returns the exit code.
func Main() int {
	if len(os.Args) > 1 && !slices.Contains(longLived, os.Args[1]) {
		debug.SetGCPercent(briefGC)
	}
	parts := Parts{NewEngine: newEngine, Verify: app.Verify, Supervise: app.Supervise, Exec: syscall.Exec}
	return withSignals(func(ctx context.Context) int {
		return Run(ctx, os.Args[1:], OSStreams(), parts)
	})
}

// newEngine returns an engine that plays the labs of this executable, or the labs that the environment names.
func newEngine(stateDir string) (Engine, error) {
	labs, err := app.Shelf(os.Getenv(labsVariable))
	if err != nil {
		return nil, err
	}
	e, err := app.New(stateDir, labs)
	if err != nil {
		return nil, err
	}
	return opened{e}, nil
}

// opened is the engine as an Engine: its plays are returned as a Play.
type opened struct{ *engine.Engine }

// Open implements Engine.
func (o opened) Open(ctx context.Context, lab string) (Play, error) {
	play, err := o.Engine.Open(ctx, lab)
	if err != nil {
		return nil, err
	}
	return play, nil
}

// Start implements Engine.
func (o opened) Start(ctx context.Context, lab string, opts engine.StartOptions, p cluster.Progress) (Play, error) {
	play, err := o.Engine.Start(ctx, lab, opts, p)
	if err != nil {
		return nil, err
	}
	return play, nil
}
