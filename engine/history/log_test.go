package history

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var start = time.Date(2025, 4, 1, 9, 0, 0, 0, time.UTC)

// line is an audit event: a deletion of the pod by learner, n seconds after start.
func line(pod string, n int) string {
	return fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"id-%s","stage":"ResponseComplete",`+
		`"requestURI":"/api/v1/namespaces/shop/pods/%s","verb":"delete","user":{"username":"learner"},`+
		`"objectRef":{"resource":"pods","namespace":"shop","name":"%s","apiVersion":"v1"},"responseStatus":{"code":200},`+
		`"requestReceivedTimestamp":"%s"}`+"\n", pod, pod, pod, start.Add(time.Duration(n)*time.Second).Format("2006-01-02T15:04:05.000000Z07:00"))
}

// logFolder is a folder of log files.
type logFolder struct {
	t   *testing.T
	dir string
}

func newLogFolder(t *testing.T) logFolder { return logFolder{t, t.TempDir()} }

func (f logFolder) paths(context.Context) ([]string, error) {
	return filepath.Glob(filepath.Join(f.dir, "*.log"))
}

func (f logFolder) add(name string, text ...string) {
	f.t.Helper()
	file, err := os.OpenFile(filepath.Join(f.dir, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		f.t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(strings.Join(text, "")); err != nil {
		f.t.Fatal(err)
	}
}

func (f logFolder) rename(from, to string) {
	f.t.Helper()
	if err := os.Rename(filepath.Join(f.dir, from), filepath.Join(f.dir, to)); err != nil {
		f.t.Fatal(err)
	}
}

func podsIn(t *testing.T, r Reader, q Query) []string {
	t.Helper()
	requests, err := r.Requests(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, r := range requests {
		names = append(names, r.Name)
	}
	return names
}

func expectPods(t *testing.T, r Reader, want ...string) {
	t.Helper()
	if got := podsIn(t, r, Query{}); !slices.Equal(got, want) {
		t.Errorf("the log holds %v, want %v", got, want)
	}
}

func TestALogFollowsItsFiles(t *testing.T) {
	tests := map[string]func(t *testing.T, f logFolder, l *Log){
		"what is appended is found by the next question": func(t *testing.T, f logFolder, l *Log) {
			f.add("audit.log", line("a", 1))
			expectPods(t, l, "a")
			f.add("audit.log", line("b", 2))
			expectPods(t, l, "a", "b")
		},
		"a half-written last line is read once it is complete": func(t *testing.T, f logFolder, l *Log) {
			b := line("b", 2)
			f.add("audit.log", line("a", 1), b[:40])
			expectPods(t, l, "a")
			f.add("audit.log", b[40:])
			expectPods(t, l, "a", "b")
		},
		"a line that a killed server left half-written does not swallow the next": func(t *testing.T, f logFolder, l *Log) {
			f.add("audit.log", line("a", 1)[:90], line("b", 2), line("c", 3))
			expectPods(t, l, "b", "c")
		},
		"a rotated file is not read twice": func(t *testing.T, f logFolder, l *Log) {
			f.add("audit.log", line("a", 1))
			expectPods(t, l, "a")
			f.add("audit.log", line("b", 2))
			f.rename("audit.log", "audit-2025.log")
			f.add("audit.log", line("c", 3))
			expectPods(t, l, "a", "b", "c")
			expectPods(t, l, "a", "b", "c")
		},
		"what was read of a file that is gone is kept": func(t *testing.T, f logFolder, l *Log) {
			f.add("audit-2025.log", line("a", 1))
			f.add("audit.log", line("b", 2))
			expectPods(t, l, "a", "b")
			if err := os.Remove(filepath.Join(f.dir, "audit-2025.log")); err != nil {
				t.Fatal(err)
			}
			expectPods(t, l, "a", "b")
		},
		"a file that was begun anew is read from its start": func(t *testing.T, f logFolder, l *Log) {
			f.add("audit.log", line("a", 1), line("b", 2))
			expectPods(t, l, "a", "b")
			if err := os.Truncate(filepath.Join(f.dir, "audit.log"), 0); err != nil {
				t.Fatal(err)
			}
			f.add("audit.log", line("c", 3), line("d", 4), line("e", 5))
			expectPods(t, l, "a", "b", "c", "d", "e")
		},
		"events come back in order of time": func(t *testing.T, f logFolder, l *Log) {
			f.add("audit-1.log", line("late", 9))
			f.add("audit-2.log", line("early", 1))
			expectPods(t, l, "early", "late")
		},
		"what is no event is counted and passed over": func(t *testing.T, f logFolder, l *Log) {
			f.add("audit.log", "not json\n", "\n", `{"kind":"Event"}`+"\n", line("a", 1))
			expectPods(t, l, "a")
			if l.Damaged() != 2 {
				t.Errorf("%d lines are damaged, want 2", l.Damaged())
			}
		},
		"fields of a later release are no obstacle": func(t *testing.T, f logFolder, l *Log) {
			f.add("audit.log", strings.Replace(line("a", 1), `{"kind"`, `{"novelty":{"x":[1]},"kind"`, 1))
			expectPods(t, l, "a")
		},
		"a line of a megabyte is read whole": func(t *testing.T, f logFolder, l *Log) {
			f.add("audit.log", strings.Replace(line("a", 1), `"level"`, `"userAgent":"`+strings.Repeat("x", 1<<20)+`","level"`, 1), line("b", 2))
			expectPods(t, l, "a", "b")
		},
		"a line beyond all measure is passed over": func(t *testing.T, f logFolder, l *Log) {
			f.add("audit.log", strings.Repeat("x", longestLine+(1<<20)), "\n", line("b", 2))
			expectPods(t, l, "b")
		},
		"reads and unfinished requests are dropped": func(t *testing.T, f logFolder, l *Log) {
			f.add("audit.log", strings.Replace(line("a", 1), `"verb":"delete"`, `"verb":"list"`, 1),
				strings.Replace(line("b", 2), "ResponseComplete", "RequestReceived", 1), line("c", 3))
			expectPods(t, l, "c")
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newLogFolder(t)
			test(t, f, Open(f.paths))
		})
	}
}

func TestARotationBetweenListingAndOpeningLosesNothing(t *testing.T) {
	f := newLogFolder(t)
	f.add("audit.log", line("a", 1))
	rotations := 0
	l := Open(func(ctx context.Context) ([]string, error) {
		listed, err := f.paths(ctx)
		if rotations == 1 {
			f.add("audit.log", line("b", 2))
			f.rename("audit.log", "audit-2025.log")
			f.add("audit.log", line("c", 3))
		}
		rotations++
		return listed, err
	})
	expectPods(t, l, "a", "b", "c")
	expectPods(t, l, "a", "b", "c")
}

// A listing may be a command on another machine, and the API server there logs without pause.
func TestABusyServerIsListedOnceForEachQuestion(t *testing.T) {
	f := newLogFolder(t)
	listings := 0
	l := Open(func(ctx context.Context) ([]string, error) {
		listings++
		f.add("audit.log", line(fmt.Sprintf("p%d", listings), listings))
		return f.paths(ctx)
	})
	expectPods(t, l, "p1", "p2") // once more, as the file is new
	expectPods(t, l, "p1", "p2", "p3")
}

func TestThoseWhoAskAtOnceAreServedByOneReading(t *testing.T) {
	f := newLogFolder(t)
	f.add("audit.log", line("a", 1))
	listing := func() {}
	l := Open(func(ctx context.Context) ([]string, error) {
		listing()
		return f.paths(ctx)
	})
	expectPods(t, l, "a")
	listings := 0
	underWay, goOn := make(chan struct{}), make(chan struct{})
	listing = func() {
		if listings++; listings == 1 {
			close(underWay)
			<-goOn
		}
	}
	var asking sync.WaitGroup
	ask := func() { asking.Go(func() { expectPods(t, l, "a") }) }
	ask()
	<-underWay
	for range 3 { // they ask after the reading under way has begun, so its result is too old for them
		ask()
	}
	awaitAsking(t, 3)
	close(goOn)
	asking.Wait()
	if listings != 2 {
		t.Errorf("the files were listed %d times, want once more than for the reading that was under way", listings)
	}
}

// awaitAsking waits until want questions wait for the reading of another one.
func awaitAsking(t *testing.T, want int) {
	t.Helper()
	waiting := func() (n int) {
		stacks := make([]byte, 1<<20)
		for stack := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
			if strings.Contains(stack, "sync.(*Mutex).Lock") && strings.Contains(stack, "(*Log).Requests") {
				n++
			}
		}
		return n
	}
	for deadline := time.Now().Add(30 * time.Second); waiting() < want; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d wait, want %d", waiting(), want)
		}
	}
}

func TestAFileThatIsRenamedBeforeItIsOpenedIsFound(t *testing.T) {
	f := newLogFolder(t)
	f.add("audit.log", line("a", 1))
	listings := 0
	l := Open(func(ctx context.Context) ([]string, error) {
		listed, err := f.paths(ctx)
		if listings++; listings == 3 {
			f.add("audit.log", line("b", 2))
			f.rename("audit.log", "audit-2025.log")
		}
		return listed, err
	})
	expectPods(t, l, "a")
	expectPods(t, l, "a", "b")
}

func TestFilesThatAreListedAndGoneAreNotRecorded(t *testing.T) {
	f := newLogFolder(t)
	f.add("audit.log", line("a", 1))
	listed, err := f.paths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l := Open(func(context.Context) ([]string, error) { return listed, nil })
	expectPods(t, l, "a")
	f.rename("audit.log", "elsewhere")
	if found, err := l.Requests(t.Context(), Query{}); !errors.Is(err, ErrNotRecorded) {
		t.Errorf("of a log that is gone got %v (%v), want that it is not recorded", found, err)
	}
}

func TestALogWithoutFilesIsNotRecorded(t *testing.T) {
	for name, r := range map[string]Reader{"no files": Open(newLogFolder(t).paths), "no log": NotRecorded{}} {
		t.Run(name, func(t *testing.T) {
			if _, err := r.Requests(t.Context(), Query{}); !errors.Is(err, ErrNotRecorded) {
				t.Errorf("the error is %v, want %v", err, ErrNotRecorded)
			}
		})
	}
}

func TestAnErrorOfTheListingIsNotAnEmptyHistory(t *testing.T) {
	broken := errors.New("no permission")
	l := Open(func(context.Context) ([]string, error) { return nil, broken })
	if _, err := l.Requests(t.Context(), Query{}); !errors.Is(err, broken) {
		t.Errorf("the error is %v, want %v", err, broken)
	}
}

func TestALogForgetsTheOldestAndSaysSo(t *testing.T) {
	f := newLogFolder(t)
	var all strings.Builder
	for n := range mostRequests + 1 {
		all.WriteString(line(fmt.Sprintf("p%d", n), n))
	}
	f.add("audit.log", all.String())
	l := Open(f.paths)
	if _, err := l.Requests(t.Context(), Query{Since: start}); !errors.Is(err, ErrNotRecorded) {
		t.Errorf("the error for the forgotten time is %v, want %v", err, ErrNotRecorded)
	}
	last := podsIn(t, l, Query{Since: start.Add((mostRequests - 1) * time.Second)})
	if len(last) != 2 {
		t.Errorf("of the last two requests %v are left", last)
	}
	if len(l.requests) > mostRequests {
		t.Errorf("%d requests are kept, more than %d", len(l.requests), mostRequests)
	}
}

func TestAQuerySelects(t *testing.T) {
	f := newLogFolder(t)
	f.add("audit.log",
		line("first", 1),
		strings.Replace(line("refused", 2), `"code":200`, `"code":403`, 1),
		strings.Replace(line("other-user", 3), `"learner"`, `"k8slab:operator"`, 1),
		strings.Replace(line("tried", 4), `"requestReceivedTimestamp"`, `"requestObject":{"kind":"DeleteOptions","dryRun":["All"]},"requestReceivedTimestamp"`, 1),
	)
	l := Open(f.paths)
	tests := map[string]struct {
		query Query
		want  []string
	}{
		"everything":           {Query{}, []string{"first", "refused", "other-user", "tried"}},
		"since a time":         {Query{Since: start.Add(3 * time.Second)}, []string{"other-user", "tried"}},
		"by user":              {Query{Users: []string{"learner"}}, []string{"first", "refused", "tried"}},
		"what took effect":     {Query{Succeeded: true}, []string{"first", "other-user"}},
		"by name":              {Query{Resource: "pods", Namespace: "shop", Name: "first"}, []string{"first"}},
		"of another verb":      {Query{Verbs: []string{"create"}}, []string{}},
		"of another group":     {Query{Group: "apps"}, []string{}},
		"of a subresource":     {Query{Subresource: "eviction"}, []string{}},
		"in another namespace": {Query{Namespace: "default"}, []string{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := podsIn(t, l, test.query); !slices.Equal(got, test.want) {
				t.Errorf("selected %v, want %v", got, test.want)
			}
		})
	}
}

func TestADryRunIsRecognizedWhereTheAPIServerReadsIt(t *testing.T) {
	const eviction = `"verb":"create","objectRef":{"resource":"pods","subresource":"eviction","name":"a","namespace":"shop"}`
	tests := map[string]struct {
		uri, rest string
		want      bool
	}{
		"a deletion without options":                   {"/x", `"verb":"delete"`, false},
		"a deletion with the query":                    {"/x?dryRun=All", `"verb":"delete"`, true},
		"a deletion whose body says so":                {"/x", `"verb":"delete","requestObject":{"dryRun":["All"]}`, true},
		"a deletion whose body overrides the query":    {"/x?dryRun=All", `"verb":"delete","requestObject":{"gracePeriodSeconds":0}`, false},
		"a collection whose body says so":              {"/x", `"verb":"deletecollection","requestObject":{"dryRun":["All"]}`, true},
		"an eviction whose body says so":               {"/x", eviction + `,"requestObject":{"deleteOptions":{"dryRun":["All"]}}`, true},
		"an eviction whose query says so for the body": {"/x?dryRun=All", eviction + `,"requestObject":{"deleteOptions":{}}`, true},
		"an eviction":                 {"/x", eviction + `,"requestObject":{"deleteOptions":{}}`, false},
		"a patch with the query":      {"/x?fieldManager=me&dryRun=All", `"verb":"patch"`, true},
		"a patch with an empty query": {"/x?dryRun=", `"verb":"patch"`, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			event := `{"kind":"Event","auditID":"1","stage":"ResponseComplete","objectRef":{"resource":"pods"},"requestURI":"` + test.uri + `",` + test.rest + `}`
			r, keep, readable := parseLine([]byte(event))
			if !keep || !readable {
				t.Fatalf("the event is kept: %v, readable: %v", keep, readable)
			}
			if r.DryRun != test.want {
				t.Errorf("dry run: %v, want %v", r.DryRun, test.want)
			}
		})
	}
}

func TestImpersonationKeepsWhoAsked(t *testing.T) {
	r, _, _ := parseLine([]byte(strings.Replace(line("a", 1), `"objectRef"`, `"impersonatedUser":{"username":"system:admin"},"objectRef"`, 1)))
	if r.User != "learner" || r.ImpersonatedUser != "system:admin" {
		t.Errorf("user %q as %q, want learner as system:admin", r.User, r.ImpersonatedUser)
	}
}
