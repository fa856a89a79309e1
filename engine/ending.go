package engine

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/engine/seed"
	"github.com/k8slab/k8slab/text"
)

// Stop stops the lab's cluster and keeps its state.
func (e *Engine) Stop(ctx context.Context, lab string, report cluster.Progress) error {
	return e.withCluster(ctx, lab, func(p cluster.Provider) error {
		stopper, ok := cluster.As[cluster.Stopper](p)
		if !ok {
			return problem.New(problem.Usage,
				text.New("clusters of the kind %s cannot be stopped", "%s クラスターは停止できません", p.Name()), action.Do(action.Delete).On(lab))
		}
		return report.Run("stop", func() (string, error) { return lab, stopper.Stop(ctx, lab) })
	})
}

// Delete removes the lab's cluster; what the learner has achieved stays in the journal. A cluster that somebody else
// made is not removed: Delete removes the lab's objects from it and returns what was removed and what is left. For the
// lab's own cluster it returns nil.
func (e *Engine) Delete(ctx context.Context, lab string, report cluster.Progress) (left *cluster.Departure, err error) {
	err = e.withCluster(ctx, lab, func(p cluster.Provider) error {
		guest, ok := cluster.As[cluster.Guest](p)
		if c, err := p.Find(ctx, lab); !ok || err != nil || c.State == cluster.Running {
			// Somebody else's cluster that does not answer is left as it is, and so is the session.
			if err := e.dropSessionBaseline(lab); err != nil {
				return err
			}
		}
		if !ok {
			return report.Run("delete", func() (string, error) { return lab, p.Delete(ctx, lab) })
		}
		return report.Run("leave", func() (string, error) {
			left, err = guest.Leave(ctx, lab)
			return lab, err
		})
	})
	return left, err
}

func (e *Engine) dropSessionBaseline(lab string) error {
	dir, err := e.sessionDir(lab)
	if err != nil {
		return err
	}
	return seed.DropBaseline(dir)
}

func (e *Engine) withCluster(ctx context.Context, lab string, f func(cluster.Provider) error) error {
	done, err := e.progress()
	if err != nil {
		return err
	}
	if done.Labs[lab] == nil {
		// The cluster of a lab that was played can be removed even when the lab cannot be found any more.
		if _, err := e.catalog.Known(ctx, lab); err != nil {
			return err
		}
	}
	p, err := e.holder(ctx, lab, done.Labs[lab])
	if err != nil {
		return err
	}
	unlock, err := e.lockSession(ctx, lab)
	if err != nil {
		return err
	}
	defer unlock()
	err = f(p)
	if errors.Is(err, cluster.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return problem.New(problem.Cluster,
			text.New("the lab %s has no cluster now", "ラボ %s のクラスターは今ありません", lab),
			action.Do(action.Start).On(lab))
	}
	return err
}

// holder returns the provider that has the lab's cluster, which normally is the one that the journal names. Another
// provider has the cluster if k8slab was killed while that provider was making the cluster or letting the lab in on
// one. If no provider has a cluster, holder returns the one that the journal names.
func (e *Engine) holder(ctx context.Context, lab string, attempt *progress.Lab) (cluster.Provider, error) {
	named, err := e.Provider(providerOf(attempt))
	if err != nil {
		return nil, err
	}
	others := slices.DeleteFunc(slices.Clone(e.providers), func(p cluster.Provider) bool { return p.Name() == named.Name() })
	for _, p := range append([]cluster.Provider{named}, others...) {
		if _, err := p.Find(ctx, lab); !errors.Is(err, cluster.ErrNotFound) {
			return p, nil
		}
	}
	return named, nil
}
