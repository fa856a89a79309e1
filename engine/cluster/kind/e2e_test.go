//go:build e2e

package kind_test

import (
	"context"
	"os"
	"testing"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/clustertest"
	"github.com/k8slab/k8slab/engine/cluster/kind"
)

// TestMain plays the recorder, which the provider starts as this same binary.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "supervise" && os.Args[2] == "--kind" {
		os.Exit(kind.RunRecorder(context.Background(), os.Args[3:]))
	}
	os.Exit(m.Run())
}

// spec is of the older release, so that the suite also upgrades.
func spec(name string) cluster.Spec {
	return cluster.Spec{Name: name, Release: "1.36", Nodes: []cluster.Node{
		{Name: "worker-1", Zone: "z1", Pool: "apps"}, {Name: "worker-2", Zone: "z2", Pool: "apps"},
	}}
}

func TestConformance(t *testing.T) {
	p, err := kind.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	clustertest.Run(t, p, spec("conformance"))
}
