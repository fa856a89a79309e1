package recorder

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/k8slab/k8slab/engine/history"
)

// watch is a clock that is set by hand.
type watch struct{ now time.Time }

func newClock() *watch { return &watch{time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)} }

func (c *watch) sleep(d time.Duration) { c.now = c.now.Add(d) }

func open(t *testing.T, dir string, c *watch) *store {
	t.Helper()
	s, err := openStore(dir, func() time.Time { return c.now })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func add(t *testing.T, s *store, records ...history.Record) {
	t.Helper()
	if err := s.add(records...); err != nil {
		t.Fatal(err)
	}
}

// podRecord returns a record of a pod in its n-th state.
func podRecord(name string, n int) history.Record {
	return history.Record{Event: history.Modified, Kind: "Pod", UID: name, Name: name, Version: uint64(n), Pod: &history.PodFacts{Phase: fmt.Sprint("Phase", n)}}
}

func timelineOf(t *testing.T, dir string, since time.Time) *history.Timeline {
	t.Helper()
	recording := history.OpenRecording(func(context.Context) (string, error) { return dir, nil })
	timeline, err := recording.Timeline(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	return timeline
}

func TestARecordIsBoundedAndStillKnowsWhatExists(t *testing.T) {
	dir, clock := t.TempDir(), newClock()
	s := open(t, dir, clock)
	s.maxSegment, s.maxRecord = 1000, 3000
	add(t, s, history.Record{Event: history.Watched, Kind: "Pod"}, podRecord("quiet", 1))
	for n := range 200 {
		clock.sleep(time.Second)
		add(t, s, podRecord("busy", n))
	}
	paths, err := history.Segments(dir)
	if err != nil || len(paths) < 3 || !strings.HasSuffix(paths[0], history.CompressedSuffix) {
		t.Fatalf("the record is in %v (%v), want several files, the older ones compressed", paths, err)
	}
	size := int64(0)
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size > 3000+400 { // the last record of a file may go beyond the bound
		t.Errorf("the record takes %d bytes, more than its bound of 3000", size)
	}
	for _, since := range []time.Duration{20 * time.Second, 5 * time.Second, 0} {
		if _, known := timelineOf(t, dir, clock.now.Add(-since)).Of(history.Ref{Kind: "Pod", Name: "busy"}); len(known) < int(since.Seconds()) {
			t.Errorf("of the last %v the record has %d changes", since, len(known))
		}
	}
	timeline := timelineOf(t, dir, clock.now)
	if before, _ := timeline.Of(history.Ref{Kind: "Pod", Name: "quiet"}); before == nil || len(timeline.Gaps) != 0 {
		t.Errorf("the pod that never changed is %v, with the gaps %v; want it known and no gap", before, timeline.Gaps)
	}
	early := timelineOf(t, dir, clock.now.Add(-199*time.Second))
	if len(early.Gaps) != 1 || !early.Gaps[0].From.IsZero() {
		t.Errorf("of a time whose files are gone the gaps are %v, want one without a beginning", early.Gaps)
	}
}

func TestARecordGoesOnAfterARestart(t *testing.T) {
	dir, clock := t.TempDir(), newClock()
	s := open(t, dir, clock)
	add(t, s, history.Record{Event: history.Watched, Kind: "Pod"}, podRecord("a", 1), podRecord("b", 2))
	add(t, s, history.Record{Event: history.Deleted, Kind: "Pod", UID: "a", Name: "a", Version: 3})
	clock.sleep(30 * time.Second)
	if err := s.touch(); err != nil {
		t.Fatal(err)
	}
	if err := s.file.Close(); err != nil { // as a kill does
		t.Fatal(err)
	}
	died := clock.now
	clock.sleep(time.Hour)
	again := open(t, dir, clock)
	if len(again.written) != 1 || again.written["b"] == nil || again.reached["Pod"] != 3 {
		t.Errorf("it knows %v up to version %d, want b up to 3", again.written, again.reached["Pod"])
	}
	if from := again.lost["Pod"]; !from.Equal(died) {
		t.Errorf("pods are lost since %v, want since the last sign of life %v", from, died)
	}
}

func TestALabNamesFurtherResourcesInFull(t *testing.T) {
	kinds, err := Kinds("certificates.v1.cert-manager.io", "horizontalpodautoscalers.v2.autoscaling")
	if err != nil {
		t.Fatal(err)
	}
	own := kinds[len(kinds)-2]
	if own.Name != "certificates.cert-manager.io" || own.path() != "/apis/cert-manager.io/v1/certificates" {
		t.Errorf("the kind is %s at %s", own.Name, own.path())
	}
	for _, wrong := range []string{"certificates", "cert-manager.io/Certificate", ""} {
		if _, err := Kinds(wrong); err == nil {
			t.Errorf("%q is taken for a resource", wrong)
		}
	}
}

func TestHalfALineIsSetAside(t *testing.T) {
	dir, clock := t.TempDir(), newClock()
	s := open(t, dir, clock)
	add(t, s, history.Record{Event: history.Watched, Kind: "Pod"}, podRecord("a", 1))
	path := filepath.Join(dir, history.SegmentName(1))
	if _, err := s.file.WriteString(`{"t":"2026-04-01T09:00:01Z","e":"mod`); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir, clock)
	add(t, again, podRecord("a", 2))
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(raw), "\n"); lines != 3 || strings.Contains(string(raw), `"mod{`) {
		t.Errorf("the file has %d lines:\n%s", lines, raw)
	}
	aside, err := os.ReadFile(filepath.Join(dir, damaged))
	if err != nil || !strings.Contains(string(aside), `"mod`) {
		t.Errorf("set aside is %q (%v)", aside, err)
	}
}

func TestAPauseIsAGap(t *testing.T) {
	dir, clock := t.TempDir(), newClock()
	s := open(t, dir, clock)
	add(t, s, history.Record{Event: history.Watched, Kind: "Pod"}, podRecord("a", 1))
	clock.sleep(time.Second)
	add(t, s, podRecord("a", 2))
	paused := clock.now
	clock.sleep(time.Minute) // SIGSTOP, or a laptop that sleeps
	add(t, s, podRecord("a", 3))
	gaps := timelineOf(t, dir, paused).Gaps
	if len(gaps) != 1 || !gaps[0].Late || gaps[0].Kind != "" || !gaps[0].From.Equal(paused) || gaps[0].To.Before(clock.now) {
		t.Errorf("the gaps are %v, want one from %v beyond %v", gaps, paused, clock.now)
	}
}

func TestAClockThatIsSetBackIsNotFollowed(t *testing.T) {
	dir, clock := t.TempDir(), newClock()
	s := open(t, dir, clock)
	add(t, s, history.Record{Event: history.Watched, Kind: "Pod"}, podRecord("a", 1))
	began := clock.now
	clock.sleep(-time.Hour)
	add(t, s, podRecord("a", 2))
	if _, since := timelineOf(t, dir, began).Of(history.Ref{Kind: "Pod", Name: "a"}); len(since) != 2 {
		t.Errorf("since the first record there are %v, want two", since)
	}
}
