package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
)

// TestEveryNodeOfTheLabGetsOneOfItsZone has a lab with two nodes in z1.
func TestEveryNodeOfTheLabGetsOneOfItsZone(t *testing.T) {
	lab := &content.Lab{ID: "90-x", Cluster: content.ClusterShape{Nodes: []content.Node{
		{Name: "w1", Zone: "z1"}, {Name: "w2", Zone: "z2"}, {Name: "w3", Zone: "z3"}, {Name: "w4", Zone: "z1"},
	}}}
	host := func(zones ...string) *cluster.Host {
		h := &cluster.Host{Context: "c", Kubectl: "kubectl --kubeconfig f --context c"}
		for i, zone := range zones {
			h.Nodes = append(h.Nodes, cluster.HostNode{Node: cluster.Node{Name: fmt.Sprint("n", i), Zone: zone}, TakesPods: zone != "closed"})
		}
		return h
	}
	for _, tt := range []struct {
		name string
		host *cluster.Host
		want map[string]string
	}{
		{"the zone with two nodes is the lab's with two", host("a", "b", "b", "c"), map[string]string{"w1": "n1", "w4": "n2", "w2": "n0", "w3": "n3"}},
		{"there are more nodes than are needed", host("a", "a", "b", "b", "c", "c"), map[string]string{"w1": "n0", "w4": "n1", "w2": "n2", "w3": "n4"}},
		{"there is one zone", host("", "", "", ""), map[string]string{"w1": "n0", "w4": "n1", "w2": "n2", "w3": "n3"}},
		{"a node that takes no pods is left out", host("closed", "a", "a", "b", "c"), map[string]string{"w1": "n1", "w4": "n2", "w2": "n3", "w3": "n4"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := settleNodes(lab, tt.host)
			if err != nil || !maps.Equal(got, tt.want) {
				t.Errorf("got %v, %v, want %v", got, err, tt.want)
			}
			tt.host.NodeNames = got
			for i := range tt.host.Nodes {
				tt.host.Nodes[i].TakesPods = false // a learner has cordoned all of them
			}
			if again, err := settleNodes(lab, tt.host); err != nil || !maps.Equal(again, got) {
				t.Errorf("then %v, %v", again, err)
			}
		})
	}
	_, err := settleNodes(lab, host("a", "b", "c", "closed"))
	if p, ok := errors.AsType[*problem.Problem](err); !ok || p.Kind != problem.Cluster || p.Next.String() != "kubectl --kubeconfig f --context c get nodes" {
		t.Errorf("three nodes for four: %v", err)
	}
	same := host("z1", "z2", "z3", "z1")
	for i, name := range []string{"w1", "w2", "w3", "w4"} {
		same.Nodes[i].Name = name
	}
	if got, err := settleNodes(lab, same); err != nil || got != nil {
		t.Errorf("nodes that are called as in the lab: %v, %v", got, err)
	}
}

func TestALabChangesNodesIfItOrOneOfItsChecksSaysSo(t *testing.T) {
	judge := func(context.Context, checks.Env, struct{}) (checks.Result, error) { return checks.Result{}, nil }
	v, err := checks.New(checks.Define("test/harmless", checks.Doc{}, judge), checks.Define("test/drained", checks.Doc{}, judge).Changing(checks.Nodes))
	if err != nil {
		t.Fatal(err)
	}
	lab := func(requires, ofStep []string, use string) *content.Lab {
		return &content.Lab{Requires: requires, Steps: []*content.Step{{}, {Requires: ofStep, Checks: []content.Check{{Use: use}}}}}
	}
	for name, c := range map[string]struct {
		lab  *content.Lab
		want bool
	}{
		"nothing says so":                  {lab(nil, nil, "test/harmless"), false},
		"the lab requires it":              {lab([]string{"nodes"}, nil, "test/harmless"), true},
		"a step requires it":               {lab(nil, []string{"nodes"}, "test/harmless"), true},
		"a check's definition says so":     {lab(nil, nil, "test/drained"), true},
		"a check that nobody has heard of": {lab(nil, nil, "test/unknown"), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := changesNodes(c.lab, v); got != c.want {
				t.Errorf("it is %v, want %v", got, c.want)
			}
		})
	}
}
