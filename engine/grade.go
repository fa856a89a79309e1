package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/managed"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
)

const (
	// checkTimeout bounds one look of one check.
	checkTimeout = 10 * time.Second
	// patience is how long a failure that says a controller has yet to catch up is looked at again, and lookAgain how often.
	patience  = 20 * time.Second
	lookAgain = 50 * time.Millisecond
	// errorPatience is how long an error of the cluster is tried again before the grader says that it cannot tell.
	errorPatience = 2 * time.Second
)

// Check grades the session's step and writes the outcome into the journal.
func (e *Engine) Check(ctx context.Context, s *Session) (*Report, error) {
	lab, err := e.linked(s.Lab)
	if err != nil {
		return nil, err
	}
	step, err := lab.step(s.Step.ID)
	if err != nil {
		return nil, err
	}
	if err := e.awake(ctx, s, nil); err != nil {
		return nil, err
	}
	p, err := e.Provider(s.Cluster.Provider)
	if err != nil {
		return nil, err
	}
	env, err := e.environment(ctx, s)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	report := &Report{Lab: s.Lab.ID, Step: s.Step.ID, Max: s.Step.Points, Verdicts: gradeAll(ctx, env, e.judgedOn(p, step.checks))}
	report.Elapsed = time.Since(began)
	if err := ctx.Err(); err != nil {
		return nil, err // interrupted: what was found so far is no verdict
	}
	report.score(s)
	return report, e.journal.Append(checkedEvent(s, report))
}

// environment is what the checks may look at.
func (e *Engine) environment(ctx context.Context, s *Session) (checks.Env, error) {
	dir, err := e.sessionDir(s.Lab.ID)
	if err != nil {
		return checks.Env{}, err
	}
	b, err := loadBaseline(dir)
	if err != nil {
		return checks.Env{}, err
	}
	if b == nil || b.Step != s.Step.ID || b.Attempt != s.Attempt.Attempt {
		return checks.Env{}, notSeeded(s)
	}
	p, err := e.Provider(s.Cluster.Provider)
	if err != nil {
		return checks.Env{}, err
	}
	cfg, err := p.Config(ctx, s.Lab.ID, cluster.Grader)
	if err != nil {
		return checks.Env{}, err
	}
	client, dyn, err := checks.Clients(cfg)
	if err != nil {
		return checks.Env{}, err
	}
	env := checks.Env{
		Client: client, Dynamic: dyn, Baseline: b, Upgrades: upgradesSince(p, s.Lab.ID, b), Since: b.Time,
		History: b.without(historyOf(p, s.Lab.ID)), Record: b.withoutRecord(recordOf(p, s.Lab.ID)),
	}
	if facts, ok := p.(cluster.ManagedFacts); ok {
		env.Managed = func(ctx context.Context) (*managed.Cluster, error) { return facts.Managed(ctx, s.Lab.ID) }
	}
	return env, nil
}

func notSeeded(s *Session) error {
	return problem.New(problem.Cluster,
		fmt.Sprintf("the starting state of %s is not complete, so there is nothing to grade", s.Step.ID),
		fmt.Sprintf("%s の開始状態がそろっていないため、採点できません", s.Step.ID),
		"k8slab reset --lab "+s.Lab.ID)
}

func historyOf(p cluster.Provider, name string) history.Reader {
	if audit, ok := p.(cluster.AuditLogFile); ok {
		return history.Open(func(ctx context.Context) ([]string, error) { return audit.AuditLog(ctx, name) })
	}
	return history.NotRecorded{}
}

func recordOf(p cluster.Provider, name string) history.Watcher {
	r, ok := p.(cluster.Recorder)
	if !ok {
		return history.NotRecorded{}
	}
	return history.OpenRecording(func(ctx context.Context) (string, error) {
		if err := r.CatchUp(ctx, name); err != nil {
			return "", err
		}
		return r.Recording(ctx, name)
	})
}

// catchUp lets the record come up to now, so that what k8slab has done to the cluster is not taken for something that happened after it. Where
// that cannot be had, the record itself tells of the gap.
func catchUp(ctx context.Context, provider any, name string) {
	if r, ok := provider.(cluster.Recorder); ok {
		_ = r.CatchUp(ctx, name)
	}
}

// judgedOn marks the checks that cannot be judged on the provider's clusters. What comes after one of those comes after what that came after.
func (e *Engine) judgedOn(p cluster.Provider, all []linkedCheck) []linkedCheck {
	all = slices.Clone(all)
	left := map[string][]string{}
	for i := range all {
		c := &all[i]
		missing := lacks(needsOf(c.Check, e.cfg.Vocabulary), p.Capabilities())
		if len(missing) == 0 {
			continue
		}
		left[c.ID] = c.After
		c.leftOut = content.Text{
			EN: fmt.Sprintf("it needs %s, which a cluster of the kind %s does not have", joinNames(missing), p.Name()),
			JA: fmt.Sprintf("%s が必要ですが、%s クラスターにはありません", joinNames(missing), p.Name()),
		}
	}
	for i := range all {
		all[i].After = standing(all[i].After, left)
	}
	return all
}

// standing replaces the ids of checks that were left out by those that they came after.
func standing(after []string, left map[string][]string) (ids []string) {
	for _, id := range after {
		of := []string{id}
		if before, out := left[id]; out {
			of = standing(before, left)
		}
		for _, id := range of {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// gradeAll runs the checks at once; one that comes after others waits for them.
func gradeAll(ctx context.Context, env checks.Env, all []linkedCheck) []Verdict {
	verdicts := make([]Verdict, len(all))
	done := map[string]chan struct{}{}
	index := map[string]int{}
	for i, c := range all {
		done[c.ID], index[c.ID] = make(chan struct{}), i
	}
	for i, c := range all {
		go func() {
			defer close(done[c.ID])
			v := Verdict{ID: c.ID, Use: c.Use, Title: c.Title, Invariant: c.invariant, Reason: c.leftOut}
			if !c.leftOut.IsZero() {
				v.Outcome = checks.NotJudged
				verdicts[i] = v
				return
			}
			for _, id := range c.After {
				<-done[id] // the lab was linked, so there is one and there is no cycle
				if verdicts[index[id]].Outcome != checks.Passed {
					v.BlockedBy = append(v.BlockedBy, id)
				}
			}
			if len(v.BlockedBy) > 0 {
				v.Outcome = checks.Blocked
			} else {
				v.Result, v.Error = gradeOne(ctx, env, c)
			}
			verdicts[i] = v
		}()
	}
	for _, c := range all {
		<-done[c.ID]
	}
	return verdicts
}

// gradeOne looks until the check passes, fails for good, or patience ends.
func gradeOne(ctx context.Context, env checks.Env, c linkedCheck) (checks.Result, string) {
	began := time.Now()
	for {
		result, err := look(ctx, env, c.run)
		limit := patience
		switch {
		case errors.Is(err, history.ErrNotRecorded):
			return checks.Result{Outcome: checks.Errored}, err.Error() // looking again does not bring it back
		case err != nil:
			limit = errorPatience
		case result.Outcome == checks.Passed, result.Pending == "":
			return result, ""
		}
		if time.Since(began) > limit || ctx.Err() != nil {
			if err != nil {
				return checks.Result{Outcome: checks.Errored}, err.Error()
			}
			return result, ""
		}
		select {
		case <-ctx.Done():
		case <-time.After(lookAgain):
		}
	}
}

// look runs the check once. A check that panics could not tell, and takes nothing else down with it.
func look(ctx context.Context, env checks.Env, run checks.Bound) (result checks.Result, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the check panicked: %v", r)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return run(ctx, env)
}

// score gives points for a step whose checks all passed, as far as they could be judged: its worth less the hints, and nothing once the
// solution was shown.
func (r *Report) score(s *Session) {
	r.Passed = slices.ContainsFunc(r.Verdicts, func(v Verdict) bool { return v.Outcome == checks.Passed && !v.Invariant }) &&
		!slices.ContainsFunc(r.Verdicts, func(v Verdict) bool { return v.Outcome != checks.Passed && v.Outcome != checks.NotJudged })
	step := s.Attempt.Steps[s.Step.ID]
	if step != nil {
		r.HintCost = step.HintCost
	}
	switch {
	case step != nil && !step.Passed.IsZero():
		r.Points = step.Points // earned earlier, and kept
	case !r.Passed, step != nil && step.Revealed:
	default:
		r.Points = max(0, r.Max-r.HintCost)
	}
}

func checkedEvent(s *Session, r *Report) progress.Event {
	event := progress.Event{
		Kind: progress.Checked, Attempt: s.Attempt.Attempt, Lab: r.Lab, Step: r.Step,
		Passed: r.Passed, Points: r.Points, Max: r.Max, Verdicts: map[string]string{},
	}
	for _, v := range r.Verdicts {
		event.Verdicts[v.ID] = string(v.Outcome)
	}
	return event
}
