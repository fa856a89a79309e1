package progress

import (
	"reflect"
	"testing"
	"time"

	"github.com/k8slab/k8slab/content"
)

func at(minute int) time.Time { return time.Date(2026, 1, 2, 3, minute, 0, 0, time.UTC) }

func TestFold(t *testing.T) {
	started := Event{ID: "1", Time: at(0), Kind: Started, Attempt: "a", Lab: "11", Provider: "embedded"}
	entered := Event{ID: "2", Time: at(1), Kind: Entered, Attempt: "a", Lab: "11", Step: "drain"}
	passed := Event{ID: "3", Time: at(9), Kind: Checked, Attempt: "a", Lab: "11", Step: "drain", Passed: true, Points: 8, Max: 10}

	tests := []struct {
		name    string
		events  []Event
		current string
		want    map[string]*Lab
	}{
		{name: "an empty journal has no labs", want: map[string]*Lab{}},
		{
			name: "the same event twice counts once", events: []Event{started, entered, passed, passed, started}, current: "11",
			want: map[string]*Lab{"11": {ID: "11", Attempt: "a", Provider: "embedded", Started: at(0), Step: "drain", Steps: map[string]*Step{
				"drain": {ID: "drain", Entered: at(1), Passed: at(9), Points: 8, Checks: 1}}}},
		},
		{
			name: "an attempt has the origin with which it began", current: "11",
			events: []Event{started, {ID: "9", Time: at(2), Kind: Started, Attempt: "b", Lab: "11", Origin: content.Origin{Source: "/labs", Commit: "c"}}},
			want:   map[string]*Lab{"11": {ID: "11", Attempt: "b", Origin: content.Origin{Source: "/labs", Commit: "c"}, Started: at(2), Steps: map[string]*Step{}}},
		},
		{
			name: "hints and the solution after passing cost nothing", current: "11",
			events: []Event{started, entered, passed,
				{ID: "4", Time: at(10), Kind: Hinted, Attempt: "a", Lab: "11", Step: "drain", Level: 1, Cost: 2},
				{ID: "5", Time: at(11), Kind: Revealed, Attempt: "a", Lab: "11", Step: "drain"},
				{ID: "6", Time: at(12), Kind: Checked, Attempt: "a", Lab: "11", Step: "drain"},
				{ID: "7", Time: at(13), Kind: Entered, Attempt: "a", Lab: "11", Step: "drain"}},
			want: map[string]*Lab{"11": {ID: "11", Attempt: "a", Provider: "embedded", Started: at(0), Step: "drain", Steps: map[string]*Step{
				"drain": {ID: "drain", Entered: at(13), Passed: at(9), Points: 8, Checks: 2, HintsSeen: 1}}}},
		},
		{
			name: "a hint level that two processes showed is charged once", current: "11",
			events: []Event{started, entered,
				{ID: "4", Kind: Hinted, Attempt: "a", Lab: "11", Step: "drain", Level: 1, Cost: 2},
				{ID: "5", Kind: Hinted, Attempt: "a", Lab: "11", Step: "drain", Level: 1, Cost: 2},
				{ID: "6", Kind: Hinted, Attempt: "a", Lab: "11", Step: "drain", Level: 2, Cost: 3}},
			want: map[string]*Lab{"11": {ID: "11", Attempt: "a", Provider: "embedded", Started: at(0), Step: "drain", Steps: map[string]*Step{
				"drain": {ID: "drain", Entered: at(1), Hints: 2, HintCost: 5, HintsSeen: 2}}}},
		},
		{
			name: "a new attempt forgets the points of the one before, and its late events", current: "11",
			events: []Event{started, entered, passed,
				{ID: "8", Time: at(20), Kind: Started, Attempt: "b", Lab: "11", Provider: "kind"},
				{ID: "9", Time: at(21), Kind: Checked, Attempt: "a", Lab: "11", Step: "drain", Passed: true, Points: 10}},
			want: map[string]*Lab{"11": {ID: "11", Attempt: "b", Provider: "kind", Started: at(20), Steps: map[string]*Step{}}},
		},
		{
			name: "an attempt whose first line was lost still counts", current: "11", events: []Event{passed},
			want: map[string]*Lab{"11": {ID: "11", Attempt: "a", Started: at(9), Steps: map[string]*Step{
				"drain": {ID: "drain", Passed: at(9), Points: 8, Checks: 1}}}},
		},
		{
			name: "a reset begins the step's time again", current: "11",
			events: []Event{started, entered, {ID: "4", Time: at(5), Kind: WasReset, Attempt: "a", Lab: "11", Step: "drain"}},
			want: map[string]*Lab{"11": {ID: "11", Attempt: "a", Provider: "embedded", Started: at(0), Step: "drain", Steps: map[string]*Step{
				"drain": {ID: "drain", Entered: at(5), Resets: 1}}}},
		},
		{
			name: "a finished lab is not current", events: []Event{started, {ID: "4", Time: at(5), Kind: Finished, Attempt: "a", Lab: "11"}},
			want: map[string]*Lab{"11": {ID: "11", Attempt: "a", Provider: "embedded", Started: at(0), Finished: at(5), Steps: map[string]*Step{}}},
		},
		{
			name: "finishing a lab leads back to the one that was left open", current: "11",
			events: []Event{started,
				{ID: "4", Time: at(5), Kind: Started, Attempt: "x", Lab: "12"},
				{ID: "5", Time: at(6), Kind: Finished, Attempt: "x", Lab: "12"}},
			want: map[string]*Lab{
				"11": {ID: "11", Attempt: "a", Provider: "embedded", Started: at(0), Steps: map[string]*Step{}},
				"12": {ID: "12", Attempt: "x", Started: at(5), Finished: at(6), Steps: map[string]*Step{}}},
		},
		{
			name: "kinds of a newer release are passed over", events: []Event{started, {ID: "4", Kind: "paused", Attempt: "zzz", Lab: "99"}}, current: "11",
			want: map[string]*Lab{"11": {ID: "11", Attempt: "a", Provider: "embedded", Started: at(0), Steps: map[string]*Step{}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Fold(tt.events)
			if got.Current != tt.current {
				t.Errorf("current lab %q, want %q", got.Current, tt.current)
			}
			if !reflect.DeepEqual(got.Labs, tt.want) {
				t.Errorf("labs\n got %s\nwant %s", dump(got.Labs), dump(tt.want))
			}
		})
	}
}
