package engine

import (
	"slices"
	"testing"
	"time"

	"github.com/k8slab/k8slab/engine/timeline"
	"github.com/k8slab/k8slab/text"
)

func TestWhoFollowsIsToldEverythingOnceAndInOrder(t *testing.T) {
	began := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }
	entry := func(from, until int, said string) timeline.Entry {
		e := timeline.Entry{Time: at(from), By: timeline.Cluster, What: "ready", Text: text.Text{EN: said}}
		if until > from {
			e.Until = at(until)
		}
		return e
	}
	before := timeline.Visit{Step: "drain", Entries: []timeline.Entry{entry(0, 0, "of the step before")}}
	now := func(entries ...timeline.Entry) *timeline.Story {
		return &timeline.Story{Record: true, Visits: []timeline.Visit{before, {Step: "deadlock", Began: began, Entries: entries}}}
	}
	told := map[string]bool{}
	for _, look := range []struct {
		settled int
		story   *timeline.Story
		want    []string
	}{
		{0, &timeline.Story{}, nil},
		{3, now(entry(1, 0, "cordoned"), entry(2, 4, "1 pod gone")), []string{"cordoned"}},
		{4, now(entry(1, 0, "cordoned"), entry(2, 5, "2 pods gone"), entry(3, 0, "checked")), nil},
		{9, now(entry(1, 0, "cordoned"), entry(2, 6, "3 pods gone"), entry(3, 0, "checked")), []string{"3 pods gone", "checked"}},
		{9, now(entry(1, 0, "cordoned"), entry(2, 6, "3 pods gone"), entry(3, 0, "checked")), nil},
	} {
		var got []string
		fresh := unheard(look.story, told, at(look.settled))
		for _, v := range fresh.Visits {
			for _, e := range v.Entries {
				got = append(got, e.Text.EN)
			}
		}
		if !slices.Equal(got, look.want) {
			t.Errorf("at %d s it is told %q, want %q", look.settled, got, look.want)
		}
		if fresh.Record != look.story.Record {
			t.Errorf("at %d s the story forgets whether there is a record", look.settled)
		}
	}
}
