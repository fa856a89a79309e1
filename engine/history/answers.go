package history

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// The methods below answer from the timeline alone, and each answer is certain: a method returns a GapError if a gap
// could change its answer. What was found is certain in spite of gaps. That nothing was found is certain only if
// nothing is missing.

// Of returns the object as it was when the timeline begins, nil if it did not exist then, and its records since. An
// object that was deleted and made again under the same name counts as the same object.
func (t *Timeline) Of(ref Ref) (before *Record, since []Record) {
	for i := range t.Records {
		r := &t.Records[i]
		switch {
		case r.Ref() != ref:
		case !r.Time.Before(t.Since):
			since = append(since, *r)
		case r.Event == Deleted:
			before = nil
		default:
			before = r
		}
	}
	return before, since
}

// Complete returns a GapError if changes of the object since the timeline's beginning may be missing. A gap does not
// matter if the object's resourceVersion shows that the object did not change in it.
func (t *Timeline) Complete(ref Ref) error {
	if !t.watched[ref.Kind] {
		return &GapError{Gap{Kind: ref.Kind}, ref.String()}
	}
	before, since := t.Of(ref)
	for _, g := range t.Gaps {
		if g.Kind != "" && g.Kind != ref.Kind {
			continue
		}
		if g.To.IsZero() || g.From.IsZero() && before == nil {
			return &GapError{g, ref.String()}
		}
	}
	for _, r := range since {
		if r.Missed {
			return &GapError{t.gapBefore(r), ref.String()}
		}
	}
	return nil
}

// gapBefore returns the gap after which the record was found.
func (t *Timeline) gapBefore(r Record) Gap {
	found := Gap{To: r.Time, Kind: r.Kind}
	for _, g := range t.Gaps {
		if !g.Late && g.Kind == r.Kind && !g.To.IsZero() && !g.To.After(r.Time) {
			found = g
		}
	}
	return found
}

// gapAt returns a GapError if a gap of the kind covers the moment.
func (t *Timeline) gapAt(kind string, at time.Time) error {
	if !t.watched[kind] {
		return &GapError{Gap{Kind: kind}, kind + " objects"}
	}
	for _, g := range t.Gaps {
		if g.covers(kind, at) {
			return &GapError{g, kind + " objects"}
		}
	}
	return nil
}

// Below returns the first moment since the timeline's beginning at which fewer than n pods of the workload were
// available, or at which the workload was deleted; nil if there was no such moment.
func (t *Timeline) Below(ref Ref, n int32) (*Record, error) {
	before, since := t.Of(ref)
	all := since
	if before != nil {
		all = append([]Record{*before}, since...)
	}
	for i := range all {
		if w := all[i].Workload; all[i].Event == Deleted || w != nil && w.Available < n {
			return &all[i], nil
		}
	}
	if err := t.Complete(ref); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: there is no %s in it", ErrNotRecorded, ref)
	}
	return nil, nil
}

// ErrNoOrder says that nobody can tell which of two moments came first.
var ErrNoOrder = errors.New("the order of two events is not known")

// HappenedBefore reports whether the change a came before the change b. It compares their resourceVersions, which count
// all changes of a cluster whose objects are in one etcd; for equal ones the error is ErrNoOrder. A change that was
// missed has no moment of its own: the error is a GapError.
func (t *Timeline) HappenedBefore(a, b Record) (bool, error) {
	for _, r := range []Record{a, b} {
		if r.Missed {
			return false, &GapError{t.gapBefore(r), r.Ref().String()}
		}
	}
	if a.Version == b.Version {
		return false, ErrNoOrder
	}
	return a.Version < b.Version, nil
}

// At returns the objects of a kind that existed when the change was made, as they were then. Like HappenedBefore, it
// goes by resourceVersions.
func (t *Timeline) At(kind string, change Record) ([]Record, error) {
	if change.Missed {
		return nil, &GapError{t.gapBefore(change), change.Ref().String()}
	}
	if err := t.gapAt(kind, change.Time); err != nil {
		return nil, err
	}
	s := state{}
	for i := range t.Records {
		if r := &t.Records[i]; r.Kind == kind && r.Version <= change.Version {
			s.follow(r)
		}
	}
	return s.all(), nil
}

// state holds the objects of a kind, by UID.
type state map[string]*Record

func (s state) follow(r *Record) {
	if r.Event == Deleted {
		delete(s, r.UID)
		return
	}
	s[r.UID] = r
}

// all returns the objects, sorted by namespace and name.
func (s state) all() []Record {
	var all []Record
	for _, r := range s {
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b Record) int { return compareRefs(a.Ref(), b.Ref()) })
	return all
}

func compareRefs(a, b Ref) int {
	switch {
	case a.Namespace < b.Namespace, a.Namespace == b.Namespace && a.Name < b.Name:
		return -1
	case a == b:
		return 0
	}
	return 1
}

// walk calls f with all objects of a kind as they were at the timeline's beginning, and after each change since, until
// f returns false.
func (t *Timeline) walk(kind string, f func(at time.Time, s state) bool) {
	s, begun := state{}, false
	for i := range t.Records {
		r := &t.Records[i]
		if r.Kind != kind {
			continue
		}
		if !begun && !r.Time.Before(t.Since) {
			begun = true
			if !f(t.Since, s) {
				return
			}
		}
		s.follow(r)
		if begun && !f(r.Time, s) {
			return
		}
	}
	if !begun {
		f(t.Since, s)
	}
}

// Most is the answer of MostAtOnce.
type Most struct {
	// At is the first moment with that many objects; Objects are the objects of that moment.
	At      time.Time
	Objects []Record
}

// MostAtOnce returns the moment at which the greatest number of objects of a kind were as is describes. With an error,
// the answer holds what is known: there were at least that many.
func (t *Timeline) MostAtOnce(kind string, is func(*Record) bool) (Most, error) {
	var most Most
	t.walk(kind, func(at time.Time, s state) bool {
		var now []Record
		for _, r := range s.all() {
			if is(&r) {
				now = append(now, r)
			}
		}
		if len(now) > len(most.Objects) {
			most = Most{At: at, Objects: now}
		}
		return true
	})
	if !t.watched[kind] {
		return most, &GapError{Gap{Kind: kind}, kind + " objects"}
	}
	for _, g := range t.Gaps {
		if (g.Kind == "" || g.Kind == kind) && (g.To.IsZero() || g.From.IsZero()) {
			return most, &GapError{g, kind + " objects"}
		}
	}
	for _, r := range t.Records {
		if r.Kind == kind && r.Missed && !r.Time.Before(t.Since) {
			return most, &GapError{t.gapBefore(r), r.Ref().String()}
		}
	}
	return most, nil
}

// FirstTime returns the first moment, not before from, at which the objects of a kind were as are describes; zero if
// there was none.
func (t *Timeline) FirstTime(kind string, from time.Time, are func([]Record) bool) (time.Time, error) {
	var first time.Time
	held := false
	t.walk(kind, func(at time.Time, s state) bool {
		now := are(s.all())
		switch {
		case !at.After(from):
			held = now
			return true
		case held:
			first = from
		case now:
			first = at
		}
		return first.IsZero()
	})
	if first.IsZero() && held {
		first = from
	}
	until := first
	if first.IsZero() {
		until = t.Until
	}
	for _, g := range t.Gaps {
		if (g.Kind == "" || g.Kind == kind) && !g.From.After(until) && (g.To.IsZero() || !g.To.Before(from)) {
			return first, &GapError{g, kind + " objects"}
		}
	}
	if !t.watched[kind] {
		return first, &GapError{Gap{Kind: kind}, kind + " objects"}
	}
	return first, nil
}

// HeldSince returns since when the object has been as is describes, without a break; the timeline's beginning if it
// always was. held is false if the object is not so now, or does not exist.
func (t *Timeline) HeldSince(ref Ref, is func(*Record) bool) (since time.Time, held bool, err error) {
	before, after := t.Of(ref)
	all := after
	if before != nil {
		all = append([]Record{*before}, after...)
	}
	first := len(all)
	for first > 0 && all[first-1].Event != Deleted && is(&all[first-1]) {
		first--
	}
	if first == len(all) {
		return time.Time{}, false, t.Complete(ref)
	}
	for _, r := range all[first:] {
		if r.Missed {
			return time.Time{}, true, &GapError{t.gapBefore(r), ref.String()}
		}
	}
	since = all[first].Time
	if first == 0 && before != nil {
		return t.Since, true, nil
	}
	return since, true, t.gapAt(ref.Kind, since)
}

// Killed returns the first record that shows, in a pod that which selects, a container newly ended with the exit code
// of SIGKILL; nil if there is none. It returns what was seen; nil does not prove that nothing was killed.
func (t *Timeline) Killed(which func(*Record) bool) *Record {
	last := map[string]*Record{}
	for i := range t.Records {
		r := &t.Records[i]
		if r.Pod == nil {
			continue
		}
		before := last[r.UID]
		last[r.UID] = r
		if !r.Time.Before(t.Since) && which(r) && newlyKilled(before, r) {
			return r
		}
	}
	return nil
}

// newlyKilled reports whether now shows a killed container that before, the pod's previous record, does not. before may
// be nil.
func newlyKilled(before, now *Record) bool {
	for name, code := range now.Pod.Exits {
		if code != exitKilled {
			continue
		}
		if before == nil || before.Pod.Exits[name] != exitKilled || before.Pod.Restarts < now.Pod.Restarts {
			return true
		}
	}
	return false
}

// exitKilled is 128 and the number of SIGKILL.
const exitKilled = 137
