package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/flock"
	"github.com/k8slab/k8slab/engine/progress"
)

// intent is written before the cluster is changed into another state and removed when that has come about. One that is found with
// nobody at work belongs to a command that was killed.
type intent struct {
	Attempt string        `json:"attempt"`
	Step    string        `json:"step"`
	Kind    progress.Kind `json:"kind"`
	// Snapshot is the name of the one that is to be restored; empty for the starting state of the step.
	Snapshot string `json:"snapshot,omitempty"`
}

func intentPath(sessionDir string) string { return filepath.Join(sessionDir, "intent.json") }

func (i intent) save(sessionDir string) error { return writeJSON(intentPath(sessionDir), i) }

func dropIntent(sessionDir string) error {
	err := os.Remove(intentPath(sessionDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// loadIntent returns nil where there is none.
func loadIntent(sessionDir string) (*intent, error) {
	raw, err := os.ReadFile(intentPath(sessionDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what a command was about to do: %w", err)
	}
	var i intent
	if json.Unmarshal(raw, &i) != nil {
		return nil, nil // as good as none: the step counts as not seeded, which every command says
	}
	return &i, nil
}

// Mend finishes a reset, a change of step or the restoring of a snapshot that was interrupted, and returns the session as it is then.
// Where nothing was interrupted, another command is at work or the cluster does not run, it does nothing.
func (e *Engine) Mend(ctx context.Context, s *Session, report cluster.Progress) (*Session, error) {
	dir, err := e.sessionDir(s.Lab.ID)
	if err != nil {
		return nil, err
	}
	if found, err := loadIntent(dir); err != nil || found == nil || s.Cluster == nil || s.Cluster.State == cluster.Stopped {
		return s, err
	}
	unlock, free, err := flock.Try(sessionLock(dir))
	if err != nil || !free {
		return s, err
	}
	defer unlock()
	found, err := loadIntent(dir)
	if err != nil || found == nil {
		return s, err
	}
	if found.Attempt != s.Attempt.Attempt {
		return s, dropIntent(dir)
	}
	if err := e.awake(ctx, s, report); err != nil {
		return nil, err
	}
	return e.complete(ctx, s, dir, *found, report)
}

func (e *Engine) complete(ctx context.Context, s *Session, dir string, found intent, report cluster.Progress) (*Session, error) {
	if found.Snapshot != "" {
		p, err := e.Provider(s.Cluster.Provider)
		if err != nil {
			return nil, err
		}
		c, ok := p.(cluster.Checkpointer)
		if !ok {
			return nil, withoutSnapshots(p)
		}
		mended, err := e.restoreSnapshot(ctx, c, dir, s, found.Snapshot, report)
		if err != nil {
			return nil, err
		}
		return e.refresh(mended)
	}
	lab, err := e.linked(s.Lab)
	if err != nil {
		return nil, err
	}
	step, err := lab.step(found.Step)
	if err != nil {
		return nil, err
	}
	mended := &Session{Lab: s.Lab, Step: step.content, Cluster: s.Cluster, Attempt: s.Attempt, Resumed: true}
	if err := e.enter(ctx, mended, found.Kind, report); err != nil {
		return nil, err
	}
	return e.refresh(mended)
}
