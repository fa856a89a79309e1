package recorder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/k8slab/k8slab/engine/history"
)

// Config of a Recorder.
type Config struct {
	// Client reaches the API server; its user has to be allowed to list and watch the kinds.
	Client *rest.Config
	// Dir is the record's folder; only one Recorder may write to it.
	Dir string
	// Kinds to record; see Kinds.
	Kinds []Kind
	Log   *slog.Logger
}

// Recorder writes the record of one cluster.
type Recorder struct {
	log    *slog.Logger
	client *http.Client
	host   string

	mu      sync.Mutex
	store   *store
	streams []*stream
	// changed is closed and replaced when a stream has come further.
	changed chan struct{}
}

// Open continues the record in the folder, or begins one.
func Open(cfg Config) (*Recorder, error) {
	client, err := rest.HTTPClientFor(cfg.Client)
	if err != nil {
		return nil, fmt.Errorf("connecting the recorder: %w", err)
	}
	store, err := openStore(cfg.Dir, time.Now)
	if err != nil {
		return nil, fmt.Errorf("opening the record: %w", err)
	}
	r := &Recorder{
		log: cfg.Log, client: client, host: strings.TrimSuffix(cfg.Client.Host, "/"), store: store, changed: make(chan struct{}),
	}
	for _, kind := range cfg.Kinds {
		r.streams = append(r.streams, newStream(kind, store))
	}
	return r, nil
}

// newStream continues a kind where its record ends.
func newStream(kind Kind, from *store) *stream {
	s := &stream{kind: kind, versions: map[string]uint64{}, version: from.reached[kind.Name]}
	for uid, record := range from.written {
		if record.Kind == kind.Name {
			s.versions[uid] = record.Version
		}
	}
	return s
}

// Run records until ctx ends.
func (r *Recorder) Run(ctx context.Context) error {
	var streams sync.WaitGroup
	for _, s := range r.streams {
		streams.Go(func() { r.follow(ctx, s) })
	}
	r.beat(ctx)
	streams.Wait()
	return r.close()
}

// beat leaves a sign of life every second.
func (r *Recorder) beat(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		r.mu.Lock()
		if err := errors.Join(r.store.alive(), r.store.touch()); err != nil {
			r.log.Warn("history", "error", err)
		}
		r.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// close writes the last version of each object, since changes that said nothing new were not recorded. The next
// recorder can then tell that nothing has happened to the object in between.
func (r *Recorder) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var last []history.Record
	for _, s := range r.streams {
		for uid, version := range s.versions {
			if written := r.store.written[uid]; written != nil && written.Version < version {
				now := *written
				now.Event, now.Missed, now.Version = history.Found, false, version
				last = append(last, now)
			}
		}
	}
	var err error
	if len(last) > 0 {
		err = r.keep(last...)
	}
	return errors.Join(err, r.store.close())
}

// keep writes records. The caller holds the lock.
func (r *Recorder) keep(records ...history.Record) error {
	if err := r.store.add(records...); err != nil {
		r.log.Error("history", "error", err)
		return fmt.Errorf("%w: %w", errUnwritten, err)
	}
	return nil
}

// progressed wakes whoever waits in CatchUp. The caller holds the lock.
func (r *Recorder) progressed() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// CatchUp returns when all that happened in the cluster before the call is in the record, or an error if ctx ends
// first. It lists each kind, which the API server answers from etcd as it is now, and waits until the record has every
// listed object at that version or a later one, and none that is gone. It does so twice: an object that came and went
// leaves no trace in a list, but its events arrive before the second list does.
func (r *Recorder) CatchUp(ctx context.Context) error {
	errs := make(chan error, len(r.streams))
	for _, s := range r.streams {
		go func() {
			err := r.catchUp(ctx, s)
			if err == nil {
				err = r.catchUp(ctx, s)
			}
			errs <- err
		}()
	}
	var all error
	for range r.streams {
		all = errors.Join(all, <-errs)
	}
	return all
}

func (r *Recorder) catchUp(ctx context.Context, s *stream) error {
	now, err := r.versionsNow(ctx, s.kind)
	if errors.Is(err, errNoResource) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing %s: %w", s.kind.Resource, err)
	}
	for {
		r.mu.Lock()
		there, changed := s.watching && s.reached(now) && !r.isLost(s), r.changed
		r.mu.Unlock()
		if there {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("the record of %s is behind: %w", s.kind.Resource, ctx.Err())
		}
	}
}

func (r *Recorder) isLost(s *stream) bool {
	_, lost := r.store.lost[s.kind.Name]
	return lost || s.version == 0
}

// listing is what exists of a kind at one version.
type listing struct {
	version uint64
	objects map[string]uint64
}

func (r *Recorder) versionsNow(ctx context.Context, k Kind) (listing, error) {
	body, err := r.get(ctx, k, url.Values{}, fmt.Sprintf(metadataOnly, "PartialObjectMetadataList"))
	if err != nil {
		return listing{}, err
	}
	defer body.Close()
	var list struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
		Items []struct {
			Metadata struct {
				UID             string `json:"uid"`
				ResourceVersion string `json:"resourceVersion"`
			} `json:"metadata"`
		} `json:"items"`
	}
	if err := json.NewDecoder(body).Decode(&list); err != nil {
		return listing{}, err
	}
	now := listing{objects: map[string]uint64{}}
	if now.version, err = strconv.ParseUint(list.Metadata.ResourceVersion, 10, 64); err != nil {
		return listing{}, err
	}
	for _, item := range list.Items {
		if now.objects[item.Metadata.UID], err = strconv.ParseUint(item.Metadata.ResourceVersion, 10, 64); err != nil {
			return listing{}, err
		}
	}
	return now, nil
}

// reached reports whether the stream has come as far as the listing. Events of one kind come in order, so the latest
// object of the listing stands for all of them. An object that is gone is known by its absence.
func (s *stream) reached(now listing) bool {
	for _, version := range now.objects {
		if version > s.version {
			return false
		}
	}
	for uid, version := range s.versions {
		if _, exists := now.objects[uid]; !exists && version <= now.version {
			return false
		}
	}
	return true
}
