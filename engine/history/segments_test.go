package history

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func writeSegment(t *testing.T, dir string, n int, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, SegmentName(n)), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func linesOf(t *testing.T, records ...Record) string {
	t.Helper()
	var b strings.Builder
	for _, r := range records {
		raw, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(raw, '\n'))
	}
	return b.String()
}

func recordingIn(dir string) *Recording {
	return OpenRecording(func(context.Context) (string, error) { return dir, nil })
}

func TestARecordIsReadFromTheFileThatHoldsItsBeginning(t *testing.T) {
	dir := t.TempDir()
	all := newTale("Deployment").available(-1, Added, 3).available(2, Modified, 2).available(4, Modified, 1).records
	writeSegment(t, dir, 1, "this is not even a record\n")
	writeSegment(t, dir, 2, linesOf(t, all[:3]...))
	// A file begins with all objects that exist, and its last line may still be on its way.
	writeSegment(t, dir, 3, linesOf(t, Record{Time: at(3), Event: Watched, Kind: "Deployment"}, all[2], all[3])+`{"t":"2025-04-01T09:00:05Z","e":"modi`)
	timeline, err := recordingIn(dir).Timeline(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	before, since := timeline.Of(webRef)
	if before == nil || before.Workload.Available != 3 || len(since) != 3 || since[2].Workload.Available != 1 || len(timeline.Gaps) != 0 {
		t.Errorf("before %v, since %v, gaps %v", before, since, timeline.Gaps)
	}
}

func TestAFolderWithoutARecordTellsNothing(t *testing.T) {
	if _, err := recordingIn(t.TempDir()).Timeline(t.Context(), start); !errors.Is(err, ErrNotRecorded) {
		t.Errorf("the error is %v, want %v", err, ErrNotRecorded)
	}
	broken := errors.New("the cluster does not answer")
	behind := OpenRecording(func(context.Context) (string, error) { return "", broken })
	if _, err := behind.Timeline(t.Context(), start); !errors.Is(err, broken) {
		t.Errorf("the error is %v, want %v", err, broken)
	}
}

func TestADamagedRecordIsAnError(t *testing.T) {
	dir := t.TempDir()
	writeSegment(t, dir, 1, linesOf(t, newTale("Pod").records...)+"nonsense\n")
	if _, err := recordingIn(dir).Timeline(t.Context(), start); err == nil || !strings.Contains(err.Error(), SegmentName(1)) {
		t.Errorf("the error is %v, want one that names the file", err)
	}
}
