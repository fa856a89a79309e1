package progress

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/k8slab/k8slab/engine/problem"
)

const (
	appendForever = "K8SLAB_TEST_APPEND_FOREVER"
	appendN       = "K8SLAB_TEST_APPEND_N"
)

// TestMain lets this executable be the process that is killed, and the second of two that write at once.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv(appendForever) != "":
		child(os.Getenv(appendForever), 1<<30)
	case os.Getenv(appendN) != "":
		child(os.Getenv(appendN), 200)
	}
	os.Exit(m.Run())
}

// child appends n events and prints the id of each one that Append reported as kept.
func child(path string, n int) {
	j, err := Open(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for range n {
		e := Event{ID: NewID(), Kind: Checked, Attempt: "a", Lab: "11", Step: "drain", Verdicts: map[string]string{"filler": strings.Repeat("x", 3000)}}
		if err := j.Append(e); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(e.ID)
	}
	os.Exit(0)
}

func dump(v any) string {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func open(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func read(t *testing.T, j *Journal) ([]Event, []Damage) {
	t.Helper()
	events, damage, err := j.Read()
	if err != nil {
		t.Fatal(err)
	}
	return events, damage
}

func TestAppendedEventIsReadBackByAnotherJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "journal.jsonl")
	want := Event{ID: "1", Time: at(1), Kind: Checked, Attempt: "a", Lab: "11", Step: "drain", Passed: true, Points: 3, Max: 4, Verdicts: map[string]string{"c": "passed"}}
	if err := open(t, path).Append(want); err != nil {
		t.Fatal(err)
	}
	events, damage := read(t, open(t, path))
	if len(damage) != 0 || !reflect.DeepEqual(events, []Event{want}) {
		t.Errorf("read %s, damage %v", dump(events), damage)
	}
	for p, mode := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700 | os.ModeDir} {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != mode {
			t.Errorf("%s has mode %v, want %v", p, info.Mode(), mode)
		}
	}
}

func TestAppendFillsInIDAndTime(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "j"))
	for range 2 {
		if err := j.Append(Event{Kind: Started, Lab: "11"}); err != nil {
			t.Fatal(err)
		}
	}
	events, _ := read(t, j)
	if len(events) != 2 || events[0].ID == "" || events[0].ID == events[1].ID || events[0].Time.IsZero() {
		t.Errorf("read %s", dump(events))
	}
}

func TestTornJournal(t *testing.T) {
	const whole = `{"id":"1","kind":"started","lab":"11"}` + "\n"
	tests := []struct {
		name, file string
		ids        []string
		damage     int
		setAside   string
	}{
		{"an empty file", "", nil, 0, ""},
		{"a whole line", whole, []string{"1"}, 0, ""},
		{"a last line without its newline is kept", whole + `{"id":"2","kind":"finished","lab":"11"}`, []string{"1", "2"}, 0, ""},
		{"a torn last line is set aside", whole + `{"id":"2","ki`, []string{"1"}, 1, `{"id":"2","ki` + "\n"},
		{"a torn only line is set aside", `{"id`, nil, 1, `{"id` + "\n"},
		{"a torn line longer than a block is set aside", whole + `{"id":"` + strings.Repeat("y", 10000), []string{"1"}, 1, `{"id":"` + strings.Repeat("y", 10000) + "\n"},
		{"zeroes that a power cut left are set aside", whole + "\x00\x00\x00", []string{"1"}, 1, "\x00\x00\x00\n"},
		{"damage in the middle is reported and stays", "{oops\n" + whole, []string{"1"}, 1, ""},
		{"a line that is no object is reported", "null\n[]\n" + whole, []string{"1"}, 2, ""},
		{"fields of a newer release are no damage", `{"id":"1","kind":"started","lab":"11","weather":{"sun":true}}` + "\n", []string{"1"}, 0, ""},
		{"kinds of a newer release are no damage", `{"id":"1","kind":"paused","lab":"11"}` + "\n", []string{"1"}, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal.jsonl")
			if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			j := open(t, path)
			if err := j.Append(Event{ID: "next", Kind: Entered, Lab: "11", Step: "drain"}); err != nil {
				t.Fatal(err)
			}
			events, damage := read(t, j)
			var ids []string
			for _, e := range events {
				ids = append(ids, e.ID)
			}
			if want := append(tt.ids, "next"); !reflect.DeepEqual(ids, want) {
				t.Errorf("events %v, want %v", ids, want)
			}
			if len(damage) != tt.damage {
				t.Errorf("damage %+v, want %d", damage, tt.damage)
			}
			aside, err := os.ReadFile(j.DamagedPath())
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			if string(aside) != tt.setAside {
				t.Errorf("set aside %q, want %q", aside, tt.setAside)
			}
		})
	}
}

// TestKilledWriterLosesNothingThatItReported kills a process in the middle of its work again and again.
func TestKilledWriterLosesNothingThatItReported(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	var kept []string
	for round := range 15 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), appendForever+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Wait for a number of bytes that differs from round to round, so that the kill comes at different moments.
		first := make([]byte, 27*(1+round%5))
		if _, err := io.ReadFull(out, first); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(out)
		if err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		lines := strings.Split(string(first)+string(rest), "\n")
		kept = append(kept, lines[:len(lines)-1]...)
	}
	events, damage := read(t, open(t, path))
	for _, d := range damage {
		if d.Line != 0 {
			t.Errorf("a line of the journal itself is damaged: %+v", d)
		}
	}
	have := map[string]bool{}
	for _, e := range events {
		have[e.ID] = true
	}
	for _, id := range kept {
		if !have[id] {
			t.Errorf("event %s was reported as kept and is lost", id)
		}
	}
}

func TestTwoProcessesAtOnceKeepEveryEvent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	var cmds []*exec.Cmd
	for range 2 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), appendN+"="+path)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		cmds = append(cmds, cmd)
	}
	for _, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	events, damage := read(t, open(t, path))
	if len(events) != 400 || len(damage) != 0 {
		t.Errorf("%d events and damage %v, want 400 and none", len(events), damage)
	}
}

// TestFullDisk reaches the limit of a file's size, at which the kernel cuts a write short as it does on a full disk.
// A child has the limit, because it is the process's.
func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	j := open(t, path)
	if err := j.Append(Event{ID: "first", Kind: Started, Lab: "11"}); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// ulimit -f counts blocks of 512 bytes in a POSIX shell; each event of the child is longer than 3000 bytes.
	cmd := exec.Command("sh", "-c", `ulimit -f 4; trap '' XFSZ; exec "$0"`, os.Args[0])
	cmd.Env = append(os.Environ(), appendN+"="+path)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "cannot be saved") {
		t.Fatalf("the child ended with %v and said %q", err, out)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(after) != string(before) {
		t.Errorf("the short write was left in the journal: %q", after)
	}
	if err := j.Append(Event{ID: "second", Kind: Finished, Lab: "11"}); err != nil {
		t.Fatal(err)
	}
	if events, damage := read(t, j); len(events) != 2 || len(damage) != 0 {
		t.Errorf("events %s, damage %v", dump(events), damage)
	}
}

func TestFullDiskIsSaidAsSuch(t *testing.T) {
	j := &Journal{path: "/somewhere/journal.jsonl"}
	err := j.writeFailed(&os.PathError{Op: "write", Path: j.path, Err: syscall.ENOSPC})
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok || !strings.Contains(p.What.EN, "disk is full") || !strings.Contains(p.What.JA, "ディスク") || p.Next.IsZero() {
		t.Errorf("got %#v", err)
	}
}

func TestFolderThatCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(filepath.Join(file, "k8slab", "journal.jsonl"))
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok || !strings.Contains(p.What.EN, filepath.Join(file, "k8slab")) || p.Next.IsZero() {
		t.Errorf("got %v", err)
	}
}

func FuzzReadAndFold(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte(`{"id":"1","kind":"started","lab":"11","attempt":"a"}` + "\n" + `{"id":"2","kind":"hinted","lab":"11","step":"x","level":-1}`))
	f.Add([]byte("{\"kind\":\"finished\",\"lab\":\"z\"}\n\x00\xff\n{\"kin"))
	f.Fuzz(func(t *testing.T, file []byte) {
		path := filepath.Join(t.TempDir(), "j")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		j := open(t, path)
		before, _ := read(t, j)
		if err := j.Append(Event{ID: "appended", Kind: Started, Lab: "L", Attempt: "new"}); err != nil {
			t.Fatal(err)
		}
		events, _ := read(t, open(t, path))
		if len(events) != len(before)+1 || events[len(events)-1].ID != "appended" {
			t.Fatalf("the appended event is not the last of %d, where there were %d", len(events), len(before))
		}
		for i := range events {
			if events[i].ID == "" {
				events[i].ID = fmt.Sprint("filled", i)
			}
		}
		once := Fold(events)
		if twice := Fold(append(events, events...)); !reflect.DeepEqual(once, twice) {
			t.Fatalf("folding twice differs:\n%s\n%s", dump(once), dump(twice))
		}
		if once.Current != "" && once.Labs[once.Current] == nil {
			t.Fatalf("the current lab %q is not among the labs", once.Current)
		}
	})
}
