package cli

import (
	"context"
	"os"
	"path/filepath"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/labs"
)

// Main runs k8slab with this process's arguments and streams, and returns the exit code.
func Main() int {
	parts := Parts{NewEngine: newEngine, Supervise: embedded.RunSupervisor, Exec: syscall.Exec}
	return withSignals(func(ctx context.Context) int {
		return Run(ctx, os.Args[1:], OSStreams(), parts)
	})
}

// newEngine brings together the labs of this executable, the checks and the kinds of cluster.
func newEngine(stateDir string) (Engine, error) {
	// client-go logs to stderr, which is the learner's screen. The supervisor, which makes no engine, keeps its log.
	klog.SetLogger(logr.Discard())
	all, err := content.LoadAll(labs.FS())
	if err != nil {
		return nil, brokenLabs(err)
	}
	local, err := embedded.New(filepath.Join(stateDir, "clusters"))
	if err != nil {
		return nil, err
	}
	return engine.New(engine.Config{
		Labs: all, Vocabulary: checks.Default(), Providers: []cluster.Provider{local}, StateDir: stateDir,
		Library: sourcesIn(stateDir),
	})
}
