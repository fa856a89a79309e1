package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
)

// snapshotPrefix keeps the names that learners give apart from those of the steps' starting states.
const snapshotPrefix = "named-"

func snapshotPath(sessionDir, name string) string {
	return filepath.Join(sessionDir, snapshotPrefix+name+".json")
}

// SaveSnapshot saves the session's cluster as it is now under the name, and replaces an earlier one.
func (e *Engine) SaveSnapshot(ctx context.Context, s *Session, name string) error {
	return e.withSnapshots(ctx, s, func(c cluster.Checkpointer, dir string) error {
		b, err := loadBaseline(dir)
		if err != nil {
			return err
		}
		if b == nil || b.Step != s.Step.ID {
			return notSeeded(s)
		}
		catchUp(ctx, c, s.Lab.ID)
		saved := time.Now().UTC()
		if err := c.SaveCheckpoint(ctx, s.Lab.ID, snapshotPrefix+name); err != nil {
			return err
		}
		return writeJSON(snapshotPath(dir, name), snapshot{Saved: saved, Baseline: b})
	})
}

// snapshot is what k8slab keeps beside a cluster's checkpoint that a learner asked for.
type snapshot struct {
	Saved    time.Time `json:"saved"`
	Baseline *baseline `json:"baseline"`
}

// RestoreSnapshot brings the cluster back to the snapshot, and the session to the step in which it was saved. What was done in between
// is undone for grading, too; what was done before the snapshot still counts.
func (e *Engine) RestoreSnapshot(ctx context.Context, s *Session, name string, report cluster.Progress) (*Session, error) {
	var restored *Session
	err := e.withSnapshots(ctx, s, func(c cluster.Checkpointer, dir string) (err error) {
		restored, err = e.restoreSnapshot(ctx, c, dir, s, name, report)
		return err
	})
	if err != nil {
		return nil, err
	}
	return e.refresh(restored)
}

// restoreSnapshot is called with the session locked and its cluster awake.
func (e *Engine) restoreSnapshot(ctx context.Context, c cluster.Checkpointer, dir string, s *Session, name string, report cluster.Progress) (*Session, error) {
	saved, err := loadSnapshot(dir, name)
	if err != nil {
		return nil, err
	}
	lab, err := e.linked(s.Lab)
	if err != nil {
		return nil, err
	}
	step, err := lab.step(saved.Baseline.Step)
	if err != nil {
		return nil, err
	}
	i := intent{Attempt: s.Attempt.Attempt, Step: step.content.ID, Kind: progress.Entered, Snapshot: name}
	if err := i.save(dir); err != nil {
		return nil, err
	}
	if err := dropBaseline(dir); err != nil {
		return nil, err
	}
	began := time.Now().UTC()
	err = report.Run("scenario", func() (string, error) {
		return name, c.RestoreCheckpoint(ctx, s.Lab.ID, snapshotPrefix+name)
	})
	if errors.Is(err, cluster.ErrNoCheckpoint) {
		return nil, errors.Join(noSnapshot(name), dropIntent(dir))
	}
	if err != nil {
		return nil, err
	}
	catchUp(ctx, c, s.Lab.ID)
	b := saved.Baseline
	b.Attempt = s.Attempt.Attempt
	now := time.Now().UTC()
	b.Undone = append(b.Undone, window{From: saved.Saved, To: now})
	if err := b.save(dir); err != nil {
		return nil, err
	}
	err = e.journal.Append(progress.Event{
		Kind: progress.Entered, Time: now, Began: began, Snapshot: name, Undone: saved.Saved, Attempt: b.Attempt, Lab: s.Lab.ID, Step: b.Step,
	})
	if err != nil {
		return nil, err
	}
	restored := *s
	restored.Step = step.content
	return &restored, dropIntent(dir)
}

// loadSnapshot returns a problem for a snapshot that is not there, or not whole.
func loadSnapshot(dir, name string) (*snapshot, error) {
	raw, err := os.ReadFile(snapshotPath(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noSnapshot(name)
	}
	if err != nil {
		return nil, err
	}
	var saved snapshot
	if err := json.Unmarshal(raw, &saved); err != nil || saved.Baseline == nil {
		return nil, noSnapshot(name)
	}
	return &saved, nil
}

// Snapshots lists the snapshots of the session's cluster, oldest first.
func (e *Engine) Snapshots(ctx context.Context, s *Session) ([]cluster.Checkpoint, error) {
	if s.Cluster == nil {
		return nil, nil
	}
	p, err := e.Provider(s.Cluster.Provider)
	if err != nil {
		return nil, err
	}
	c, ok := p.(cluster.Checkpointer)
	if !ok {
		return nil, withoutSnapshots(p)
	}
	all, err := c.Checkpoints(ctx, s.Lab.ID)
	if err != nil {
		return nil, err
	}
	named := []cluster.Checkpoint{}
	for _, checkpoint := range all {
		if name, ok := strings.CutPrefix(checkpoint.Name, snapshotPrefix); ok {
			checkpoint.Name = name
			named = append(named, checkpoint)
		}
	}
	return named, nil
}

func (e *Engine) withSnapshots(ctx context.Context, s *Session, f func(c cluster.Checkpointer, sessionDir string) error) error {
	dir, err := e.sessionDir(s.Lab.ID)
	if err != nil {
		return err
	}
	unlock, err := e.lockSession(ctx, s.Lab.ID)
	if err != nil {
		return err
	}
	defer unlock()
	if err := e.awake(ctx, s, nil); err != nil {
		return err
	}
	p, err := e.Provider(s.Cluster.Provider)
	if err != nil {
		return err
	}
	c, ok := p.(cluster.Checkpointer)
	if !ok {
		return withoutSnapshots(p)
	}
	return f(c, dir)
}

func withoutSnapshots(p cluster.Provider) error {
	return problem.New(problem.Usage,
		fmt.Sprintf("clusters of the kind %s have no snapshots", p.Name()),
		fmt.Sprintf("%s クラスターにはスナップショットがありません", p.Name()), "k8slab reset")
}

func noSnapshot(name string) error {
	return problem.New(problem.Usage,
		fmt.Sprintf("there is no snapshot %q", name), fmt.Sprintf("スナップショット %q はありません", name), "k8slab snapshot list")
}
