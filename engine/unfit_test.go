package engine

import (
	"context"
	"strings"
	"testing"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/history"
)

// keeps is a provider whose nodes keep their kubelets, upgrades one whose nodes are upgraded, and sets one that can give them any.
type (
	keeps    struct{ cluster.Provider }
	upgrades struct{ keeps }
	sets     struct{ upgrades }
)

func (upgrades) UpgradeNode(context.Context, string, string, cluster.UpgradeOrder) (history.Upgrade, error) {
	return history.Upgrade{}, nil
}

func (sets) SetKubelets(context.Context, string, map[string]string) error { return nil }

func TestRealNodesHaveTheKubeletsThatAnUpgradeReaches(t *testing.T) {
	lab := &content.Lab{Cluster: content.ClusterShape{Release: "1.36", Nodes: []content.Node{{Name: "a"}, {Name: "b", Version: "1.35"}}}}
	tests := map[string]struct {
		provider cluster.Provider
		step     content.StepCluster
		// want is in what is said; empty means that the step can be played.
		want string
	}{
		"none are asked for":        {keeps{}, content.StepCluster{Release: "1.37"}, ""},
		"nodes that keep theirs":    {keeps{}, content.StepCluster{Kubelets: map[string]string{"a": "1.36"}}, "keep those that they have"},
		"any":                       {sets{}, content.StepCluster{Kubelets: map[string]string{"a": "1.32"}}, ""},
		"as made":                   {upgrades{}, content.StepCluster{Kubelets: map[string]string{"a": "1.36", "b": "1.35"}}, ""},
		"up to the control plane's": {upgrades{}, content.StepCluster{Release: "1.37", Kubelets: map[string]string{"a": "1.37", "b": "1.36"}}, ""},
		"beyond it":                 {upgrades{}, content.StepCluster{Kubelets: map[string]string{"a": "1.37"}}, "a kubelet of 1.37 on a"},
		"below what it was made as": {upgrades{}, content.StepCluster{Kubelets: map[string]string{"b": "1.34"}}, "begin at 1.35 and go up to 1.36"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := unfitKubelet(lab, &content.Step{Cluster: test.step}, test.provider)
			switch {
			case got == nil && test.want != "":
				t.Errorf("nothing is said, want %q", test.want)
			case got != nil && (test.want == "" || !strings.Contains(got.EN, test.want) || got.JA == ""):
				t.Errorf("it is said %q and %q, want %q", got.EN, got.JA, test.want)
			}
		})
	}
}
