package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
)

// Config of an Engine.
type Config struct {
	Labs       []*content.Lab
	Vocabulary *checks.Vocabulary
	// Providers of clusters; the first is the default.
	Providers []cluster.Provider
	// Library holds the labs that did not come with k8slab; nil means that there are none.
	Library Library
	// StateDir holds the journal and the state of sessions.
	StateDir string
}

// Engine plays labs. Its methods may be called from several processes at once.
type Engine struct {
	cfg     Config
	labs    map[string]*linkedLab
	journal *progress.Journal
}

// New links every lab and opens the journal. All broken references of all labs are reported at once.
func New(cfg Config) (*Engine, error) {
	e := &Engine{cfg: cfg, labs: map[string]*linkedLab{}}
	var broken []error
	for _, lab := range cfg.Labs {
		linked, err := link(lab, cfg.Vocabulary)
		if err != nil {
			broken = append(broken, err)
			continue
		}
		e.labs[lab.ID] = linked
	}
	if err := errors.Join(broken...); err != nil {
		return nil, problem.New(problem.Content, err.Error(), err.Error(), "").From(err)
	}
	journal, err := progress.Open(filepath.Join(cfg.StateDir, "journal.jsonl"))
	if err != nil {
		return nil, err
	}
	e.journal = journal
	return e, nil
}

// Vocabulary that labs are linked to.
func (e *Engine) Vocabulary() *checks.Vocabulary { return e.cfg.Vocabulary }

// Provider returns the provider of that name, and the default one for "".
func (e *Engine) Provider(name string) (cluster.Provider, error) {
	if name == "" {
		return e.cfg.Providers[0], nil
	}
	for _, p := range e.cfg.Providers {
		if p.Name() == name {
			return p, nil
		}
	}
	known := e.Providers()
	en := fmt.Sprintf("there is no kind of cluster %q; there is %s", name, strings.Join(known, ", "))
	ja := fmt.Sprintf("%q というクラスターの種類はありません。使えるのは %s です", name, strings.Join(known, "、"))
	if near, ok := content.Nearest(name, known); ok {
		en = fmt.Sprintf("there is no kind of cluster %q; did you mean %s?", name, near)
		ja = fmt.Sprintf("%q というクラスターの種類はありません。%s のことですか？", name, near)
	}
	return nil, problem.New(problem.Usage, en, ja, "k8slab start --help")
}

// Providers names the kinds of cluster, the default one first.
func (e *Engine) Providers() []string {
	var names []string
	for _, p := range e.cfg.Providers {
		names = append(names, p.Name())
	}
	return names
}

// Damage lists what of the journal is no event: lines that were set aside when this engine was made, and lines in its
// middle. What is whole still counts.
func (e *Engine) Damage() ([]progress.Damage, error) {
	_, damage, err := e.journal.Read()
	return damage, err
}

// Labs returns every lab with what was done of it.
func (e *Engine) Labs(ctx context.Context) ([]LabStatus, error) {
	done, err := e.progress()
	if err != nil {
		return nil, err
	}
	var all []LabStatus
	for _, lab := range e.cfg.Labs {
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

// addProgress adds what was done of the lab. Of several labs with one id, an attempt is at the one from its source.
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
		return nil // the cluster of that name, if there is one, is the other lab's
	}
	var err error
	st.Cluster, err = e.find(ctx, st.Lab.ID, st.Attempt)
	return err
}

// find returns the lab's cluster, or nil if it has none.
func (e *Engine) find(ctx context.Context, lab string, attempt *progress.Lab) (*cluster.Cluster, error) {
	p, err := e.Provider(providerOf(attempt))
	if err != nil {
		return nil, err
	}
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

func (e *Engine) progress() (progress.Progress, error) {
	events, _, err := e.journal.Read()
	if err != nil {
		return progress.Progress{}, err
	}
	return progress.Fold(events), nil
}

// unknownLab is the problem of an id that no lab has; it names the nearest one of the ids.
func unknownLab(id string, ids []string) error {
	en, ja := fmt.Sprintf("there is no lab %q", id), fmt.Sprintf("ラボ %q はありません", id)
	if near, ok := content.Nearest(id, ids); ok {
		en += fmt.Sprintf("; did you mean %s?", near)
		ja += fmt.Sprintf("。%s のことですか？", near)
	}
	return problem.New(problem.Usage, en, ja, "k8slab list")
}

func (l *linkedLab) step(id string) (*linkedStep, error) {
	var ids []string
	for _, s := range l.steps {
		if s.content.ID == id || s.content.Dir == id {
			return s, nil
		}
		ids = append(ids, s.content.ID)
	}
	en := fmt.Sprintf("the lab %s has no step %q; it has %s", l.content.ID, id, strings.Join(ids, ", "))
	ja := fmt.Sprintf("ラボ %s にステップ %q はありません。あるのは %s です", l.content.ID, id, strings.Join(ids, "、"))
	if near, ok := content.Nearest(id, ids); ok {
		en += fmt.Sprintf("; did you mean %s?", near)
		ja += fmt.Sprintf("。%s のことですか？", near)
	}
	return nil, problem.New(problem.Usage, en, ja, "k8slab status")
}

// sessionDir holds what belongs to the lab's session and not to its cluster.
func (e *Engine) sessionDir(lab string) (string, error) {
	dir := filepath.Join(e.cfg.StateDir, "sessions", lab)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", problem.New(problem.Cluster,
			fmt.Sprintf("the state folder cannot be written: %v", err),
			fmt.Sprintf("状態フォルダーに書き込めません: %v", err),
			"k8slab doctor").From(err)
	}
	return dir, nil
}
