package history

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Gap is a time of which the record does not tell enough.
type Gap struct {
	// From and To bound the gap. A zero From lies before everything; a zero To means that the gap has not ended.
	From, To time.Time
	// Kind of objects that the gap is about; empty for all kinds.
	Kind string
	// Late: nothing is missing, but what happened in the gap is recorded with a later time.
	Late bool
}

func (g Gap) covers(kind string, t time.Time) bool {
	return (g.Kind == "" || g.Kind == kind) && !t.Before(g.From) && (g.To.IsZero() || !t.After(g.To))
}

// GapError says that an answer depends on a time that was not recorded. It wraps ErrNotRecorded: such an answer is
// "could not tell".
type GapError struct {
	Gap Gap
	// About names what was asked for.
	About string
}

func (e *GapError) Error() string {
	const layout = "15:04:05"
	from, to := "the beginning", "now"
	if !e.Gap.From.IsZero() {
		from = e.Gap.From.Local().Format(layout)
	}
	if !e.Gap.To.IsZero() {
		to = e.Gap.To.Local().Format(layout)
	}
	return fmt.Sprintf("%v: the record of %s has a gap from %s to %s", ErrNotRecorded, e.About, from, to)
}

func (e *GapError) Unwrap() error { return ErrNotRecorded }

// Watcher answers what a cluster went through.
type Watcher interface {
	// Timeline tells what happened since the given time, up to now, or ErrNotRecorded.
	Timeline(ctx context.Context, since time.Time) (*Timeline, error)
}

// Timeline returns ErrNotRecorded.
func (NotRecorded) Timeline(context.Context, time.Time) (*Timeline, error) {
	return nil, ErrNotRecorded
}

// Recording is the Watcher over the folder that a recorder writes. It is safe for concurrent use, and questions that
// are asked at the same time share an answer.
type Recording struct {
	upToNow func(context.Context) (dir string, err error)

	mu    sync.Mutex
	began time.Time
	last  *Timeline
}

// OpenRecording returns a Recording of the folder that upToNow returns. upToNow returns when all that happened before
// its call is in the folder. Nothing is read yet.
func OpenRecording(upToNow func(ctx context.Context) (dir string, err error)) *Recording {
	return &Recording{upToNow: upToNow}
}

// Timeline implements Watcher.
func (r *Recording) Timeline(ctx context.Context, since time.Time) (*Timeline, error) {
	asked := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last != nil && r.last.Since.Equal(since) && r.began.After(asked) {
		return r.last, nil
	}
	r.began = time.Now()
	until := r.began
	dir, err := r.upToNow(ctx)
	if err != nil {
		return nil, fmt.Errorf("waiting for the record of the cluster: %w", err)
	}
	records, err := readRecords(ctx, dir, since)
	if err != nil {
		return nil, fmt.Errorf("reading the record of the cluster: %w", err)
	}
	r.last = NewTimeline(records, since, until)
	return r.last, nil
}

// Timeline is what a cluster went through between Since and Until.
type Timeline struct {
	Since, Until time.Time
	// Records from Since on, oldest first, preceded by the last record from before about each object. Records about the
	// record itself are left out.
	Records []Record
	Gaps    []Gap
	// watched holds the kinds that are recorded at all.
	watched map[string]bool
}

// backlog is how long after a gap a recorder may still hear of changes that were made in the gap.
const backlog = time.Second

// NewTimeline returns what the records, which are in their order, tell of the time.
func NewTimeline(records []Record, since, until time.Time) *Timeline {
	t := &Timeline{Since: since, Until: until, watched: map[string]bool{}}
	lost := map[string]time.Time{}
	for _, r := range records {
		switch r.Event {
		case Watched:
			if !t.watched[r.Kind] {
				t.Gaps = append(t.Gaps, Gap{To: r.Time, Kind: r.Kind})
			}
			t.watched[r.Kind] = true
		case Lost:
			if _, already := lost[r.Kind]; !already {
				lost[r.Kind] = r.Time
				if !r.From.IsZero() {
					lost[r.Kind] = r.From
				}
			}
		case Missing:
			delete(lost, r.Kind)
			t.Gaps = append(t.Gaps, Gap{From: r.From, To: r.Time, Kind: r.Kind})
		case Late:
			delete(lost, r.Kind)
			t.Gaps = append(t.Gaps, Gap{From: r.From, To: r.Time.Add(backlog), Kind: r.Kind, Late: true})
		default:
			t.Records = append(t.Records, r)
		}
	}
	for kind, from := range lost {
		t.Gaps = append(t.Gaps, Gap{From: from, Kind: kind})
	}
	// A gap that ended before since does not matter; a gap that since lies in does.
	t.Gaps = slices.DeleteFunc(t.Gaps, func(g Gap) bool { return !g.To.IsZero() && g.To.Before(since) })
	return t
}

// Without returns the timeline without the records between the two times, which were undone: what held before holds
// again.
func (t *Timeline) Without(from, to time.Time) *Timeline {
	inside := func(at time.Time) bool { return at.After(from) && at.Before(to) }
	rest := *t
	rest.Records = slices.DeleteFunc(slices.Clone(t.Records), func(r Record) bool { return inside(r.Time) })
	rest.Gaps = slices.DeleteFunc(slices.Clone(t.Gaps), func(g Gap) bool { return inside(g.From) && inside(g.To) })
	return &rest
}
