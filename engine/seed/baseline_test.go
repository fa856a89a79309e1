package seed

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/k8slab/k8slab/engine/history"
)

// lived is a record in memory.
type lived []history.Record

func (l lived) Timeline(_ context.Context, since time.Time) (*history.Timeline, error) {
	return history.NewTimeline(l, since, since.Add(time.Hour)), nil
}

func TestWhatARestoredSnapshotUndidIsHiddenFromGrading(t *testing.T) {
	began := time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)
	at := func(minute int) time.Time { return began.Add(time.Duration(minute) * time.Minute) }
	web := func(minute int, available int32) history.Record {
		return history.Record{Time: at(minute), Event: history.Modified, Kind: "Deployment", Name: "web", UID: "u", Version: uint64(minute + 10),
			Workload: &history.WorkloadFacts{Wanted: 2, Available: available}}
	}
	all := lived{{Time: at(-2), Event: history.Watched, Kind: "Deployment"}, web(-1, 2), web(12, 0), web(19, 2), web(21, 2)}
	b := &Baseline{Time: began, Undone: []Window{{From: at(10), To: at(20)}}}
	ref := history.Ref{Kind: "Deployment", Name: "web"}
	judge := func(b *Baseline) *history.Record {
		timeline, err := b.History(all).Timeline(t.Context(), began)
		if err != nil {
			t.Fatal(err)
		}
		short, err := timeline.Below(ref, 2)
		if err != nil {
			t.Fatal(err)
		}
		return short
	}
	if short := judge(b); short != nil {
		t.Errorf("it was short of pods at %v, which has been undone", short.Time)
	}
	if short := judge(&Baseline{Time: began}); short == nil {
		t.Error("it was never short of pods, though nothing has been undone")
	}
}

func TestARestoredSnapshotUndoesHistoryInBetween(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 11, 23, 10, minute, 0, 0, time.UTC) }
	b := &Baseline{Undone: []Window{{From: at(10), To: at(20)}}}
	var minutes []int
	requests, err := b.AuditLog(past{at(5), at(15), at(25)}).Requests(t.Context(), history.Query{})
	for _, r := range requests {
		minutes = append(minutes, r.Time.Minute())
	}
	if err != nil || !slices.Equal(minutes, []int{5, 25}) {
		t.Errorf("got %v, %v; want what was done before the snapshot and after it was restored", minutes, err)
	}
}

// past is a history with a request at each of the times.
type past []time.Time

func (p past) Requests(context.Context, history.Query) ([]history.Request, error) {
	var all []history.Request
	for _, t := range p {
		all = append(all, history.Request{Time: t})
	}
	return all, nil
}
