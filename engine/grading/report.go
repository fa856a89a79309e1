package grading

import (
	"slices"
	"time"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/text"
)

// Report is the grading of one step.
type Report struct {
	Lab  string `json:"lab"`
	Step string `json:"step"`
	// Passed: of the checks and invariants that can be judged on the cluster, every one passed, and at least one is a
	// check.
	Passed bool `json:"passed"`
	// Points that are earned; Max is what the step is worth. A step with an errored check earns nothing yet, and loses
	// nothing.
	Points int `json:"points"`
	Max    int `json:"max"`
	// HintCost, in points, has been taken off Points.
	HintCost int       `json:"hintCost"`
	Verdicts []Verdict `json:"verdicts"`
	// Elapsed is the wall time of grading.
	Elapsed time.Duration `json:"elapsedNs"`
}

// Verdict is the result of one check of a step.
type Verdict struct {
	ID    string    `json:"id"`
	Use   string    `json:"use"`
	Title text.Text `json:"title"`
	// Invariant: it held at the start and must still hold.
	Invariant bool `json:"invariant"`
	checks.Result
	// BlockedBy lists the ids of checks that have to pass first, with the outcome blocked.
	BlockedBy []string `json:"blockedBy,omitempty"`
	// Error is why the grader could not tell, with the outcome errored.
	Error string `json:"error,omitempty"`
	// Reason is why the check was left out, with the outcome not-judged.
	Reason text.Text `json:"reason,omitzero"`
}

// Score sets Passed and the points. A step passes if all checks that can be judged passed. It then earns what it is
// worth less the cost of the hints, and nothing if the solution was shown. step is what the journal knows of the step,
// or nil.
func (r *Report) Score(step *progress.Step) {
	r.Passed = slices.ContainsFunc(r.Verdicts, func(v Verdict) bool { return v.Outcome == checks.Passed && !v.Invariant }) &&
		!slices.ContainsFunc(r.Verdicts, func(v Verdict) bool { return v.Outcome != checks.Passed && v.Outcome != checks.NotJudged })
	if step != nil {
		r.HintCost = step.HintCost
	}
	switch {
	case step != nil && !step.Passed.IsZero():
		r.Points = step.Points // earned earlier, and kept
	case !r.Passed, step != nil && step.Revealed:
	default:
		r.Points = max(0, r.Max-r.HintCost)
	}
}
