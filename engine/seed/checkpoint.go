package seed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
)

// stepCheckpoint is what k8slab keeps beside a cluster's checkpoint of a step's starting state.
type stepCheckpoint struct {
	// Fingerprint of the set-up that was seeded. If the lab's set-up has changed since, the step is seeded again.
	Fingerprint string    `json:"fingerprint"`
	Baseline    *Baseline `json:"baseline"`
}

func checkpointOf(step *content.Step) string { return "step-" + step.ID }

func checkpointPath(sessionDir string, step *content.Step) string {
	return filepath.Join(sessionDir, checkpointOf(step)+".json")
}

// fingerprint returns a value that changes when the step's starting state changes.
func fingerprint(lab *content.Lab, step *content.Step) string {
	sum := sha256.New()
	for _, f := range slices.Concat(lab.Setup, step.Setup) {
		fmt.Fprintf(sum, "%s %d\n%s", f.Path, len(f.Data), f.Data)
	}
	if step.Cluster.Release != "" || len(step.Cluster.Kubelets) > 0 {
		fmt.Fprintf(sum, "release %q kubelets %q", step.Cluster.Release, step.Cluster.Kubelets) // fmt sorts the keys of maps
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// restore brings the cluster back to the checkpoint of the step, and returns its baseline. It returns nil if no
// checkpoint fits: there is none, or it is one of another cluster or of an older version of the lab.
func (t Target) restore(ctx context.Context, c cluster.Checkpointer) (*Baseline, error) {
	raw, err := os.ReadFile(checkpointPath(t.Dir, t.Step))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var saved stepCheckpoint
	if json.Unmarshal(raw, &saved) != nil || saved.Baseline == nil || saved.Fingerprint != fingerprint(t.Lab, t.Step) {
		return nil, nil // as good as no checkpoint
	}
	op, err := t.operator(ctx)
	if err != nil {
		return nil, err
	}
	if id, err := op.clusterID(ctx); err != nil || id != saved.Baseline.ClusterID {
		return nil, err
	}
	err = c.RestoreCheckpoint(ctx, t.Lab.ID, checkpointOf(t.Step))
	if errors.Is(err, cluster.ErrNoCheckpoint) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sc, err := Parse(t.Lab, t.Step)
	if err != nil {
		return nil, err
	}
	return saved.Baseline, op.settle(ctx, sc, sc.objects)
}

// keep saves the cluster as it is now as the starting state of the step.
func (t Target) keep(ctx context.Context, c cluster.Checkpointer, b *Baseline) error {
	if err := c.SaveCheckpoint(ctx, t.Lab.ID, checkpointOf(t.Step)); err != nil {
		return err
	}
	return Keep(checkpointPath(t.Dir, t.Step), stepCheckpoint{Fingerprint: fingerprint(t.Lab, t.Step), Baseline: b})
}
