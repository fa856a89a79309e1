package engine

import (
	"context"
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
	b := &baseline{Time: began, Undone: []window{{From: at(10), To: at(20)}}}
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
