package app

import (
	"context"
	"os"
	"path/filepath"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/all"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/engine/verify"
	"github.com/k8slab/k8slab/internal/source"
)

// New returns an engine that plays the labs on the shelf, and the labs of the sources that were added, on every kind of
// cluster.
func New(stateDir string, labs catalog.Shelf) (*engine.Engine, error) {
	quiet()
	providers, err := Providers(stateDir)
	if err != nil {
		return nil, err
	}
	return engine.New(engine.Config{
		Labs: labs, Vocabulary: Vocabulary(), Library: Sources(stateDir), StateDir: stateDir, Providers: providers,
	})
}

// Vocabulary is every check that labs can use.
func Vocabulary() *checks.Vocabulary { return all.Vocabulary() }

// quiet keeps client-go from logging to stderr, which is the learner's screen. The supervisor, which makes no engine,
// keeps its log.
func quiet() { klog.SetLogger(logr.Discard()) }

// Sources returns the store of sources below the state folder.
func Sources(stateDir string) *source.Store {
	return source.New(filepath.Join(stateDir, "sources"), ThisBuild().Version)
}

// Verify proves the runner's labs on clusters of their own. Their answers can call this program.
func Verify(ctx context.Context, r verify.Runner) (*verify.Result, error) {
	quiet()
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if os.Getenv(embedded.CollectVariable) == "" {
		// Clusters on which labs are proved are never idle: a seventh of their processor time would go into saving
		// memory.
		if err := os.Setenv(embedded.CollectVariable, "100"); err != nil {
			return nil, err
		}
	}
	r.Program, r.Vocabulary, r.Providers = program, Vocabulary(), Makers
	return r.Run(ctx)
}
