package catalog

import (
	"testing"

	"github.com/k8slab/k8slab/content"
)

func TestAStepCannotHaveAClusterThatTheLabHasNot(t *testing.T) {
	lab := &content.Lab{ID: "lab", Cluster: content.ClusterShape{Release: "1.36", Nodes: []content.Node{{Name: "worker-1"}}}}
	for _, tt := range []struct {
		cluster content.StepCluster
		wrong   int
	}{
		{content.StepCluster{}, 0},
		{content.StepCluster{Release: "1.37", Kubelets: map[string]string{"worker-1": "1.33"}}, 0},
		{content.StepCluster{Release: "1.35"}, 1},
		{content.StepCluster{Kubelets: map[string]string{"worker-9": "1.36"}}, 1},
	} {
		if errs := linkCluster(lab, &content.Step{Dir: "10-a", Cluster: tt.cluster}); len(errs) != tt.wrong {
			t.Errorf("%+v: %v", tt.cluster, errs)
		}
	}
}
