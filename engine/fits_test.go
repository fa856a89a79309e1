package engine

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/k8slab/k8slab/checks/all"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// own is a provider that makes clusters for labs; theirs is a provider of clusters that somebody else made.
type (
	own    struct{ cluster.Provider }
	theirs struct{ cluster.Guest }
)

func (own) Name() string { return "own" }

func (theirs) Name() string                       { return "theirs" }
func (theirs) Capabilities() []cluster.Capability { return nil }

// TestALabOfUpgradesIsNotForClustersOfOthers: no step of 11-versions can be played on a cluster that k8slab does not
// upgrade.
func TestALabOfUpgradesIsNotForClustersOfOthers(t *testing.T) {
	lab, err := content.Load(os.DirFS("../labs"), "11-versions")
	if err != nil {
		t.Fatal(err)
	}
	linked, err := catalog.Link(lab, all.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	e := &Engine{catalog: catalog.New(catalog.Loaded(lab), all.Vocabulary(), nil), providers: []cluster.Provider{own{}}}
	_, err = e.firstStep(linked, nil, theirs{}, true, StartOptions{})
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok {
		t.Fatalf("it is said %v", err)
	}
	for _, want := range []string{"no step of 11-versions can be played on a cluster of the kind theirs", "skew begins with kubelets", "deprecated needs audit-log, upgrades", "control-plane needs upgrades", "storage begins when"} {
		if !strings.Contains(p.What.EN, want) {
			t.Errorf("%q is not in %q", want, p.What.EN)
		}
	}
	if want := "start 11-versions --cluster own"; p.Next.String() != want {
		t.Errorf("next is %q, want %q", p.Next, want)
	}
}

func TestWhatFollowsPassesOverWhatCannotBePlayed(t *testing.T) {
	lab := &content.Lab{Steps: []*content.Step{{ID: "a"}, {ID: "b"}, {ID: "c"}, {ID: "d"}}}
	no := &text.Text{EN: "no", JA: "否"}
	fits := []catalog.Fit{{Step: "a"}, {Step: "b", Unplayable: no}, {Step: "c"}, {Step: "d", Unplayable: no}}
	for at, want := range map[string]string{"a": "c after b", "b": "c after ", "c": "none after d", "d": "none after "} {
		s := &Session{Lab: lab, Step: &content.Step{ID: at}, Fits: fits}
		step, over := s.Following()
		got := "none after "
		if step != nil {
			got = step.ID + " after "
		}
		for _, fit := range over {
			got += fit.Step
		}
		if got != want {
			t.Errorf("behind %s comes %s, want %s", at, got, want)
		}
	}
}
