package verify

import (
	"maps"
	"time"
)

// Phase is a part of playing an answer.
type Phase string

const (
	// Start makes a cluster and the starting state on it, Reset the starting state on one that is there.
	Start Phase = "start"
	Reset Phase = "reset"
	// Play is the script, or what a near miss does.
	Play Phase = "play"
	// Grade is the first grading with all that it waits for, GradeAgain the second one.
	Grade      Phase = "grade"
	GradeAgain Phase = "grade-again"
	// Derive looks at all objects before and after the solution, to derive near misses from it.
	Derive Phase = "derive"
)

// Spent is the time that was spent on each phase. Times of several clusters, which pass side by side, are added up.
type Spent map[Phase]time.Duration

// in adds the time that f takes to the phase.
func (s Spent) in(p Phase, f func() error) error {
	began := time.Now()
	err := f()
	s[p] += time.Since(began)
	return err
}

func (s Spent) add(other Spent) {
	for p, d := range maps.All(other) {
		s[p] += d
	}
}
