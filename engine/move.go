package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/engine/seed"
	"github.com/k8slab/k8slab/text"
)

// Following returns the next step that the session's kind of cluster can play, and the steps before it that this kind
// of cluster cannot play. The step is nil if the lab has no such step.
func (s *Session) Following() (step *content.Step, passedOver []catalog.Fit) {
	after := slices.IndexFunc(s.Lab.Steps, func(step *content.Step) bool { return step.ID == s.Step.ID }) + 1
	for i := after; i < len(s.Lab.Steps); i++ {
		if i >= len(s.Fits) || s.Fits[i].Unplayable == nil {
			return s.Lab.Steps[i], passedOver
		}
		passedOver = append(passedOver, s.Fits[i])
	}
	return nil, passedOver
}

// Next goes to the next step that the kind of cluster can play. It leaves a step that has not passed only with skip.
func (p *Play) Next(ctx context.Context, skip bool, report cluster.Progress) error {
	s := p.Session()
	if err := RefuseUnpassed(s); err != nil && !skip {
		return err
	}
	following, passedOver := s.Following()
	if following == nil {
		return lastStep(s, passedOver)
	}
	return p.Goto(ctx, following.ID, report)
}

func lastStep(s *Session, passedOver []catalog.Fit) error {
	what := text.New("%s is the last step of %s", "%s は %s の最後のステップです", s.Step.ID, s.Lab.ID)
	if len(passedOver) > 0 {
		what = text.New("%s is the last step of %s that can be played on this cluster",
			"%s は、このクラスターで実行できる %s の最後のステップです", s.Step.ID, s.Lab.ID)
	}
	return problem.New(problem.Usage, what, action.Do(action.Finish))
}

// Goto goes to any step of the lab.
func (p *Play) Goto(ctx context.Context, step string, report cluster.Progress) error {
	to, err := p.holds().lab.Find(step)
	if err != nil {
		return err
	}
	return p.move(ctx, to, progress.Entered, report)
}

// Reset restores the starting state of the step.
func (p *Play) Reset(ctx context.Context, report cluster.Progress) error {
	return p.move(ctx, p.linked(), progress.WasReset, report)
}

func (p *Play) move(ctx context.Context, to *catalog.Step, kind progress.Kind, report cluster.Progress) error {
	return p.locked(ctx, func() error {
		s := p.Session()
		if err := catalog.StepPlayable(s.Lab, to.Step, p.Provider(), p.engine.Vocabulary(), action.Do(action.Status)); err != nil {
			return err
		}
		if err := p.awake(ctx, report); err != nil {
			return err
		}
		return p.enter(ctx, to, kind, report)
	})
}

// enter replaces all that the lab has on the cluster by the starting state of the step, and notes that in the journal.
// It drops the old baseline first and saves the new one last: after an interruption the step counts as not seeded, and
// an intent is left that Recover carries out. The caller holds the session's lock.
func (p *Play) enter(ctx context.Context, to *catalog.Step, kind progress.Kind, report cluster.Progress) error {
	target, attempt := p.target(to), p.Session().Attempt.Attempt
	if err := target.CanGoBack(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, target.Timeout())
	defer cancel()
	if err := (intent{Attempt: attempt, Step: to.ID, Kind: kind}).save(p.dir); err != nil {
		return err
	}
	if err := seed.DropBaseline(p.dir); err != nil {
		return err
	}
	var b *seed.Baseline
	began := time.Now().UTC()
	err := report.Run("scenario", func() (_ string, err error) {
		b, err = target.Make(ctx, report)
		return to.ID, err
	})
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return err
		}
		return target.Problem(ctx, err).From(errors.Join(err, dropIntent(p.dir))) // not an interruption, so no intent is left: the problem says what to do
	}
	b.Attempt, b.Time = attempt, time.Now().UTC()
	if err := b.Save(p.dir); err != nil {
		return err
	}
	p.at(to)
	if err := p.append(progress.Event{Kind: kind, Time: b.Time, Began: began, Step: to.ID}); err != nil {
		return err
	}
	return dropIntent(p.dir)
}

// seeded reports whether the step's starting state stands on the play's cluster.
func (p *Play) seeded(ctx context.Context) (bool, error) {
	b, err := seed.LoadBaseline(p.dir)
	if err != nil || b == nil {
		return false, err
	}
	id, err := p.target(p.linked()).ClusterID(ctx)
	if err != nil {
		return false, err
	}
	s := p.Session()
	return b.ClusterID == id && b.Step == s.Step.ID && b.Attempt == s.Attempt.Attempt, nil
}
