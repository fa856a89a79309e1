package present

import (
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// Finding is the result of looking into one thing that could keep labs from working.
type Finding struct {
	// Name is a stable identifier, such as "disk".
	Name string
	// State is FindingOK, FindingNote or FindingProblem.
	State string
	Found text.Text
	// Next is what to do about the finding; zero if there is nothing to do.
	Next action.Action
	// Kind of the problem, for a finding that is one.
	Kind problem.Kind
}

// States of a finding.
const (
	FindingOK      = "ok"
	FindingNote    = "note"
	FindingProblem = "problem"
)

// FindingOf returns the finding that something does not work. If err is a problem, the finding has its words.
func FindingOf(name string, err error) Finding {
	return FoundBy(cluster.FindingOf(name, err), problem.KindOf(err))
}

// FoundBy returns a finding of a provider of clusters as a Finding. kind is the kind of its problem.
func FoundBy(f cluster.Finding, kind problem.Kind) Finding {
	return Finding{Name: f.Name, State: f.State, Found: f.Found, Next: f.Next, Kind: kind}
}
