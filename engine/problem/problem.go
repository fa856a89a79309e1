// Package problem holds the error that a person can act on: what went wrong, in both languages, and what to do next.
// Every layer above content returns it for what a user can cause or fix.
//
// It must not know how a problem is shown: each face shows problems in one place, and the command line takes the exit
// code from the kind.
//
// Start reading at Problem.
package problem

import (
	"errors"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/text"
)

// Kind decides the exit code of the command line.
type Kind int

const (
	// Internal is the kind of every error that is not a Problem.
	Internal Kind = iota
	// Usage: a wrong argument, lab, step or flag.
	Usage
	// Cluster: the cluster is not there, not ready or cannot be made.
	Cluster
	// Content: a lab is broken.
	Content
	// Unpassed: the step has not passed, and what was asked for is only possible once it has.
	Unpassed
)

// Problem is an error with a next step.
type Problem struct {
	Kind Kind
	// What went wrong, naming the thing.
	What text.Text
	// Next is what to do about it; the zero Action if there is nothing.
	Next action.Action
	// Err is the cause, or nil. It is kept for errors.Is and for the log; What already says what a person needs of it.
	Err error
}

// New returns a problem of the kind.
func New(kind Kind, what text.Text, next action.Action) *Problem {
	return &Problem{Kind: kind, What: what, Next: next}
}

// From returns the problem with a cause.
func (p *Problem) From(err error) *Problem {
	q := *p
	q.Err = err
	return &q
}

func (p *Problem) Error() string { return p.What.EN }

func (p *Problem) Unwrap() error { return p.Err }

// KindOf returns the kind of the first Problem in err's chain, and Internal if there is none.
func KindOf(err error) Kind {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.Kind
	}
	return Internal
}
