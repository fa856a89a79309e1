package progress

import "time"

// Fold adds the events up, in the order in which they were appended. It is pure, and an event whose ID it has seen
// changes nothing, so that folding a journal twice over gives what folding it once gives. Kinds that it does not know
// are passed over.
func Fold(events []Event) Progress {
	f := folding{
		labs: map[string]*Lab{},
		seen: map[string]bool{},
		past: map[attemptKey]bool{},
		paid: map[hintKey]bool{},
	}
	for _, e := range events {
		if e.ID != "" && f.seen[e.ID] {
			continue
		}
		f.seen[e.ID] = true
		f.apply(e)
	}
	return Progress{Labs: f.labs, Current: f.current()}
}

type attemptKey struct{ lab, attempt string }

type hintKey struct {
	lab, attempt, step string
	level              int
}

// folding is the state of one Fold.
type folding struct {
	labs map[string]*Lab
	seen map[string]bool
	// past holds attempts that are over: an event that another process still writes to one of them does not touch the
	// current attempt.
	past map[attemptKey]bool
	paid map[hintKey]bool
	// touched lists the labs in the order in which they were last touched.
	touched []string
}

func (f *folding) apply(e Event) {
	if e.Lab == "" || f.past[attemptKey{e.Lab, e.Attempt}] {
		return
	}
	switch e.Kind {
	case Started:
		f.begin(e)
	case Finished:
		if lab := f.labs[e.Lab]; lab != nil {
			lab.Finished = e.Time
		}
		return
	case Entered, Checked, Hinted, Revealed, WasReset:
		f.step(f.lab(e), e)
	default:
		return
	}
	f.touch(e.Lab)
}

// lab returns the attempt that the event belongs to. The event that began the attempt may have been lost; later events
// still count.
func (f *folding) lab(e Event) *Lab {
	lab := f.labs[e.Lab]
	if lab == nil || e.Attempt != "" && lab.Attempt != e.Attempt {
		f.begin(e)
		lab = f.labs[e.Lab]
	}
	lab.Finished = time.Time{}
	return lab
}

func (f *folding) begin(e Event) {
	if before := f.labs[e.Lab]; before != nil && before.Attempt != e.Attempt {
		f.past[attemptKey{e.Lab, before.Attempt}] = true
	}
	f.labs[e.Lab] = &Lab{ID: e.Lab, Attempt: e.Attempt, Provider: e.Provider, Origin: e.Origin, Started: e.Time, Steps: map[string]*Step{}}
}

func (f *folding) step(lab *Lab, e Event) {
	if e.Step == "" {
		return
	}
	s := lab.Steps[e.Step]
	if s == nil {
		s = &Step{ID: e.Step}
		lab.Steps[e.Step] = s
	}
	switch e.Kind {
	case Entered:
		lab.Step = e.Step
		s.Entered = e.Time
	case WasReset:
		s.Resets++
		s.Entered = e.Time
	case Checked:
		s.Checks++
		if e.Passed && s.Passed.IsZero() {
			s.Passed = e.Time
			s.Points = e.Points
		}
	case Hinted:
		f.hint(lab, s, e)
	case Revealed:
		s.Revealed = s.Revealed || s.Passed.IsZero()
	}
}

// hint charges each level once, even if two processes showed it.
func (f *folding) hint(lab *Lab, s *Step, e Event) {
	s.HintsSeen = max(s.HintsSeen, e.Level)
	key := hintKey{lab.ID, lab.Attempt, s.ID, e.Level}
	if !s.Passed.IsZero() || f.paid[key] {
		return
	}
	f.paid[key] = true
	s.Hints = max(s.Hints, e.Level)
	s.HintCost += e.Cost
}

func (f *folding) touch(lab string) {
	for i, id := range f.touched {
		if id == lab {
			f.touched = append(f.touched[:i], f.touched[i+1:]...)
			break
		}
	}
	f.touched = append(f.touched, lab)
}

func (f *folding) current() string {
	for i := len(f.touched) - 1; i >= 0; i-- {
		if f.labs[f.touched[i]].Finished.IsZero() {
			return f.touched[i]
		}
	}
	return ""
}
