package grading

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/history"
)

const (
	// checkTimeout bounds one look of one check.
	checkTimeout = 10 * time.Second
	// patience is how long a check is repeated that fails only because a controller has yet to catch up; lookAgain is
	// how often.
	patience  = 20 * time.Second
	lookAgain = 50 * time.Millisecond
	// errorPatience is how long a check is repeated that meets an error of the cluster, before the grader says that it
	// cannot tell.
	errorPatience = 2 * time.Second
)

// Look runs the checks side by side; a check that depends on others waits for them. It writes nothing. It gives each
// verdict to emit as soon as the verdict is known, one at a time; emit may be nil. It returns the verdicts in the order
// of the checks.
func Look(ctx context.Context, env checks.Env, all []catalog.Check, emit func(Verdict)) []Verdict {
	var emitting sync.Mutex
	known := func(v Verdict) {
		if emit == nil {
			return
		}
		emitting.Lock()
		defer emitting.Unlock()
		emit(v)
	}
	verdicts := make([]Verdict, len(all))
	done := map[string]chan struct{}{}
	index := map[string]int{}
	for i, c := range all {
		done[c.ID], index[c.ID] = make(chan struct{}), i
	}
	for i, c := range all {
		go func() {
			defer close(done[c.ID])
			v := Verdict{ID: c.ID, Use: c.Use, Title: c.Title, Invariant: c.Invariant, Reason: c.LeftOut}
			defer func() {
				verdicts[i] = v
				known(v)
			}()
			if !c.LeftOut.IsZero() {
				v.Outcome = checks.NotJudged
				return
			}
			for _, id := range c.After {
				<-done[id] // the lab was linked: the id exists, and no circle of checks waits for itself
				if verdicts[index[id]].Outcome != checks.Passed {
					v.BlockedBy = append(v.BlockedBy, id)
				}
			}
			if len(v.BlockedBy) > 0 {
				v.Outcome = checks.Blocked
			} else {
				v.Result, v.Error = lookAt(ctx, env, c)
			}
		}()
	}
	for _, c := range all {
		<-done[c.ID]
	}
	return verdicts
}

// lookAt repeats the check until it passes, fails for good, or patience ends.
func lookAt(ctx context.Context, env checks.Env, c catalog.Check) (checks.Result, string) {
	began := time.Now()
	for {
		result, err := once(ctx, env, c.Run)
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

// once runs the check once. A check that panics gives an error, and takes no other check down.
func once(ctx context.Context, env checks.Env, run checks.Bound) (result checks.Result, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the check panicked: %v", r)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return run(ctx, env)
}
