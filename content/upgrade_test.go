package content_test

import (
	"strings"
	"testing"

	"github.com/k8slab/k8slab/content"
)

func TestAStepCanStartOnAnotherRelease(t *testing.T) {
	files := validFiles()
	inLab("  nodes:", "  runtimeConfig: [storage.k8s.io/v1beta1, apps/v1]\n  nodes:")(files)
	inStep("points: 10", "points: 10\ncluster:\n  release: \"1.38\"\n  kubelets: {worker-1: \"1.37\"}")(files)
	lab, err := content.Load(files, "11-first")
	if err != nil {
		t.Fatal(err)
	}
	if got := lab.Cluster.RuntimeConfig; len(got) != 2 || got[0] != "storage.k8s.io/v1beta1" {
		t.Errorf("runtime config %v", got)
	}
	if c := lab.Steps[0].Cluster; c.Release != "1.38" || c.Kubelets["worker-1"] != "1.37" {
		t.Errorf("the step's cluster is %+v", c)
	}
}

func TestAClusterThatCannotBeIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change change
		field  string
	}{
		"no group version":        {inLab("  nodes:", "  runtimeConfig: [\"api/all=true\"]\n  nodes:"), "cluster.runtimeConfig[0]"},
		"more than one":           {inLab("  nodes:", "  runtimeConfig: [\"apps/v1,batch/v1\"]\n  nodes:"), "cluster.runtimeConfig[0]"},
		"a version twice":         {inLab("  nodes:", "  runtimeConfig: [apps/v1, apps/v1]\n  nodes:"), "cluster.runtimeConfig[1]"},
		"a patch release":         {inStep("points: 10", "points: 10\ncluster: {release: \"1.37.2\"}"), "cluster.release"},
		"a kubelet of no release": {inStep("points: 10", "points: 10\ncluster: {kubelets: {worker-1: new}}"), "cluster.kubelets.worker-1"},
		"an unknown field":        {inStep("points: 10", "points: 10\ncluster: {nodes: 3}"), "cluster.nodes"},
	} {
		t.Run(name, func(t *testing.T) {
			wrong := loadErrors(t, c.change)
			if len(wrong) != 1 || !strings.Contains(wrong[0].Error(), c.field) {
				t.Errorf("got %v, want one about %s", wrong, c.field)
			}
		})
	}
}
