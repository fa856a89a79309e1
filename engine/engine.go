package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/flock"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/text"
)

// Config of an Engine.
type Config struct {
	// Labs that came with k8slab.
	Labs       catalog.Shelf
	Vocabulary *checks.Vocabulary
	// Providers of clusters; the first is the default.
	Providers []cluster.Provider
	// Library holds the labs that did not come with k8slab; nil means that there are none.
	Library catalog.Library
	// StateDir holds the journal and the state of sessions.
	StateDir string
}

// Engine plays labs. Its methods may be called from several processes at once, and from several goroutines.
type Engine struct {
	catalog   *catalog.Catalog
	providers []cluster.Provider
	stateDir  string
	journal   *progress.Journal

	mu   sync.Mutex
	read journalRead
}

// journalRead is what the last reading of the journal found.
type journalRead struct {
	// file describes the journal's file at that reading; nil if there was no file, or no reading yet.
	file   os.FileInfo
	events []progress.Event
	damage []progress.Damage
	done   progress.Progress
}

// New returns an engine and opens its journal. It reads no lab: a lab is read when somebody asks for it. The error is a
// [problem.Problem].
func New(cfg Config) (*Engine, error) {
	journal, err := progress.Open(filepath.Join(cfg.StateDir, "journal.jsonl"))
	if err != nil {
		return nil, err
	}
	return &Engine{
		catalog:   catalog.New(cfg.Labs, cfg.Vocabulary, cfg.Library),
		providers: cfg.Providers, stateDir: cfg.StateDir, journal: journal,
	}, nil
}

// Vocabulary returns the vocabulary that labs are linked to.
func (e *Engine) Vocabulary() *checks.Vocabulary { return e.catalog.Vocabulary() }

// Provider returns the provider of that name, and the default one for "".
func (e *Engine) Provider(name string) (cluster.Provider, error) {
	if name == "" {
		return e.providers[0], nil
	}
	for _, p := range e.providers {
		if p.Name() == name {
			return p, nil
		}
	}
	known := e.Providers()
	what := text.New("there is no kind of cluster %q; there is %s", "%q というクラスターの種類はありません。使えるのは %s です", name, text.List(known))
	if near, ok := text.Nearest(name, known); ok {
		what = text.New("there is no kind of cluster %q; did you mean %s?", "%q というクラスターの種類はありません。%s のことですか？", name, near)
	}
	return nil, problem.New(problem.Usage, what, action.HelpOn(action.Start))
}

// Providers returns the names of the kinds of cluster, the default one first.
func (e *Engine) Providers() []string {
	var names []string
	for _, p := range e.providers {
		names = append(names, p.Name())
	}
	return names
}

// Damage lists the lines of the journal that are not events: lines that were set aside when this engine was made, and
// lines in the journal's middle. All other lines still count.
func (e *Engine) Damage() ([]progress.Damage, error) {
	read, err := e.readJournal()
	return read.damage, err
}

// progress returns what the events of the journal add up to.
func (e *Engine) progress() (progress.Progress, error) {
	read, err := e.readJournal()
	return read.done, err
}

// readJournal returns what the journal says. It reads the file only if the file has changed since the last reading.
func (e *Engine) readJournal() (journalRead, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	// The file may grow between Stat and the reading. Then the next call finds a file that differs from what this Stat
	// saw, and reads it again.
	file, err := os.Stat(e.journal.Path())
	if err != nil {
		file = nil
	}
	if last := e.read.file; last != nil && file != nil && os.SameFile(last, file) && last.Size() == file.Size() && last.ModTime().Equal(file.ModTime()) {
		return e.read, nil
	}
	events, damage, err := e.journal.Read()
	if err != nil {
		return journalRead{}, err
	}
	e.read = journalRead{file: file, events: events, damage: damage, done: progress.Fold(events)}
	return e.read, nil
}

// LabStatus is one line of the list of labs.
type LabStatus struct {
	Lab *content.Lab
	// Source is the name under which the lab's source was added; empty for a lab that came with k8slab.
	Source string
	// Attempt is nil for a lab that was never started.
	Attempt *progress.Lab
	// Points earned in the attempt.
	Points int
	// Cluster is nil if the lab has no cluster now.
	Cluster *cluster.Cluster
}

// Labs returns every lab with its progress and its cluster: first the labs that came with k8slab, then those of
// sources, sorted by source and id.
func (e *Engine) Labs(ctx context.Context) ([]LabStatus, error) {
	done, err := e.progress()
	if err != nil {
		return nil, err
	}
	own, err := e.catalog.Own()
	if err != nil {
		return nil, err
	}
	var all []LabStatus
	for _, lab := range own {
		all = append(all, LabStatus{Lab: lab})
	}
	sourced, err := e.sourced(ctx, done)
	if err != nil {
		return nil, err
	}
	all = append(all, sourced...)
	for i := range all {
		if err := e.addProgress(ctx, &all[i], done); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// sourced lists the labs of the sources that were added, and labs with an attempt under way whose source was removed.
func (e *Engine) sourced(ctx context.Context, done progress.Progress) ([]LabStatus, error) {
	offers, err := e.catalog.Offers(ctx)
	if err != nil {
		return nil, err
	}
	var all []LabStatus
	listed := func(id, source string) bool {
		return slices.ContainsFunc(all, func(st LabStatus) bool { return st.Lab.ID == id && st.Lab.Origin.Source == source })
	}
	for _, o := range offers {
		if o.Err == nil {
			all = append(all, LabStatus{Lab: o.Lab, Source: o.Source})
		}
	}
	for id, attempt := range done.Labs {
		if attempt.Origin.IsZero() || !attempt.Finished.IsZero() || listed(id, attempt.Origin.Source) {
			continue
		}
		lab, err := e.catalog.Open(ctx, attempt.Origin, id)
		if problem.KindOf(err) != problem.Internal {
			continue // the lab cannot be played now; whoever goes on with it is told why
		}
		if err != nil {
			return nil, err
		}
		all = append(all, LabStatus{Lab: lab.Lab, Source: attempt.Origin.Source})
	}
	slices.SortStableFunc(all, func(a, b LabStatus) int {
		return strings.Compare(a.Source+"\x00"+a.Lab.ID, b.Source+"\x00"+b.Lab.ID)
	})
	return all, nil
}

// addProgress adds the attempt and the cluster to the status of a lab. Several labs can have the same id; an attempt
// belongs to the one from the attempt's source.
func (e *Engine) addProgress(ctx context.Context, st *LabStatus, done progress.Progress) error {
	attempt := done.Labs[st.Lab.ID]
	if attempt == nil {
		attempt = &progress.Lab{}
	} else if attempt.Origin.Source == st.Lab.Origin.Source {
		st.Attempt = attempt
		for _, step := range attempt.Steps {
			st.Points += step.Points
		}
	}
	if attempt.Origin.Source != st.Lab.Origin.Source {
		return nil // a cluster of that name belongs to another lab of the same id
	}
	p, err := e.Provider(providerOf(st.Attempt))
	if err != nil {
		return err
	}
	st.Cluster, err = find(ctx, p, st.Lab.ID)
	return err
}

// find returns the lab's cluster, or nil if it has none.
func find(ctx context.Context, p cluster.Provider, lab string) (*cluster.Cluster, error) {
	c, err := p.Find(ctx, lab)
	if errors.Is(err, cluster.ErrNotFound) {
		return nil, nil
	}
	return c, err
}

func providerOf(attempt *progress.Lab) string {
	if attempt == nil {
		return ""
	}
	return attempt.Provider
}

// LeftOut lists the labs of added sources that cannot be played. Err of each offer says why.
func (e *Engine) LeftOut(ctx context.Context) ([]catalog.Offer, error) {
	all, err := e.catalog.Offers(ctx)
	return slices.DeleteFunc(all, func(o catalog.Offer) bool { return o.Err == nil }), err
}

// Resolve fetches the source that from names, unless it was fetched before, and lists its labs as they would be played.
func (e *Engine) Resolve(ctx context.Context, from string, report cluster.Progress) ([]catalog.Offer, error) {
	_, offers, err := e.catalog.Resolve(ctx, from, report)
	return offers, err
}

// Origins lists the origins of all attempts in the journal. Labs must stay readable at these origins.
func (e *Engine) Origins() ([]content.Origin, error) {
	done, err := e.progress()
	if err != nil {
		return nil, err
	}
	var all []content.Origin
	for _, attempt := range done.Labs {
		if !attempt.Origin.IsZero() {
			all = append(all, attempt.Origin)
		}
	}
	return all, nil
}

// sessionDir returns the folder of the lab's session, and makes it if there is none. The folder holds what belongs to
// the session and not to the cluster.
func (e *Engine) sessionDir(lab string) (string, error) {
	dir := filepath.Join(e.stateDir, "sessions", lab)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", problem.New(problem.Cluster,
			text.New("the state folder cannot be written: %v", "状態フォルダーに書き込めません: %v", err), action.Do(action.Doctor)).From(err)
	}
	return dir, nil
}

// lockSession keeps two processes from changing the same lab at once. Grading takes no lock: it changes nothing.
func (e *Engine) lockSession(ctx context.Context, lab string) (unlock func(), err error) {
	dir, err := e.sessionDir(lab)
	if err != nil {
		return nil, err
	}
	return flock.Wait(ctx, sessionLock(dir))
}

func sessionLock(sessionDir string) string { return filepath.Join(sessionDir, "lock") }
