package catalog

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/all"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/engine/cluster/kind"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/text"
)

// keeps is a provider whose nodes keep their kubelets; upgrades can upgrade its nodes; sets can give a node any
// kubelet.
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
		// want is part of the reason; empty means that the step can be played.
		want string
	}{
		"none are asked for":        {keeps{}, content.StepCluster{Release: "1.37"}, ""},
		"nodes that keep theirs":    {keeps{}, content.StepCluster{Kubelets: map[string]string{"a": "1.36"}}, "keep the kubelets that they have"},
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

// can is a provider that can do nothing beyond the interface; logs also has an audit log; does has every capability;
// theirs is a provider of clusters that somebody else made.
type (
	can  struct{ cluster.Provider }
	logs struct {
		can
		cluster.AuditLogFile
	}
	does struct {
		logs
		cluster.Checkpointer
		cluster.ComponentControl
		cluster.Recorder
		cluster.NodePower
		cluster.Simulator
		cluster.Upgrader
		cluster.NodeUpgrader
		cluster.UpgradeLog
		releases
	}
	releases = cluster.Releases // as a field, Releases would hide the method
	theirs   struct{ cluster.Guest }
)

func (can) Name() string { return "can" }

func (theirs) Name() string { return "theirs" }

// needy has one check that needs no record of the past, and one that does.
func needy(t *testing.T) *checks.Vocabulary {
	t.Helper()
	doc := checks.Doc{Summary: text.Text{EN: "S.", JA: "要。"}}
	fn := func(context.Context, checks.Env, struct{}) (checks.Result, error) {
		return checks.Result{Outcome: checks.Passed}, nil
	}
	v, err := checks.New(checks.Define("now/there", doc, fn), checks.Define("past/asked", doc, fn).Needing(checks.AuditLog), checks.Define("past/seen", doc, fn).Needing(checks.History))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func using(uses ...string) (list []content.Check) {
	for i, use := range uses {
		list = append(list, content.Check{ID: fmt.Sprint("c", i), Use: use})
	}
	return list
}

func TestAStepIsPlayedWhereItsTaskAndOneCheckCanBe(t *testing.T) {
	all := does{}
	tests := map[string]struct {
		provider cluster.Provider
		step     content.Step
		// want is part of the reason; empty means that the step can be played.
		want string
	}{
		"all is there":                      {all, content.Step{Requires: []string{"upgrades"}, Checks: using("past/asked")}, ""},
		"a check can be judged":             {theirs{}, content.Step{Checks: using("past/asked", "now/there")}, ""},
		"no check can be judged":            {theirs{}, content.Step{Checks: using("past/asked", "past/seen")}, "has no check that can do without audit-log, history; theirs clusters cannot play it"},
		"only an invariant can be judged":   {theirs{}, content.Step{Checks: using("past/asked"), Invariants: using("now/there")}, "without audit-log"},
		"the task needs what is not there":  {theirs{}, content.Step{Requires: []string{"node-power"}, Checks: using("now/there")}, "11-a/b needs node-power; theirs clusters cannot play it"},
		"nodes are asked for in good time":  {theirs{}, content.Step{Requires: []string{"nodes"}, Checks: using("now/there")}, ""},
		"nodes are k8slab's own":            {can{}, content.Step{Requires: []string{"nodes"}, Checks: using("now/there")}, ""},
		"it begins with an upgrade":         {theirs{}, content.Step{Cluster: content.StepCluster{Release: "1.37"}, Checks: using("now/there")}, "has been brought from 1.36 to 1.37"},
		"it begins with the lab's release":  {theirs{}, content.Step{Cluster: content.StepCluster{Release: "1.36"}, Checks: using("now/there")}, ""},
		"it begins with kubelets of others": {theirs{}, content.Step{Cluster: content.StepCluster{Kubelets: map[string]string{"a": "1.36"}}, Checks: using("now/there")}, "keep the kubelets that they have"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			lab := &content.Lab{ID: "11-a", Cluster: content.ClusterShape{Release: "1.36"}}
			test.step.ID = "b"
			err := Playable(lab, &test.step, test.provider, needy(t))
			if err == nil && test.want != "" || err != nil && (test.want == "" || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("it is said %v, want %q", err, test.want)
			}
		})
	}
}

// TestOwnClustersJudgeEverything: clusters that k8slab makes have what every check needs.
func TestOwnClustersJudgeEverything(t *testing.T) {
	own, err := embedded.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	inContainers, err := kind.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []cluster.Provider{own, inContainers} {
		for _, d := range all.Vocabulary().Definitions() {
			if missing := Lacks(d.Needs, cluster.CapabilitiesOf(p)); len(missing) > 0 {
				t.Errorf("%s needs %v, which %s does not have", d.Name, missing, p.Name())
			}
		}
	}
}
