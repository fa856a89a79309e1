package cli

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/aks"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/engine/cluster/existing"
	"github.com/k8slab/k8slab/engine/cluster/kind"
	"github.com/k8slab/k8slab/engine/verify"
)

// Main runs k8slab with this process's arguments and streams, and returns the exit code.
func Main() int {
	parts := Parts{NewEngine: newEngine, Verify: verifyLabs, Supervise: supervise, Exec: syscall.Exec}
	return withSignals(func(ctx context.Context) int {
		return Run(ctx, os.Args[1:], OSStreams(), parts)
	})
}

// supervise runs what stands beside a cluster: for one of kind the recorder, and else the whole control plane.
func supervise(ctx context.Context, args []string) int {
	if len(args) > 0 && args[0] == "--kind" {
		return kind.RunRecorder(ctx, args[1:])
	}
	return embedded.RunSupervisor(ctx, args)
}

// newEngine brings together the labs of this executable, the checks and the kinds of cluster.
func newEngine(stateDir string) (Engine, error) {
	// client-go logs to stderr, which is the learner's screen. The supervisor, which makes no engine, keeps its log.
	klog.SetLogger(logr.Discard())
	from, err := labsFrom(os.Getenv(labsVariable))
	if err != nil {
		return nil, err
	}
	kinds, err := providers(stateDir)
	if err != nil {
		return nil, err
	}
	return engine.New(engine.Config{
		Labs: from.labs, Vocabulary: checks.Default(), Library: sourcesIn(stateDir), StateDir: stateDir,
		Providers: append(kinds, existing.New(filepath.Join(stateDir, "existing")), aks.New(filepath.Join(stateDir, "aks"), aks.Azure{})),
	})
}

// providers are the kinds of cluster that k8slab makes itself, the default one first.
func providers(stateDir string) ([]cluster.Provider, error) {
	local, err := embedded.New(filepath.Join(stateDir, "clusters"))
	if err != nil {
		return nil, err
	}
	containers, err := kind.New(filepath.Join(stateDir, "kind"))
	return []cluster.Provider{local, containers}, err
}

// verifyLabs proves labs on clusters of their own, and lets their answers call this program.
func verifyLabs(ctx context.Context, r verify.Runner) (*verify.Result, error) {
	klog.SetLogger(logr.Discard())
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r.Program = program
	if dir := os.Getenv(embedded.DirVariable); dir != "" {
		if dir, err = filepath.Abs(dir); err != nil {
			return nil, err
		}
		r.Env = append(r.Env, embedded.DirVariable+"="+dir)
	}
	r.Vocabulary = checks.Default()
	withEngine(&r)
	r.Providers = providers
	return r.Run(ctx)
}

// withEngine lets answers find the engine of containers where their clusters are its own, and only there.
func withEngine(r *verify.Runner) {
	if r.Cluster != kind.Name {
		return
	}
	env, folder := kind.Environment()
	r.Env = slices.Concat(r.Env, env)
	if folder != "" {
		r.Path = append(r.Path, folder)
	}
}
