package engine

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/grading"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/managed"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/engine/seed"
	"github.com/k8slab/k8slab/text"
)

// Look grades the step and writes nothing. It gives each verdict to emit as soon as the verdict is known, one at a
// time; emit may be nil.
func (p *Play) Look(ctx context.Context, emit func(grading.Verdict)) (*grading.Report, error) {
	if err := p.awake(ctx, nil); err != nil {
		return nil, err
	}
	if err := p.reread(); err != nil {
		return nil, err
	}
	if err := p.markRecord(ctx); err != nil {
		return nil, err
	}
	step, s := p.linked(), p.Session()
	env, err := p.environment(ctx, s)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	report := &grading.Report{
		Lab: s.Lab.ID, Step: step.ID, Max: step.Points,
		Verdicts: grading.Look(ctx, env, catalog.Judged(step.Checks, p.Provider(), p.engine.Vocabulary()), emit),
	}
	report.Elapsed = time.Since(began)
	if err := ctx.Err(); err != nil {
		return nil, err // interrupted: what was found so far is no verdict
	}
	report.Score(s.Attempt.Steps[step.ID])
	return report, nil
}

// Check grades the step as Look does, and writes the outcome into the journal.
func (p *Play) Check(ctx context.Context, emit func(grading.Verdict)) (*grading.Report, error) {
	report, err := p.Look(ctx, emit)
	if err != nil {
		return nil, err
	}
	event := progress.Event{
		Kind: progress.Checked, Step: report.Step, Passed: report.Passed, Points: report.Points, Max: report.Max, Verdicts: map[string]string{},
	}
	for _, v := range report.Verdicts {
		event.Verdicts[v.ID] = string(v.Outcome)
	}
	return report, p.append(event)
}

// environment returns what the checks may look at.
func (p *Play) environment(ctx context.Context, s *Session) (checks.Env, error) {
	b, err := seed.LoadBaseline(p.dir)
	if err != nil {
		return checks.Env{}, err
	}
	if b == nil || b.Step != s.Step.ID || b.Attempt != s.Attempt.Attempt {
		return checks.Env{}, notSeeded(s)
	}
	cfg, err := p.Provider().Config(ctx, s.Lab.ID, cluster.Grader)
	if err != nil {
		return checks.Env{}, err
	}
	client, dyn, err := checks.Clients(cfg)
	if err != nil {
		return checks.Env{}, err
	}
	env := checks.Env{
		Client: client, Dynamic: dyn, Baseline: b, Upgrades: p.upgradesSince(b), Since: b.Time,
		AuditLog: b.AuditLog(p.holds().auditLog), History: b.History(p.holds().history),
	}
	if facts, ok := cluster.As[cluster.ManagedFacts](p.Provider()); ok {
		env.Managed = func(ctx context.Context) (*managed.Cluster, error) { return facts.Managed(ctx, s.Lab.ID) }
	}
	return env, nil
}

func notSeeded(s *Session) error {
	return problem.New(problem.Cluster,
		text.New("the starting state of %s is not complete, so there is nothing to grade", "%s の開始状態がそろっていないため、採点できません", s.Step.ID),
		action.Do(action.Reset).On(s.Lab.ID))
}

// upgradesSince returns the function that lists the upgrades since the step began, without upgrades that a restored
// snapshot has undone. It returns nil if k8slab does not upgrade the provider's clusters.
func (p *Play) upgradesSince(b *seed.Baseline) func(context.Context) ([]history.Upgrade, error) {
	log, ok := cluster.As[cluster.UpgradeLog](p.Provider())
	if !ok {
		return nil
	}
	return func(ctx context.Context) ([]history.Upgrade, error) {
		all, err := log.Upgrades(ctx, b.Lab)
		return slices.DeleteFunc(all, func(u history.Upgrade) bool { return u.Time.Before(b.Time) || b.HasUndone(u.Time) }), err
	}
}

const (
	// changeEvery is how often AwaitChange looks whether the record has grown; quiet is how long the record must then
	// stay as it is.
	changeEvery = 100 * time.Millisecond
	quiet       = 200 * time.Millisecond
	// withoutRecord is how long AwaitChange waits on a cluster that keeps no record.
	withoutRecord = 2 * time.Second
)

// AwaitChange waits until something has happened in the cluster since the last Look began, as the cluster's record
// tells, and nothing more has happened for a moment. A cluster that keeps no record counts as changed after two
// seconds. If ctx ends first, AwaitChange returns its error.
func (p *Play) AwaitChange(ctx context.Context) error {
	recorder, ok := cluster.As[cluster.Recorder](p.Provider())
	if !ok {
		return waitFor(ctx, withoutRecord)
	}
	p.mu.Lock()
	before := p.recorded
	p.mu.Unlock()
	var changed time.Time
	return wait.PollUntilContextCancel(ctx, changeEvery, true, func(ctx context.Context) (bool, error) {
		now, err := p.recordSize(ctx, recorder)
		if err != nil {
			return false, err
		}
		if now != before {
			before, changed = now, time.Now()
		}
		return !changed.IsZero() && time.Since(changed) >= quiet, nil
	})
}

// markRecord remembers how large the record is now.
func (p *Play) markRecord(ctx context.Context) error {
	recorder, ok := cluster.As[cluster.Recorder](p.Provider())
	if !ok {
		return nil
	}
	size, err := p.recordSize(ctx, recorder)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recorded = size
	return nil
}

func (p *Play) recordSize(ctx context.Context, recorder cluster.Recorder) (bytes int64, err error) {
	dir, err := recorder.Recording(ctx, p.Session().Lab.ID)
	if err != nil {
		return 0, err
	}
	return sizeOf(dir), nil
}

func waitFor(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// sizeOf adds up the sizes of the files in the folder. A file that cannot be read counts as empty.
func sizeOf(dir string) (bytes int64) {
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil
		}
		if info, err := os.Lstat(path); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}
