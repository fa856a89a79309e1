package recorder

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/k8slab/k8slab/engine/history"
)

// server plays an API server that ends, refuses and forgets watches when it is told to, which a real one does not.
type server struct {
	*httptest.Server
	mu sync.Mutex
	// pods by name, with their version; version is the latest.
	pods map[string]int
	// uids holds the UIDs of pods that are not the pods' names.
	uids    map[string]string
	version int
	log     []string
	// forgotten: watches below this version have expired. inStream: they are told so in their first event.
	forgotten int
	inStream  bool
	refuse    bool
	changed   chan struct{}
	hangUp    chan struct{}
}

func newServer(t *testing.T) *server {
	s := &server{pods: map[string]int{}, uids: map[string]string{}, version: 1, changed: make(chan struct{}), hangUp: make(chan struct{})}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func (s *server) do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

// set creates the pod, or changes it.
func (s *server) set(name string) {
	s.do(func() {
		kind := "MODIFIED"
		if s.pods[name] == 0 {
			kind = "ADDED"
		}
		s.version++
		s.pods[name] = s.version
		s.log = append(s.log, s.event(kind, name, s.version))
	})
}

func (s *server) remove(name string) {
	s.do(func() {
		s.version++
		delete(s.pods, name)
		s.log = append(s.log, s.event("DELETED", name, s.version))
	})
}

// cut ends all watches.
func (s *server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.hangUp)
	s.hangUp = make(chan struct{})
}

func (s *server) podJSON(name string, version int) string {
	uid := "uid-" + name
	if other := s.uids[name]; other != "" {
		uid = other
	}
	return fmt.Sprintf(`{"metadata":{"name":%q,"namespace":"shop","uid":%q,"resourceVersion":"%d"},"status":{"phase":"Phase%d"}}`, name, uid, version, version)
}

// writeOver puts another pod in the place of the pod of that name, as a restored checkpoint does.
func (s *server) writeOver(name, uid string) {
	s.do(func() {
		s.version++
		s.pods[name], s.uids[name] = s.version, uid
		s.log = append(s.log, s.event("MODIFIED", name, s.version))
	})
}

func (s *server) event(kind, name string, version int) string {
	return fmt.Sprintf(`{"type":%q,"object":%s}`, kind, s.podJSON(name, version))
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse {
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	if r.URL.Query().Get("watch") == "" {
		items := []json.RawMessage{}
		for name, version := range s.pods {
			items = append(items, json.RawMessage(s.podJSON(name, version)))
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"metadata": map[string]string{"resourceVersion": strconv.Itoa(s.version)}, "items": items})
		return
	}
	from, _ := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	const expired = `{"kind":"Status","code":410,"message":"too old"}`
	if from < s.forgotten && !s.inStream {
		w.WriteHeader(http.StatusGone)
		fmt.Fprint(w, expired)
		return
	}
	w.(http.Flusher).Flush()
	if from < s.forgotten {
		fmt.Fprintf(w, `{"type":"ERROR","object":%s}`, expired)
		return
	}
	hangUp := s.hangUp
	for sent := 0; ; {
		for ; sent < len(s.log); sent++ {
			var e struct{ Object object }
			_ = json.Unmarshal([]byte(s.log[sent]), &e)
			if version, _ := strconv.Atoi(e.Object.Metadata.ResourceVersion); version > from {
				fmt.Fprintln(w, s.log[sent])
			}
		}
		w.(http.Flusher).Flush()
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-hangUp:
			s.mu.Lock()
			return
		case <-r.Context().Done():
			s.mu.Lock()
			return
		}
		s.mu.Lock()
	}
}

// recording is a Recorder of the server's pods.
type recording struct {
	*Recorder
	t   *testing.T
	dir string
}

func record(t *testing.T, s *server) *recording {
	t.Helper()
	kinds, err := Kinds()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	r, err := Open(Config{Client: &rest.Config{Host: s.URL}, Dir: dir, Kinds: kinds[:1], Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return &recording{r, t, dir}
}

// told catches up and returns what the record says of the pods, and its gaps.
func (r *recording) told() (events []string, gaps []history.Gap) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 30*time.Second)
	defer cancel()
	if err := r.CatchUp(ctx); err != nil {
		r.t.Fatal(err)
	}
	timeline := timelineOf(r.t, r.dir, time.Time{})
	for _, record := range timeline.Records {
		said := fmt.Sprint(record.Event, " ", record.Name)
		if record.Missed {
			said += " missed"
		}
		events = append(events, said)
	}
	for _, g := range timeline.Gaps {
		if !g.From.IsZero() {
			gaps = append(gaps, g)
		}
	}
	return events, gaps
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the record says %v, want %v", got, want)
	}
}

func TestWhatHappensIsRecordedBeforeCatchUpReturns(t *testing.T) {
	s := newServer(t)
	s.set("a")
	r := record(t, s)
	events, _ := r.told()
	expect(t, events, "found a")
	s.set("b")
	s.set("a")
	s.remove("b")
	events, gaps := r.told()
	expect(t, events, "found a", "added b", "modified a", "deleted b")
	if len(gaps) > 0 {
		t.Errorf("the gaps are %v, want none", gaps)
	}
}

func TestAWatchThatEndsIsTakenUpWithoutAGap(t *testing.T) {
	s := newServer(t)
	r := record(t, s)
	r.told()
	s.set("a")
	r.told()
	s.cut()
	s.set("b")
	s.remove("b")
	s.set("c") // the last of these has to be an object that stays; see CatchUp
	events, gaps := r.told()
	expect(t, events, "added a", "added b", "deleted b", "added c")
	if len(gaps) > 0 {
		t.Errorf("the gaps are %v, want none", gaps)
	}
}

func TestAServerThatWasAwayLeavesNoGapWhereItRemembers(t *testing.T) {
	s := newServer(t)
	r := record(t, s)
	r.told()
	s.set("a")
	r.told()
	s.do(func() { s.refuse = true })
	s.cut()
	awaitLost(r)
	s.set("b")
	s.do(func() { s.refuse = false })
	events, gaps := r.told()
	expect(t, events, "added a", "added b")
	if len(gaps) != 1 || !gaps[0].Late {
		t.Errorf("the gaps are %v, want one in which everything is late and nothing missing", gaps)
	}
}

func awaitLost(r *recording) {
	r.t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		r.mu.Lock()
		lost := r.isLost(r.streams[0])
		r.mu.Unlock()
		if lost {
			return
		}
		select {
		case <-deadline:
			r.t.Fatal("the recorder does not notice that it watches nothing")
		case <-time.After(time.Millisecond):
		}
	}
}

func TestAServerThatForgetsLeavesAGap(t *testing.T) {
	for name, inStream := range map[string]bool{"and says so at once": false, "and says so in the first event": true} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			r := record(t, s)
			for _, name := range []string{"same", "changes", "goes"} {
				s.set(name)
			}
			r.told()
			s.do(func() { s.refuse = true })
			s.cut()
			awaitLost(r)
			left := time.Now()
			s.set("changes")
			s.remove("goes")
			s.set("comes")
			s.do(func() { s.refuse, s.forgotten, s.inStream = false, s.version, inStream })
			events, gaps := r.told()
			if len(events) != 6 || !contains(events, "found changes missed", "found comes missed", "deleted goes missed") {
				t.Errorf("the record says %v", events)
			}
			if len(gaps) != 1 || gaps[0].Late || gaps[0].From.After(left) || gaps[0].To.Before(left) {
				t.Errorf("the gaps are %v, want one that holds %v", gaps, left)
			}
		})
	}
}

func contains(all []string, want ...string) bool {
	for _, w := range want {
		found := false
		for _, s := range all {
			found = found || s == w
		}
		if !found {
			return false
		}
	}
	return true
}

func TestCatchUpDoesNotPretend(t *testing.T) {
	s := newServer(t)
	r := record(t, s)
	r.told()
	s.set("a")
	r.told()
	s.do(func() { s.refuse = true })
	s.cut()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := r.CatchUp(ctx); err == nil {
		t.Error("the record is said to be up to date while the server does not answer")
	}
}

func TestAnObjectThatIsWrittenOverByAnotherOneIsGone(t *testing.T) {
	s := newServer(t)
	s.set("a")
	r := record(t, s)
	r.told()
	s.writeOver("a", "uid-saved")
	events, _ := r.told()
	expect(t, events, "found a", "deleted a missed", "modified a")
	s.remove("a")
	events, _ = r.told()
	expect(t, events, "found a", "deleted a missed", "modified a", "deleted a")
}
