package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/k8slab/k8slab/engine/cluster"
)

// seedTries is how often a starting state is made where a controller has taken something of it away.
const seedTries = 3

// prepare makes a clean cluster and seeds it.
func (e *Engine) prepare(ctx context.Context, p cluster.Provider, s *Session, b *baseline, report cluster.Progress) error {
	op, err := e.operator(ctx, s)
	if err != nil {
		return err
	}
	sc, err := parseScenario(s.Lab, s.Step)
	if err != nil {
		return err
	}
	disposable := slices.Contains(p.Capabilities(), cluster.Disposable)
	if err := permit(s.Lab, sc, disposable); err != nil {
		return err
	}
	if !disposable {
		confine(s.Lab, sc)
		// Somebody may have come since the lab was let in.
		taken, err := op.others(ctx, s.Lab.ID, sc)
		if err != nil {
			return err
		}
		if err := refuseTaken(s.Lab.ID, s.Cluster.Server, taken, "k8slab delete "+s.Lab.ID); err != nil {
			return err
		}
	}
	for try := 1; ; try++ {
		err := e.seedClean(ctx, p, op, s, sc, report)
		if err == nil {
			return op.recordBaseline(ctx, sc, b)
		}
		if !errors.Is(err, errGone) || try == seedTries {
			return err
		}
	}
}

// seedClean makes the cluster clean, and the starting state in it.
func (e *Engine) seedClean(ctx context.Context, p cluster.Provider, op *operator, s *Session, sc *scenario, report cluster.Progress) error {
	if err := e.clean(ctx, p, op, s); err != nil {
		return err
	}
	if err := setKubelets(ctx, p, s); err != nil {
		return err
	}
	if err := loadImages(ctx, p, s, sc, report); err != nil {
		return err
	}
	if simulator, ok := p.(cluster.Simulator); ok {
		if err := simulator.SetBehaviors(ctx, s.Lab.ID, sc.behaviors); err != nil {
			return err
		}
	}
	return op.seed(ctx, sc)
}

// pristine is the checkpoint of a cluster in which no lab has done anything yet, as it was made; pristineAt that of one which has
// been brought to another release since.
const pristine = "pristine"

func pristineAt(release string) string { return pristine + "-" + release }

// clean removes everything of the lab from the cluster, and brings the control plane to the release at which the step starts.
func (e *Engine) clean(ctx context.Context, p cluster.Provider, op *operator, s *Session) error {
	release := s.Step.Cluster.Release
	if release == "" || release == s.Lab.Cluster.Release {
		return e.cleanAsMade(ctx, p, op, s)
	}
	checkpointer, ok := p.(cluster.Checkpointer)
	if ok {
		if err := checkpointer.RestoreCheckpoint(ctx, s.Lab.ID, pristineAt(release)); !errors.Is(err, cluster.ErrNoCheckpoint) {
			return err
		}
	}
	if err := e.cleanAsMade(ctx, p, op, s); err != nil {
		return err
	}
	if err := upgradeTo(ctx, p, s.Lab.ID, release); err != nil {
		return err
	}
	op.mapper.Reset()
	if ok {
		return checkpointer.SaveCheckpoint(ctx, s.Lab.ID, pristineAt(release))
	}
	return nil
}

// cleanAsMade removes everything of the lab from the cluster: by going back to the time before it, where the cluster can, and by
// deleting what is the lab's where not.
func (e *Engine) cleanAsMade(ctx context.Context, p cluster.Provider, op *operator, s *Session) error {
	checkpointer, ok := p.(cluster.Checkpointer)
	if ok {
		if err := checkpointer.RestoreCheckpoint(ctx, s.Lab.ID, pristine); !errors.Is(err, cluster.ErrNoCheckpoint) {
			return err
		}
	}
	disposable := slices.Contains(p.Capabilities(), cluster.Disposable)
	if err := op.clear(ctx, s.Lab, disposable); err != nil {
		return err
	}
	if disposable {
		if err := e.clearStrays(ctx, p, op, s.Lab.ID); err != nil {
			return err
		}
		if err := e.powerOn(ctx, p, s); err != nil {
			return err
		}
		if err := e.restoreNodes(ctx, p, op, s); err != nil {
			return err
		}
	} else if guest, ok := p.(cluster.Guest); ok {
		if _, err := guest.OpenNodes(ctx, s.Lab.ID); err != nil {
			return err
		}
	}
	if ok {
		return checkpointer.SaveCheckpoint(ctx, s.Lab.ID, pristine)
	}
	return nil
}

// clearStrays removes what the learner made elsewhere in a cluster of k8slab's own, where no checkpoint does that.
func (e *Engine) clearStrays(ctx context.Context, p cluster.Provider, op *operator, lab string) error {
	_, logged := p.(cluster.AuditLogFile)
	if _, restored := p.(cluster.Checkpointer); !logged || restored {
		return nil
	}
	return op.clearStrays(ctx, lab, historyOf(p, lab))
}

// powerOn switches every machine on, and waits for its node, where no checkpoint does that.
func (e *Engine) powerOn(ctx context.Context, p cluster.Provider, s *Session) error {
	power, ok := p.(cluster.NodePower)
	if _, restored := p.(cluster.Checkpointer); !ok || restored {
		return nil
	}
	for _, node := range s.Lab.Cluster.Nodes {
		if err := power.StartNode(ctx, s.Lab.ID, node.Name); err != nil {
			return fmt.Errorf("switch on %s: %w", node.Name, err)
		}
	}
	_, err := p.Ensure(ctx, specOf(s.Lab, s.Step, 0), nil)
	return err
}

// restoreNodes brings every node back to the cluster's shape. A Node object that was deleted comes back as it would on a
// real cluster: when its kubelet starts again.
func (e *Engine) restoreNodes(ctx context.Context, p cluster.Provider, op *operator, s *Session) error {
	gone, err := op.restoreNodes(ctx, s.Lab.Cluster.Nodes)
	if err != nil || len(gone) == 0 {
		return err
	}
	stopper, ok := p.(cluster.Stopper)
	if !ok {
		return fmt.Errorf("nodes %s do not exist any more", joinNames(gone))
	}
	if err := stopper.Stop(ctx, s.Lab.ID); err != nil {
		return err
	}
	if _, err := p.Ensure(ctx, specOf(s.Lab, s.Step, 0), nil); err != nil {
		return err
	}
	gone, err = op.restoreNodes(ctx, s.Lab.Cluster.Nodes)
	if err == nil && len(gone) > 0 {
		err = fmt.Errorf("nodes %s did not come back", joinNames(gone))
	}
	return err
}
