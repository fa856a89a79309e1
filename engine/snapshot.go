package engine

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/engine/seed"
	"github.com/k8slab/k8slab/text"
)

// snapshotPrefix tells snapshots, which learners name, from the checkpoints of the steps' starting states.
const snapshotPrefix = "named-"

func snapshotPath(sessionDir, name string) string {
	return filepath.Join(sessionDir, snapshotPrefix+name+".json")
}

// snapshot is what k8slab keeps beside the cluster's checkpoint when a learner saves a snapshot.
type snapshot struct {
	Saved    time.Time      `json:"saved"`
	Baseline *seed.Baseline `json:"baseline"`
}

// SaveSnapshot saves the cluster as it is now under the name, and replaces an earlier snapshot of that name.
func (p *Play) SaveSnapshot(ctx context.Context, name string) error {
	return p.withSnapshots(ctx, func(c cluster.Checkpointer) error {
		s := p.Session()
		b, err := seed.LoadBaseline(p.dir)
		if err != nil {
			return err
		}
		if b == nil || b.Step != s.Step.ID {
			return notSeeded(s)
		}
		cluster.CatchUp(ctx, p.Provider(), s.Lab.ID)
		saved := time.Now().UTC()
		if err := c.SaveCheckpoint(ctx, s.Lab.ID, snapshotPrefix+name); err != nil {
			return err
		}
		if err := seed.Keep(snapshotPath(p.dir, name), snapshot{Saved: saved, Baseline: b}); err != nil {
			return err
		}
		return p.append(progress.Event{Kind: progress.Saved, Time: saved, Snapshot: name})
	})
}

// RestoreSnapshot brings the cluster back to the snapshot, and the play back to the step in which the snapshot was
// saved. What was done since then is undone for grading, too; what was done before the snapshot still counts.
func (p *Play) RestoreSnapshot(ctx context.Context, name string, report cluster.Progress) error {
	return p.withSnapshots(ctx, func(c cluster.Checkpointer) error { return p.restoreSnapshot(ctx, c, name, report) })
}

// restoreSnapshot restores the snapshot. The caller holds the session's lock, and the cluster is awake.
func (p *Play) restoreSnapshot(ctx context.Context, c cluster.Checkpointer, name string, report cluster.Progress) error {
	s := p.Session()
	saved, err := loadSnapshot(p.dir, name)
	if err != nil {
		return err
	}
	step, err := p.holds().lab.Find(saved.Baseline.Step)
	if err != nil {
		return err
	}
	i := intent{Attempt: s.Attempt.Attempt, Step: step.ID, Kind: progress.Entered, Snapshot: name}
	if err := i.save(p.dir); err != nil {
		return err
	}
	if err := seed.DropBaseline(p.dir); err != nil {
		return err
	}
	began := time.Now().UTC()
	err = report.Run("scenario", func() (string, error) {
		return name, c.RestoreCheckpoint(ctx, s.Lab.ID, snapshotPrefix+name)
	})
	if errors.Is(err, cluster.ErrNoCheckpoint) {
		return errors.Join(noSnapshot(name), dropIntent(p.dir))
	}
	if err != nil {
		return err
	}
	cluster.CatchUp(ctx, p.Provider(), s.Lab.ID)
	b := saved.Baseline
	b.Attempt = s.Attempt.Attempt
	now := time.Now().UTC()
	b.Undone = append(b.Undone, seed.Window{From: saved.Saved, To: now})
	if err := b.Save(p.dir); err != nil {
		return err
	}
	p.at(step)
	if err := p.append(progress.Event{Kind: progress.Entered, Time: now, Began: began, Snapshot: name, Undone: saved.Saved, Step: step.ID}); err != nil {
		return err
	}
	return dropIntent(p.dir)
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

// Snapshots lists the snapshots of the cluster, oldest first.
func (p *Play) Snapshots(ctx context.Context) ([]cluster.Checkpoint, error) {
	s := p.Session()
	if s.Cluster == nil {
		return nil, nil
	}
	c, ok := cluster.As[cluster.Checkpointer](p.Provider())
	if !ok {
		return nil, withoutSnapshots(p.Provider())
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

// withSnapshots runs f with the session locked and the cluster awake.
func (p *Play) withSnapshots(ctx context.Context, f func(cluster.Checkpointer) error) error {
	return p.locked(ctx, func() error {
		if err := p.awake(ctx, nil); err != nil {
			return err
		}
		c, ok := cluster.As[cluster.Checkpointer](p.Provider())
		if !ok {
			return withoutSnapshots(p.Provider())
		}
		return f(c)
	})
}

func withoutSnapshots(p cluster.Provider) error {
	return problem.New(problem.Usage,
		text.New("clusters of the kind %s have no snapshots", "%s クラスターにはスナップショットがありません", p.Name()), action.Do(action.Reset))
}

func noSnapshot(name string) error {
	return problem.New(problem.Usage,
		text.New("there is no snapshot %q", "スナップショット %q はありません", name), action.Do(action.ListSnapshots))
}
