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
	"github.com/k8slab/k8slab/engine/seed"
)

// intent names the state into which a command is bringing the cluster. It is written before the cluster is changed, and
// removed when the cluster is in that state. An intent that is found while no command is at work was left by a command
// that was killed.
type intent struct {
	Attempt string        `json:"attempt"`
	Step    string        `json:"step"`
	Kind    progress.Kind `json:"kind"`
	// Snapshot is the name of the snapshot that is to be restored; empty for the starting state of the step.
	Snapshot string `json:"snapshot,omitempty"`
}

func intentPath(sessionDir string) string { return filepath.Join(sessionDir, "intent.json") }

func (i intent) save(sessionDir string) error { return seed.Keep(intentPath(sessionDir), i) }

func dropIntent(sessionDir string) error {
	err := os.Remove(intentPath(sessionDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// loadIntent returns nil if there is no intent.
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

// Recover finishes a reset, a change of step or the restoring of a snapshot that was interrupted. It does nothing if
// nothing was interrupted, if another command is at work, or if the cluster does not run.
func (p *Play) Recover(ctx context.Context, report cluster.Progress) error {
	s := p.Session()
	if found, err := loadIntent(p.dir); err != nil || found == nil || s.Cluster == nil || s.Cluster.State == cluster.Stopped {
		return err
	}
	unlock, free, err := flock.Try(sessionLock(p.dir))
	if err != nil || !free {
		return err
	}
	defer unlock()
	found, err := loadIntent(p.dir)
	if err != nil || found == nil {
		return err
	}
	if found.Attempt != s.Attempt.Attempt {
		return dropIntent(p.dir)
	}
	if err := p.awake(ctx, report); err != nil {
		return err
	}
	return p.complete(ctx, *found, report)
}

// complete carries out the intent that was found. The caller holds the session's lock.
func (p *Play) complete(ctx context.Context, found intent, report cluster.Progress) error {
	if found.Snapshot != "" {
		c, ok := cluster.As[cluster.Checkpointer](p.Provider())
		if !ok {
			return withoutSnapshots(p.Provider())
		}
		return p.restoreSnapshot(ctx, c, found.Snapshot, report)
	}
	step, err := p.holds().lab.Find(found.Step)
	if err != nil {
		return err
	}
	return p.enter(ctx, step, found.Kind, report)
}
