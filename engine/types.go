package engine

import (
	"time"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/progress"
)

// Session is a lab as it is being played: what to show, and the cluster to show it on.
type Session struct {
	Lab     *content.Lab
	Step    *content.Step
	Cluster *cluster.Cluster
	// Attempt is what the journal knows of the lab.
	Attempt *progress.Lab
	// Resumed is true where Start found the lab already begun and left its state alone.
	Resumed bool
	// Fits says of each of the lab's steps how much of it can be played on the cluster.
	Fits []Fit
}

// Report is the grading of one step.
type Report struct {
	Lab  string `json:"lab"`
	Step string `json:"step"`
	// Passed: every check and every invariant passed that can be judged on the cluster, and one check can.
	Passed bool `json:"passed"`
	// Points earned; Max is what the step is worth. A step with an errored check earns nothing yet, and loses nothing.
	Points int `json:"points"`
	Max    int `json:"max"`
	// HintCost has been taken off Points.
	HintCost int       `json:"hintCost"`
	Verdicts []Verdict `json:"verdicts"`
	// Elapsed is the wall time of grading.
	Elapsed time.Duration `json:"elapsedNs"`
}

// Verdict is the result of one check of a step.
type Verdict struct {
	ID    string       `json:"id"`
	Use   string       `json:"use"`
	Title content.Text `json:"title"`
	// Invariant: it held at the start and must still hold.
	Invariant bool `json:"invariant"`
	checks.Result
	// BlockedBy lists the ids that have to pass first, with outcome blocked.
	BlockedBy []string `json:"blockedBy,omitempty"`
	// Error is why the grader could not tell, with outcome errored.
	Error string `json:"error,omitempty"`
	// Reason is why the check was left out, with outcome not-judged.
	Reason content.Text `json:"reason,omitzero"`
}

// Hint is one level of help that a learner took.
type Hint struct {
	// Level from 1 of Levels.
	Level, Levels int
	Cost          int
	Text          content.Text
	// Last: there is no further level.
	Last bool
	// Passed: the step had passed already, so that nothing was charged.
	Passed bool
}

// LabStatus is one line of the list of labs.
type LabStatus struct {
	Lab *content.Lab
	// Source is the name under which the lab's source was added; empty for a lab that came with k8slab.
	Source string
	// Attempt is nil for a lab that was never started.
	Attempt *progress.Lab
	// Points earned in it.
	Points int
	// Cluster is nil where the lab has none now.
	Cluster *cluster.Cluster
}

// StartOptions of a lab.
type StartOptions struct {
	// Provider by name; empty means the first one.
	Provider string
	// Step to begin with; empty means where the learner was, or the first one.
	Step string
	// APIPort fixes the API server's port; zero picks a free one.
	APIPort int
	// Place, Acknowledge, AllowNodes and Consent are for clusters that somebody else made. Place says which; empty means the one on which
	// the lab is being played. Acknowledge is the name of a context that may be used although it looks like production. AllowNodes lets
	// the lab's tasks change nodes. Consent is asked before the first change.
	Place       cluster.Place
	Acknowledge string
	AllowNodes  bool
	Consent     Consent
	// Restart begins a new attempt at the first step even if one is under way.
	Restart bool
	// From is the folder, the repository or the added source that the lab is taken from, as a person writes it; empty
	// means wherever there is a lab of that id.
	From string

	// planning: nothing is to be changed, and who lacks a flag is told of the dry run with it.
	planning bool
}
