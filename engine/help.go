package engine

import (
	"context"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/text"
)

// Hint is one level of help that a learner took.
type Hint struct {
	// Level counts from 1 to Levels; Cost is in points.
	Level, Levels int
	Cost          int
	Text          text.Text
	// Last: there is no further level.
	Last bool
	// Passed: the step had passed already, so that nothing was charged.
	Passed bool
}

// Hint takes the next hint level of the step, or shows the last level again if all levels are taken. Once the step has
// passed, hints cost nothing.
func (p *Play) Hint(_ context.Context) (*Hint, error) {
	if err := p.reread(); err != nil {
		return nil, err
	}
	s := p.Session()
	levels := len(s.Step.Hints)
	if levels == 0 {
		return nil, problem.New(problem.Usage, text.New("%s has no hints", "%s にヒントはありません", s.Step.ID), action.Do(action.Lesson))
	}
	taken, passed := 0, s.Passed()
	if st := stepProgress(s); st != nil {
		taken = st.HintsSeen
	}
	level := min(taken+1, levels)
	h := &Hint{Level: level, Levels: levels, Cost: s.Step.Hints[level-1].Cost, Last: level == levels, Passed: passed, Text: text.Text{
		EN: s.Step.Lessons[text.English].Hints[level-1],
		JA: s.Step.Lessons[text.Japanese].Hints[level-1],
	}}
	if passed {
		h.Cost = 0
	}
	if level == taken {
		h.Cost = 0 // it was paid for when it was taken
		return h, nil
	}
	return h, p.append(progress.Event{Kind: progress.Hinted, Level: level, Cost: h.Cost})
}

// Solution returns what a learner could have typed, and notes in the journal that it was shown. A step that has not
// passed by then is worth nothing in this attempt.
func (p *Play) Solution(_ context.Context) (content.File, error) {
	return p.Session().Step.Solution, p.append(progress.Event{Kind: progress.Revealed})
}

// Finish ends the attempt.
func (p *Play) Finish(_ context.Context) error {
	return p.append(progress.Event{Kind: progress.Finished})
}

// Passed reports whether the session's step has passed in this attempt.
func (s *Session) Passed() bool {
	st := stepProgress(s)
	return st != nil && !st.Passed.IsZero()
}
