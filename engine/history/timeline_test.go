package history

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// tale builds a record second by second.
type tale struct {
	records []Record
	version uint64
	uids    map[string]int
}

// newTale is a record of the kinds that begins two seconds before start.
func newTale(kinds ...string) *tale {
	t := &tale{uids: map[string]int{}}
	for _, kind := range kinds {
		t.records = append(t.records, Record{Time: at(-2), Event: Watched, Kind: kind})
	}
	return t
}

func at(second int) time.Time { return start.Add(time.Duration(second) * time.Second) }

func (t *tale) add(second int, event Event, kind, name string, change func(*Record)) *tale {
	t.version++
	id := kind + name
	if event == Added {
		t.uids[id]++
	}
	r := Record{Time: at(second), Event: event, Kind: kind, Name: name, UID: fmt.Sprint(id, t.uids[id]), Version: t.version}
	if kind != "Node" {
		r.Namespace = "shop"
	}
	if change != nil {
		change(&r)
	}
	t.records = append(t.records, r)
	return t
}

func (t *tale) available(second int, event Event, n int32, missed ...bool) *tale {
	return t.add(second, event, "Deployment", "web", func(r *Record) {
		r.Workload, r.Missed = &WorkloadFacts{Wanted: 3, Available: n}, len(missed) > 0
	})
}

func (t *tale) node(second int, event Event, name, ready string, cordoned bool) *tale {
	return t.add(second, event, "Node", name, func(r *Record) { r.Node = &NodeFacts{Ready: ready, Unschedulable: cordoned} })
}

func (t *tale) gap(event Event, kind string, from, to int) *tale {
	t.records = append(t.records, Record{Time: at(to), Event: event, Kind: kind, From: at(from)})
	return t
}

func (t *tale) lost(kind string, second int) *tale {
	t.records = append(t.records, Record{Time: at(second), Event: Lost, Kind: kind})
	return t
}

func (t *tale) timeline() *Timeline { return NewTimeline(t.records, start, at(100)) }

var webRef = Ref{Kind: "Deployment", Namespace: "shop", Name: "web"}

func TestWasItEverBelow(t *testing.T) {
	const never = 99
	tests := map[string]struct {
		tale *tale
		// want is the second of the record that Below returns; -1 is the one from before the timeline begins.
		want int
		gap  bool
	}{
		"never":                            {newTale("Deployment").available(-1, Added, 3).available(5, Modified, 2), never, false},
		"for a moment":                     {newTale("Deployment").available(-1, Added, 3).available(5, Modified, 1).available(6, Modified, 3), 5, false},
		"when the timeline begins":         {newTale("Deployment").available(-1, Added, 1).available(5, Modified, 3), -1, false},
		"before the timeline begins":       {newTale("Deployment").available(-2, Added, 1).available(-1, Modified, 3), never, false},
		"deleted":                          {newTale("Deployment").available(-1, Added, 3).available(7, Deleted, 3), 7, false},
		"a gap in which it did not change": {newTale("Deployment").available(-1, Added, 3).gap(Missing, "Deployment", 4, 6), never, false},
		"a gap in which it changed":        {newTale("Deployment").available(-1, Added, 3).gap(Missing, "Deployment", 4, 6).available(6, Found, 3, true), never, true},
		"below in spite of a gap":          {newTale("Deployment").available(-1, Added, 3).available(2, Modified, 1).gap(Missing, "Deployment", 4, 6).available(6, Found, 3, true), 2, false},
		"found below after a gap":          {newTale("Deployment").available(-1, Added, 3).gap(Missing, "Deployment", 4, 6).available(6, Found, 0, true), 6, false},
		"a gap of another kind":            {newTale("Deployment", "Pod").available(-1, Added, 3).lost("Pod", 4), never, false},
		"a gap that goes on":               {newTale("Deployment").available(-1, Added, 3).lost("Deployment", 4), never, true},
		"a gap that was none":              {newTale("Deployment").available(-1, Added, 3).lost("Deployment", 4).gap(Late, "Deployment", 4, 6), never, false},
		"a recorder that was stopped":      {newTale("Deployment").available(-1, Added, 3).gap(Late, "", 4, 60), never, false},
		"a record that begins too late":    {&tale{records: []Record{{Time: at(3), Event: Watched, Kind: "Deployment"}}, uids: map[string]int{}}, never, true},
		"a kind that is not recorded":      {newTale("Pod"), never, true},
		"an object that is not there":      {newTale("Deployment"), never, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			found, err := test.tale.timeline().Below(webRef, 2)
			if errors.Is(err, ErrNotRecorded) != test.gap || err != nil && !test.gap {
				t.Fatalf("the error is %v, want one: %v", err, test.gap)
			}
			switch {
			case found == nil && test.want != never:
				t.Errorf("it never was, want second %d", test.want)
			case found != nil && !found.Time.Equal(at(test.want)):
				t.Errorf("it was at %v, want second %d", found.Time, test.want)
			}
		})
	}
}

func TestAGapErrorNamesTheGap(t *testing.T) {
	timeline := newTale("Deployment").available(-1, Added, 3).gap(Missing, "Deployment", 4, 6).available(6, Found, 3, true).timeline()
	_, err := timeline.Below(webRef, 2)
	gap, ok := errors.AsType[*GapError](err)
	if !ok || !gap.Gap.From.Equal(at(4)) || !gap.Gap.To.Equal(at(6)) || !strings.Contains(err.Error(), "Deployment shop/web") {
		t.Errorf("the error is %v, want the gap from second 4 to second 6", err)
	}
}

func unready(r *Record) bool { return r.Node.Unschedulable || r.Node.Ready != "True" }

func TestHowManyAtOnce(t *testing.T) {
	three := func() *tale {
		return newTale("Node").node(-1, Added, "a", "True", false).node(-1, Added, "b", "True", false).node(-1, Added, "c", "True", false)
	}
	tests := map[string]struct {
		tale *tale
		want []string
		gap  bool
	}{
		"none": {three(), nil, false},
		"one after the other": {three().node(1, Modified, "a", "True", true).node(2, Modified, "a", "True", false).
			node(3, Modified, "b", "Unknown", false).node(4, Modified, "b", "True", false), []string{"a"}, false},
		"two for a moment": {three().node(1, Modified, "a", "True", true).node(2, Modified, "b", "False", false).
			node(3, Modified, "a", "True", false), []string{"a", "b"}, false},
		"two since before":    {three().node(-1, Modified, "a", "True", true).node(-1, Modified, "c", "True", true), []string{"a", "c"}, false},
		"one that is deleted": {three().node(1, Modified, "a", "True", true).node(2, Deleted, "a", "True", true).node(3, Modified, "b", "True", true), []string{"a"}, false},
		"a gap that hid none": {three().node(1, Modified, "a", "True", true).gap(Missing, "Node", 2, 3), []string{"a"}, false},
		"a gap that hid one": {three().gap(Missing, "Node", 2, 3).add(3, Found, "Node", "b", func(r *Record) {
			r.Node, r.Missed = &NodeFacts{Ready: "True"}, true
		}), nil, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			most, err := test.tale.timeline().MostAtOnce("Node", unready)
			if errors.Is(err, ErrNotRecorded) != test.gap {
				t.Errorf("the error is %v, want one: %v", err, test.gap)
			}
			var names []string
			for _, r := range most.Objects {
				names = append(names, r.Name)
			}
			if !slices.Equal(names, test.want) {
				t.Errorf("at most %v at once, want %v", names, test.want)
			}
		})
	}
}

func TestSinceWhenItHasHeld(t *testing.T) {
	ready := func(r *Record) bool { return r.Node.Ready == "True" }
	tests := map[string]struct {
		tale *tale
		// since in seconds; zero if it always held.
		since     int
		held, gap bool
	}{
		"always":                      {newTale("Node").node(-1, Added, "a", "True", false).node(5, Modified, "a", "True", true), 0, true, false},
		"since it came back":          {newTale("Node").node(-1, Added, "a", "True", false).node(5, Modified, "a", "Unknown", false).node(9, Modified, "a", "True", false), 9, true, false},
		"not now":                     {newTale("Node").node(-1, Added, "a", "True", false).node(5, Modified, "a", "Unknown", false), 0, false, false},
		"since it was made":           {newTale("Node").node(4, Added, "a", "True", false), 4, true, false},
		"it is gone":                  {newTale("Node").node(-1, Added, "a", "True", false).node(5, Deleted, "a", "True", false), 0, false, false},
		"a gap in between":            {newTale("Node").node(-1, Added, "a", "True", false).gap(Missing, "Node", 2, 3).add(3, Found, "Node", "a", func(r *Record) { r.Node, r.Missed = &NodeFacts{Ready: "True"}, true }), 0, true, true},
		"a change at an unknown time": {newTale("Node").node(-1, Added, "a", "False", false).gap(Late, "", 2, 60).node(60, Modified, "a", "True", false), 60, true, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			since, held, err := test.tale.timeline().HeldSince(Ref{Kind: "Node", Name: "a"}, ready)
			if errors.Is(err, ErrNotRecorded) != test.gap || held != test.held {
				t.Fatalf("it has held: %v (%v), want %v and an error: %v", held, err, test.held, test.gap)
			}
			if held && !test.gap && !since.Equal(at(test.since)) {
				t.Errorf("it has held since %v, want second %d", since, test.since)
			}
		})
	}
}

func pod(node string, exits map[string]int32) func(*Record) {
	return func(r *Record) { r.Pod = &PodFacts{Phase: "Running", Ready: len(exits) == 0, Node: node, Exits: exits} }
}

func TestWhatWasThereWhenSomethingChanged(t *testing.T) {
	story := newTale("Node", "Pod").node(-1, Added, "a", "True", false).add(-1, Added, "Pod", "old", pod("a", nil)).
		add(1, Added, "Pod", "new", pod("a", nil)).add(2, Deleted, "Pod", "old", pod("a", nil)).node(2, Modified, "a", "True", true).
		add(3, Deleted, "Pod", "new", pod("a", nil))
	// The watches of two kinds do not wait for each other: the pod went before the node changed, but the recorder heard
	// of the pod later.
	i := len(story.records)
	story.records[i-2], story.records[i-3] = story.records[i-3], story.records[i-2]
	timeline := story.timeline()
	_, since := timeline.Of(Ref{Kind: "Node", Name: "a"})
	pods, err := timeline.At("Pod", since[0])
	if err != nil || len(pods) != 1 || pods[0].Name != "new" {
		t.Errorf("there was %v (%v), want the pod new alone", pods, err)
	}
	gapped := NewTimeline(append(slices.Clone(story.records), Record{Time: at(4), Event: Missing, Kind: "Pod", From: at(1)}), start, at(9))
	if _, err := gapped.At("Pod", since[0]); !errors.Is(err, ErrNotRecorded) {
		t.Errorf("the error is %v, want one of the gap that covers the moment", err)
	}
}

func TestWhatHappenedBeforeWhat(t *testing.T) {
	a, b := Record{Time: at(2), Version: 7}, Record{Time: at(1), Version: 8}
	timeline := newTale("Pod").timeline()
	if before, err := timeline.HappenedBefore(a, b); !before || err != nil {
		t.Errorf("a before b: %v, %v, want true by their versions", before, err)
	}
	if before, err := timeline.HappenedBefore(b, a); before || err != nil {
		t.Errorf("b before a: %v, %v", before, err)
	}
	if _, err := timeline.HappenedBefore(a, a); !errors.Is(err, ErrNoOrder) {
		t.Errorf("a before itself: %v", err)
	}
	b.Missed = true
	if _, err := timeline.HappenedBefore(a, b); !errors.Is(err, ErrNotRecorded) {
		t.Errorf("before a change that was missed: %v", err)
	}
}

func TestTheFirstTimeThatItWasSo(t *testing.T) {
	ready := func(n int) func([]Record) bool {
		return func(pods []Record) bool {
			return len(slices.DeleteFunc(pods, func(r Record) bool { return !r.Pod.Ready })) >= n
		}
	}
	story := newTale("Pod").add(1, Added, "Pod", "a", pod("x", nil)).add(5, Added, "Pod", "b", pod("x", nil)).add(8, Deleted, "Pod", "b", pod("x", nil))
	for _, test := range []struct{ from, n, want int }{{0, 1, 1}, {0, 2, 5}, {6, 2, 6}, {6, 1, 6}} {
		if first, err := story.timeline().FirstTime("Pod", at(test.from), ready(test.n)); err != nil || !first.Equal(at(test.want)) {
			t.Errorf("%d ready pods from second %d: %v (%v), want second %d", test.n, test.from, first, err, test.want)
		}
	}
	if first, err := story.timeline().FirstTime("Pod", at(0), ready(3)); err != nil || !first.IsZero() {
		t.Errorf("3 ready pods: %v (%v), want never", first, err)
	}
	if _, err := story.gap(Missing, "Pod", 2, 3).timeline().FirstTime("Pod", at(0), ready(2)); !errors.Is(err, ErrNotRecorded) {
		t.Errorf("with a gap before it the error is %v", err)
	}
}

func TestKillsSinceTheTimelineBegan(t *testing.T) {
	killed, any := map[string]int32{"web": 137}, func(*Record) bool { return true }
	for name, test := range map[string]struct {
		tale *tale
		want bool
	}{
		"none":                  {newTale("Pod").add(-1, Added, "Pod", "a", pod("x", nil)).add(3, Deleted, "Pod", "a", pod("x", map[string]int32{"web": 0})), false},
		"one that is gone":      {newTale("Pod").add(-1, Added, "Pod", "a", pod("x", nil)).add(2, Modified, "Pod", "a", pod("x", killed)).add(3, Deleted, "Pod", "a", pod("x", killed)), true},
		"one from before":       {newTale("Pod").add(-1, Added, "Pod", "a", pod("x", killed)).add(3, Modified, "Pod", "a", pod("y", killed)), false},
		"one that is new to us": {newTale("Pod").add(3, Added, "Pod", "a", pod("x", killed)), true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.tale.timeline().Killed(any); (got != nil) != test.want {
				t.Errorf("a kill: %v, want %v", got, test.want)
			}
		})
	}
}

func TestWhatIsUndoneIsHidden(t *testing.T) {
	timeline := newTale("Deployment").available(-1, Added, 3).available(5, Modified, 0).gap(Missing, "Deployment", 6, 7).available(7, Found, 1, true).
		available(9, Modified, 3).timeline().Without(at(4), at(8))
	if found, err := timeline.Below(webRef, 2); found != nil || err != nil {
		t.Errorf("below: %v (%v), want never, as it was undone", found, err)
	}
}
