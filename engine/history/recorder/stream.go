package recorder

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/k8slab/k8slab/engine/history"
)

// errExpired says that the API server has forgotten what happened since the version that a watch was to begin at.
var errExpired = errors.New("the resourceVersion is too old")

// errUnwritten says that a record could not be written, for example to a full disk. What it told is then missing.
var errUnwritten = errors.New("the record cannot be written")

// errNoResource says that the API server does not know the resource. A CustomResourceDefinition may yet define it.
var errNoResource = errors.New("there is no such resource")

// metadataOnly is the media type with which the API server sends the metadata of objects alone.
const metadataOnly = "application/json;as=%s;g=meta.k8s.io;v=v1"

// stream follows the objects of one kind.
type stream struct {
	kind Kind
	// versions holds the versions of the objects that exist, by UID, as far as the stream has come. version is the
	// highest one that the stream has heard of; zero before the first list.
	versions map[string]uint64
	version  uint64
	// watches counts the beginnings and ends of watches. watching is true while a watch goes on; ended is when the last
	// one ended.
	watches  int
	watching bool
	ended    time.Time
	// resumed is since when the kind was lost, while the watch that follows on has not shown an event yet; zero
	// otherwise.
	resumed time.Time
}

// follow keeps the stream going until ctx ends. It lists once and then watches; when a watch ends, it begins the next
// one where that one broke off. If that is not possible, it lists again and says what may be missing.
func (r *Recorder) follow(ctx context.Context, s *stream) {
	retry := retries()
	for ctx.Err() == nil {
		began := time.Now()
		err := r.followOnce(ctx, s)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			retry = retries()
			continue // the server ends each watch after some minutes
		case time.Since(began) > retryMost:
			retry = retries()
		}
		r.lose(s, err)
		if errors.Is(err, errExpired) {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(retry.Step()):
		}
	}
}

// retryMost is the longest wait before the next attempt.
const retryMost = 2 * time.Second

func retries() wait.Backoff {
	return wait.Backoff{Duration: 50 * time.Millisecond, Factor: 2, Cap: retryMost, Steps: 10}
}

func (r *Recorder) followOnce(ctx context.Context, s *stream) error {
	if s.version == 0 {
		if err := r.list(ctx, s); err != nil {
			return err
		}
	}
	return r.watch(ctx, s)
}

// lose notes that the kind is not watched now. If changes are missing already, the stream continues with a list.
func (r *Recorder) lose(s *stream, cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if errors.Is(cause, errExpired) || errors.Is(cause, errUnwritten) {
		s.version = 0
	}
	if _, lost := r.store.lost[s.kind.Name]; lost || !r.store.watched[s.kind.Name] {
		return
	}
	r.log.Info("history: not watching", "kind", s.kind.Name, "error", cause)
	lost := history.Record{Event: history.Lost, Kind: s.kind.Name, From: s.ended}
	if !s.resumed.IsZero() {
		lost.From = s.resumed // that watch never showed an event
	}
	if err := r.keep(lost); err != nil {
		s.version = 0 // the next list says what may be missing
	}
}

// list takes over the state of all objects. After a gap it says which objects have changed unseen.
func (r *Recorder) list(ctx context.Context, s *stream) error {
	body, err := r.get(ctx, s.kind, url.Values{}, s.accept("PartialObjectMetadataList"))
	if err != nil {
		return err
	}
	defer body.Close()
	var list struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
		Items []object `json:"items"`
	}
	if err := json.NewDecoder(body).Decode(&list); err != nil {
		return err
	}
	version, err := strconv.ParseUint(list.Metadata.ResourceVersion, 10, 64)
	if err != nil {
		return fmt.Errorf("the resourceVersion %q of a list is no number", list.Metadata.ResourceVersion)
	}
	found := make([]history.Record, len(list.Items))
	for i := range list.Items {
		if found[i], err = s.kind.record(&list.Items[i]); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	from, lost := r.store.lost[s.kind.Name]
	records := []history.Record{{Event: history.Watched, Kind: s.kind.Name}}
	if r.store.watched[s.kind.Name] {
		if !lost {
			from = r.store.last
		}
		records = []history.Record{{Event: history.Missing, Kind: s.kind.Name, From: from}}
	}
	records = append(records, s.compare(found, r.store)...)
	if err := r.keep(records...); err != nil {
		return err
	}
	s.version = version
	r.progressed()
	return nil
}

// compare returns records of what a list shows that was not known before, and takes over the listed versions.
func (s *stream) compare(found []history.Record, known *store) []history.Record {
	var news []history.Record
	missed := known.watched[s.kind.Name]
	there := map[string]uint64{}
	for _, f := range found {
		there[f.UID] = f.Version
		before := known.written[f.UID]
		if before != nil && max(s.versions[f.UID], before.Version) == f.Version {
			continue
		}
		f.Event, f.Missed = history.Found, missed
		news = append(news, f)
	}
	for uid, before := range known.written {
		if _, still := there[uid]; !still && before.Kind == s.kind.Name {
			gone := *before
			gone.Event, gone.Missed = history.Deleted, true
			news = append(news, gone)
		}
	}
	s.versions = there
	return news
}

// watch reads changes until the server ends the watch.
func (r *Recorder) watch(ctx context.Context, s *stream) error {
	// As other clients do, spread the moments at which watches end.
	timeout := 300 + rand.IntN(300)
	body, err := r.get(ctx, s.kind, url.Values{
		"watch": {"true"}, "allowWatchBookmarks": {"true"}, "timeoutSeconds": {strconv.Itoa(timeout)},
		"resourceVersion": {strconv.FormatUint(s.version, 10)},
	}, s.accept("PartialObjectMetadata"))
	if err != nil {
		return err
	}
	defer body.Close()
	r.begin(s)
	defer r.end(s)
	events := json.NewDecoder(body)
	for {
		var event struct {
			Type   string          `json:"type"`
			Object json.RawMessage `json:"object"`
		}
		if err := events.Decode(&event); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if event.Type == "ERROR" {
			return statusError(event.Object)
		}
		var o object
		if err := json.Unmarshal(event.Object, &o); err != nil {
			return err
		}
		if err := r.take(s, event.Type, &o); err != nil {
			return err
		}
	}
}

// confirmAfter is how long a watch that continues an earlier one must have gone on before it is trusted. The API server
// accepts a watch that begins at a version which is too old, and says so in the first event.
const confirmAfter = time.Second

// begin notes that a watch was accepted.
func (r *Recorder) begin(s *stream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.watches++
	s.watching, s.resumed = true, time.Time{}
	defer r.progressed()
	if _, lost := r.store.lost[s.kind.Name]; !lost {
		return
	}
	watch := s.watches
	time.AfterFunc(confirmAfter, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if s.watches == watch {
			_ = r.confirm(s) // the kind stays lost, and the next event tries again
		}
	})
}

// end notes that a watch has ended, for whatever reason.
func (r *Recorder) end(s *stream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.watches++
	s.watching, s.ended = false, r.store.clock()
}

// confirm records that nothing is missing after all, because a watch has continued where an earlier one broke off. The
// caller holds the lock.
func (r *Recorder) confirm(s *stream) error {
	from, lost := r.store.lost[s.kind.Name]
	if !lost {
		return nil
	}
	if err := r.keep(history.Record{Event: history.Late, Kind: s.kind.Name, From: from}); err != nil {
		return err
	}
	s.resumed = from
	r.progressed()
	return nil
}

// confirmed is confirm for an event, which shows that the watch is good. The caller holds the lock.
func (r *Recorder) confirmed(s *stream) error {
	err := r.confirm(s)
	s.resumed = time.Time{}
	return err
}

// take records one event of a watch.
func (r *Recorder) take(s *stream, event string, o *object) error {
	if event == "BOOKMARK" {
		version, err := strconv.ParseUint(o.Metadata.ResourceVersion, 10, 64)
		if err != nil {
			return err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		s.version = max(s.version, version)
		r.progressed()
		return r.confirmed(s)
	}
	record, err := s.kind.record(o)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.progressed()
	if err := r.confirmed(s); err != nil {
		return err
	}
	s.version = max(s.version, record.Version)
	if err := r.bury(s, &record); err != nil {
		return err
	}
	switch event {
	case "DELETED":
		delete(s.versions, record.UID)
		record.Event = history.Deleted
	case "ADDED":
		s.versions[record.UID] = record.Version
		record.Event = history.Added
	default:
		s.versions[record.UID] = record.Version
		if before := r.store.written[record.UID]; before != nil && !says(before, &record) {
			return nil
		}
		record.Event = history.Modified
	}
	return r.keep(record)
}

// bury records that an object is gone if another object of its name appears. A restored checkpoint writes the saved
// object over one of the same name that was made since; a watch shows that as a change, but to an object with another
// UID. The caller holds the lock.
func (r *Recorder) bury(s *stream, now *history.Record) error {
	if _, known := s.versions[now.UID]; known {
		return nil
	}
	for uid := range s.versions {
		before := r.store.written[uid]
		if before == nil || before.Ref() != now.Ref() {
			continue
		}
		delete(s.versions, uid)
		gone := *before
		gone.Event, gone.Missed = history.Deleted, true
		if err := r.keep(gone); err != nil {
			return err
		}
	}
	return nil
}

// accept returns the media type in which the stream asks for objects.
func (s *stream) accept(kind string) string {
	if s.kind.facts != nil {
		return "application/json"
	}
	return fmt.Sprintf(metadataOnly, kind)
}

// get asks the API server. The caller closes the answer.
func (r *Recorder) get(ctx context.Context, k Kind, query url.Values, accept string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.host+k.path()+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", accept)
	res, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	switch res.StatusCode {
	case http.StatusOK:
		return res.Body, nil
	case http.StatusNotFound:
		res.Body.Close()
		return nil, errNoResource
	}
	defer res.Body.Close()
	said, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return nil, err
	}
	if err := statusError(said); errors.Is(err, errExpired) {
		return nil, err
	}
	return nil, fmt.Errorf("%s: %s", res.Status, bytes.TrimSpace(said))
}

// statusError reads a Status of the API server.
func statusError(raw []byte) error {
	var status struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(raw, &status); err != nil {
		return fmt.Errorf("an answer that is no Status: %w", err)
	}
	if status.Code == http.StatusGone {
		return fmt.Errorf("%w: %s", errExpired, status.Message)
	}
	return errors.New(status.Message)
}
