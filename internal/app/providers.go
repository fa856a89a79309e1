package app

import (
	"context"
	"path/filepath"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/aks"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/engine/cluster/existing"
	"github.com/k8slab/k8slab/engine/cluster/kind"
)

// Providers returns every kind of cluster, the default one first. Their files are in folders below stateDir.
func Providers(stateDir string) ([]cluster.Provider, error) {
	makers, err := Makers(stateDir)
	if err != nil {
		return nil, err
	}
	guests := []cluster.Provider{
		existing.New(filepath.Join(stateDir, "existing")),
		aks.New(filepath.Join(stateDir, "aks"), aks.Azure{}),
	}
	return append(makers, guests...), nil
}

// Makers returns the kinds of cluster that k8slab makes itself, the default one first.
func Makers(stateDir string) ([]cluster.Provider, error) {
	local, err := embedded.New(filepath.Join(stateDir, "clusters"))
	if err != nil {
		return nil, err
	}
	containers, err := kind.New(filepath.Join(stateDir, "kind"))
	if err != nil {
		return nil, err
	}
	return []cluster.Provider{local, containers}, nil
}

// Supervise runs the process that stands beside a cluster, and returns its exit code: the recorder for a cluster of
// kind, otherwise the whole control plane. A provider starts this program in the background with these arguments.
func Supervise(ctx context.Context, args []string) int {
	if len(args) > 0 && args[0] == "--kind" {
		return kind.RunRecorder(ctx, args[1:])
	}
	return embedded.RunSupervisor(ctx, args)
}
