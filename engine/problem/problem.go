// Package problem holds the error that a person can act on: what went wrong, in both languages, and the next
// command to type. Every layer above content returns it for what a user can cause or mend; the command line prints it
// in one place and takes the exit code from its kind.
package problem

import (
	"errors"

	"github.com/k8slab/k8slab/content"
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
)

// Problem is an error with a next step.
type Problem struct {
	Kind Kind
	// What went wrong, naming the thing.
	What content.Text
	// Next is a command to type, or empty where there is none.
	Next string
	// Err is the cause, or nil. It is kept for errors.Is and for the log; What already says what matters of it.
	Err error
}

// New returns a problem of the kind. What is said in English and in Japanese.
func New(kind Kind, en, ja, next string) *Problem {
	return &Problem{Kind: kind, What: content.Text{EN: en, JA: ja}, Next: next}
}

// From returns the problem with a cause.
func (p *Problem) From(err error) *Problem {
	q := *p
	q.Err = err
	return &q
}

func (p *Problem) Error() string { return p.What.EN }

func (p *Problem) Unwrap() error { return p.Err }

// KindOf returns the kind of the first Problem in err's chain, and Internal where there is none.
func KindOf(err error) Kind {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.Kind
	}
	return Internal
}
