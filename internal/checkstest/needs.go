package checkstest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine/history"
)

// Upgraded is a record of upgrades that was made up.
func Upgraded(all ...history.Upgrade) func(context.Context) ([]history.Upgrade, error) {
	return func(context.Context) ([]history.Upgrade, error) { return all, nil }
}

// MadeUp is an audit log that was made up.
type MadeUp []history.Request

// Requests implements history.Reader.
func (m MadeUp) Requests(_ context.Context, q history.Query) (found []history.Request, err error) {
	for _, one := range m {
		if q.Selects(one) {
			found = append(found, one)
		}
	}
	return found, nil
}

// WithoutAnswers is an audit log that was written under another policy: it does not tell what a request left.
type WithoutAnswers struct{ history.Reader }

// Requests implements history.Reader.
func (w WithoutAnswers) Requests(ctx context.Context, q history.Query) ([]history.Request, error) {
	requests, err := w.Reader.Requests(ctx, q)
	for i := range requests {
		requests[i].Left = nil
	}
	return requests, err
}

// telling returns an Env that notes what it is asked for.
func telling(env checks.Env, asked map[checks.Need]bool) checks.Env {
	all := env
	env.AuditLog = reader(func(ctx context.Context, q history.Query) ([]history.Request, error) {
		asked[checks.AuditLog] = true
		return all.AuditLog.Requests(ctx, q)
	})
	env.History = watcher(func(ctx context.Context, since time.Time) (*history.Timeline, error) {
		asked[checks.History] = true
		if all.History == nil {
			return nil, history.ErrNotRecorded
		}
		return all.History.Timeline(ctx, since)
	})
	env.Upgrades = func(ctx context.Context) ([]history.Upgrade, error) {
		asked[checks.Upgrades] = true
		if all.Upgrades == nil {
			return nil, history.ErrNotRecorded
		}
		return all.Upgrades(ctx)
	}
	return env
}

type reader func(context.Context, history.Query) ([]history.Request, error)

func (r reader) Requests(ctx context.Context, q history.Query) ([]history.Request, error) {
	return r(ctx, q)
}

type watcher func(context.Context, time.Time) (*history.Timeline, error)

func (w watcher) Timeline(ctx context.Context, since time.Time) (*history.Timeline, error) {
	return w(ctx, since)
}

// without is the Env of a cluster that has everything but one.
func without(env checks.Env, need checks.Need) checks.Env {
	switch need {
	case checks.AuditLog:
		env.AuditLog = history.NotRecorded{}
	case checks.History:
		env.History = nil
	case checks.Upgrades:
		env.Upgrades = nil
	}
	return env
}

// compareNeeds demands of a check that it can do without what it asked for and does not declare.
func (s *Scene) compareNeeds(use string, bound checks.Bound, asked map[checks.Need]bool) {
	s.T.Helper()
	d, err := s.vocabulary.Lookup(use)
	if err != nil {
		s.T.Fatal(err)
	}
	if s.asked[use] == nil {
		s.asked[use] = map[checks.Need]bool{}
	}
	maps.Copy(s.asked[use], asked)
	for need := range asked {
		if slices.Contains(d.Needs, need) {
			continue
		}
		if _, err := bound.Run(s.T.Context(), without(s.Env, need)); errors.Is(err, history.ErrNotRecorded) {
			s.T.Errorf("%s does not declare that it needs %s, and cannot tell without it: %v", use, need, err)
		}
	}
}

// demandNeeds comes after the stories: they have tried each check, and it has asked for what its definition declares.
func (w *World) demandNeeds(t *testing.T) {
	for _, d := range w.vocabulary.Definitions() {
		asked, tried := w.asked[d.Name]
		if !tried {
			t.Errorf("%s was never tried, so nothing is known of what it needs", d.Name)
		}
		for _, need := range d.Needs {
			if tried && !asked[need] {
				t.Errorf("%s declares that it needs %s, and never asked for it", d.Name, need)
			}
		}
	}
}
