package verify

import (
	"slices"

	"github.com/k8slab/k8slab/content"
)

// Kind of an answer.
type Kind string

const (
	// Nothing done: every check must fail or be blocked, and every invariant pass.
	Nothing   Kind = "start"
	Solution  Kind = "solution"
	AlsoRight Kind = "also-right"
	Wrong     Kind = "wrong"
	// NearMiss is derived from the solution: some check must fail.
	NearMiss Kind = "near-miss"
)

// Answer is what is done to the starting state of a step.
type Answer struct {
	Kind   Kind
	Script content.File
	// Fails is the check that a wrong answer must fail.
	Fails string
	// near is what a near miss does instead of running a script.
	near *nearMiss
}

// Name of the answer, for reports.
func (a Answer) Name() string {
	switch a.Kind {
	case Nothing:
		return "nothing done"
	case NearMiss:
		return a.near.id
	}
	return a.Script.Path
}

// Answers returns all that the step comes with.
func Answers(step *content.Step) []Answer {
	answers := []Answer{{Kind: Nothing}, {Kind: Solution, Script: step.Solution}}
	for _, f := range step.AlsoRight {
		answers = append(answers, Answer{Kind: AlsoRight, Script: f})
	}
	for _, w := range step.Wrong {
		answers = append(answers, Answer{Kind: Wrong, Script: w.File, Fails: w.Fails})
	}
	return answers
}

// Unkilled returns the checks and invariants that no wrong answer of the step names: nothing shows that they can fail.
func Unkilled(step *content.Step) []content.Check {
	return slices.DeleteFunc(slices.Concat(step.Checks, step.Invariants), func(c content.Check) bool {
		return slices.ContainsFunc(step.Wrong, func(w content.WrongAnswer) bool { return w.Fails == c.ID })
	})
}
