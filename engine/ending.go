package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
)

// Stop stops the lab's cluster and keeps its state.
func (e *Engine) Stop(ctx context.Context, lab string, report cluster.Progress) error {
	return e.withCluster(ctx, lab, func(p cluster.Provider) error {
		stopper, ok := p.(cluster.Stopper)
		if !ok {
			return problem.New(problem.Usage,
				fmt.Sprintf("clusters of the kind %s cannot be stopped", p.Name()),
				fmt.Sprintf("%s クラスターは停止できません", p.Name()), "k8slab delete --lab "+lab)
		}
		return report.Run("stop", func() (string, error) { return lab, stopper.Stop(ctx, lab) })
	})
}

// Delete removes the lab's cluster. What was achieved stays in the journal. A cluster that somebody else made stays, too: what the lab has
// made there is removed, and Delete returns what that was. It returns nil for the lab's own cluster.
func (e *Engine) Delete(ctx context.Context, lab string, report cluster.Progress) (left *cluster.Departure, err error) {
	err = e.withCluster(ctx, lab, func(p cluster.Provider) error {
		guest, ok := p.(cluster.Guest)
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
	return dropBaseline(dir)
}

func (e *Engine) withCluster(ctx context.Context, lab string, f func(cluster.Provider) error) error {
	done, err := e.progress()
	if err != nil {
		return err
	}
	if done.Labs[lab] == nil {
		// The cluster of a lab that was played can be removed even when the lab cannot be found any more.
		if _, err := e.known(ctx, lab); err != nil {
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
			fmt.Sprintf("the lab %s has no cluster now", lab), fmt.Sprintf("ラボ %s のクラスターは今ありません", lab),
			"k8slab start "+lab)
	}
	return err
}

// holder returns the provider that has the lab's cluster: the one that the journal names, or where that has none another one, which was
// cut short while it made a cluster or let the lab in on one. Where none has a cluster it is that of the journal.
func (e *Engine) holder(ctx context.Context, lab string, attempt *progress.Lab) (cluster.Provider, error) {
	named, err := e.Provider(providerOf(attempt))
	if err != nil {
		return nil, err
	}
	others := slices.DeleteFunc(slices.Clone(e.cfg.Providers), func(p cluster.Provider) bool { return p.Name() == named.Name() })
	for _, p := range append([]cluster.Provider{named}, others...) {
		if _, err := p.Find(ctx, lab); !errors.Is(err, cluster.ErrNotFound) {
			return p, nil
		}
	}
	return named, nil
}
