package engine

import (
	"context"
	"testing"
	"time"

	"github.com/k8slab/k8slab/engine/history"
)

// past is a record and an audit log in memory.
type past struct {
	requests []history.Request
	records  []history.Record
}

func (p past) Requests(context.Context, history.Query) ([]history.Request, error) {
	return append([]history.Request(nil), p.requests...), nil
}

func (p past) Timeline(_ context.Context, since time.Time) (*history.Timeline, error) {
	return history.NewTimeline(p.records, since, since.Add(time.Hour)), nil
}

func TestWhatARestoredSnapshotUndidIsHiddenFromGrading(t *testing.T) {
	began := time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)
	at := func(minute int) time.Time { return began.Add(time.Duration(minute) * time.Minute) }
	web := func(minute int, available int32) history.Record {
		return history.Record{Time: at(minute), Event: history.Modified, Kind: "Deployment", Name: "web", UID: "u", Version: uint64(minute + 10),
			Workload: &history.WorkloadFacts{Wanted: 2, Available: available}}
	}
	all := past{
		requests: []history.Request{{ID: "before", Time: at(1)}, {ID: "undone", Time: at(12)}, {ID: "after", Time: at(21)}},
		records:  []history.Record{{Time: at(-2), Event: history.Watched, Kind: "Deployment"}, web(-1, 2), web(12, 0), web(19, 2), web(21, 2)},
	}
	b := &baseline{Time: began, Undone: []window{{From: at(10), To: at(20)}}}
	requests, err := b.without(all).Requests(t.Context(), history.Query{})
	if err != nil || len(requests) != 2 || requests[0].ID != "before" || requests[1].ID != "after" {
		t.Errorf("the requests are %v (%v), want before and after", requests, err)
	}
	ref := history.Ref{Kind: "Deployment", Name: "web"}
	judge := func(b *baseline) *history.Record {
		timeline, err := b.withoutRecord(all).Timeline(t.Context(), began)
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
	if short := judge(&baseline{Time: began}); short == nil {
		t.Error("it was never short of pods, though nothing has been undone")
	}
}
