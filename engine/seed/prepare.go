package seed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
)

// seedTries is how often a starting state is made, at most, if a controller takes a part of it away.
const seedTries = 3

// prepare makes a clean cluster and seeds it.
func (t Target) prepare(ctx context.Context, b *Baseline, report cluster.Progress) error {
	op, err := t.operator(ctx)
	if err != nil {
		return err
	}
	sc, err := Parse(t.Lab, t.Step)
	if err != nil {
		return err
	}
	disposable := slices.Contains(cluster.CapabilitiesOf(t.Provider), cluster.Disposable)
	if err := Permit(t.Lab, sc, disposable); err != nil {
		return err
	}
	if !disposable {
		confine(t.Lab, sc)
		// Somebody may have made such objects since the lab was let in.
		taken, err := op.others(ctx, t.Lab.ID, sc)
		if err != nil {
			return err
		}
		if err := refuseTaken(t.Lab.ID, t.Server, taken, action.Do(action.Delete).On(t.Lab.ID)); err != nil {
			return err
		}
	}
	for try := 1; ; try++ {
		err := t.seedClean(ctx, op, sc, report)
		if err == nil {
			return op.recordBaseline(ctx, sc, b)
		}
		if !errors.Is(err, errGone) || try == seedTries {
			return err
		}
	}
}

// seedClean cleans the cluster and makes the starting state in it.
func (t Target) seedClean(ctx context.Context, op *operator, sc *Scenario, report cluster.Progress) error {
	if err := t.clean(ctx, op); err != nil {
		return err
	}
	if err := t.setKubelets(ctx); err != nil {
		return err
	}
	if err := t.loadImages(ctx, sc, report); err != nil {
		return err
	}
	if simulator, ok := cluster.As[cluster.Simulator](t.Provider); ok {
		if err := simulator.SetBehaviors(ctx, t.Lab.ID, sc.behaviors); err != nil {
			return err
		}
	}
	return op.seed(ctx, sc)
}

// pristine is the checkpoint of a cluster as it was made, before any lab has done anything in it. pristineAt is the
// checkpoint of such a cluster after an upgrade to another release.
const pristine = "pristine"

func pristineAt(release string) string { return pristine + "-" + release }

// clean removes everything of the lab from the cluster, and brings the control plane to the release at which the step
// starts.
func (t Target) clean(ctx context.Context, op *operator) error {
	release := t.Step.Cluster.Release
	if release == "" || release == t.Lab.Cluster.Release {
		return t.cleanAsMade(ctx, op)
	}
	checkpointer, ok := cluster.As[cluster.Checkpointer](t.Provider)
	if ok {
		if err := checkpointer.RestoreCheckpoint(ctx, t.Lab.ID, pristineAt(release)); !errors.Is(err, cluster.ErrNoCheckpoint) {
			return err
		}
	}
	if err := t.cleanAsMade(ctx, op); err != nil {
		return err
	}
	if err := upgradeTo(ctx, t.Provider, t.Lab.ID, release); err != nil {
		return err
	}
	op.mapper.Reset()
	if ok {
		return checkpointer.SaveCheckpoint(ctx, t.Lab.ID, pristineAt(release))
	}
	return nil
}

// cleanAsMade removes everything of the lab from the cluster. A cluster with checkpoints goes back to the time before
// the lab; in other clusters, the lab's objects are deleted.
func (t Target) cleanAsMade(ctx context.Context, op *operator) error {
	checkpointer, ok := cluster.As[cluster.Checkpointer](t.Provider)
	if ok {
		if err := checkpointer.RestoreCheckpoint(ctx, t.Lab.ID, pristine); !errors.Is(err, cluster.ErrNoCheckpoint) {
			return err
		}
	}
	disposable := slices.Contains(cluster.CapabilitiesOf(t.Provider), cluster.Disposable)
	if err := op.clear(ctx, t.Lab, disposable); err != nil {
		return err
	}
	if disposable {
		if err := t.clearStrays(ctx, op); err != nil {
			return err
		}
		if err := t.powerOn(ctx); err != nil {
			return err
		}
		if err := t.restoreNodes(ctx, op); err != nil {
			return err
		}
	} else if guest, ok := cluster.As[cluster.Guest](t.Provider); ok {
		if _, err := guest.OpenNodes(ctx, t.Lab.ID); err != nil {
			return err
		}
	}
	if ok {
		return checkpointer.SaveCheckpoint(ctx, t.Lab.ID, pristine)
	}
	return nil
}

// clearStrays removes what the learner made outside of the lab's namespaces, on clusters of k8slab's own that have an
// audit log and no checkpoints.
func (t Target) clearStrays(ctx context.Context, op *operator) error {
	_, logged := cluster.As[cluster.AuditLogFile](t.Provider)
	if _, restored := cluster.As[cluster.Checkpointer](t.Provider); !logged || restored {
		return nil
	}
	return op.clearStrays(ctx, t.Lab.ID, cluster.AuditLogOf(t.Provider, t.Lab.ID))
}

// powerOn switches every machine on and waits for its node. Where checkpoints are restored, that is not needed.
func (t Target) powerOn(ctx context.Context) error {
	power, ok := cluster.As[cluster.NodePower](t.Provider)
	if _, restored := cluster.As[cluster.Checkpointer](t.Provider); !ok || restored {
		return nil
	}
	for _, node := range t.Lab.Cluster.Nodes {
		if err := power.StartNode(ctx, t.Lab.ID, node.Name); err != nil {
			return fmt.Errorf("switch on %s: %w", node.Name, err)
		}
	}
	_, err := t.Provider.Ensure(ctx, Spec(t.Lab, t.Step, 0), nil)
	return err
}

// restoreNodes brings every node back to the cluster's shape. A Node object that was deleted comes back as it would on
// a real cluster: when its kubelet starts again.
func (t Target) restoreNodes(ctx context.Context, op *operator) error {
	gone, err := op.restoreNodes(ctx, t.Lab.Cluster.Nodes)
	if err != nil || len(gone) == 0 {
		return err
	}
	stopper, ok := cluster.As[cluster.Stopper](t.Provider)
	if !ok {
		return fmt.Errorf("nodes %s do not exist any more", strings.Join(gone, ", "))
	}
	if err := stopper.Stop(ctx, t.Lab.ID); err != nil {
		return err
	}
	if _, err := t.Provider.Ensure(ctx, Spec(t.Lab, t.Step, 0), nil); err != nil {
		return err
	}
	gone, err = op.restoreNodes(ctx, t.Lab.Cluster.Nodes)
	if err == nil && len(gone) > 0 {
		err = fmt.Errorf("nodes %s did not come back", strings.Join(gone, ", "))
	}
	return err
}
