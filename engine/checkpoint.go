package engine

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
	// Fingerprint of the set-up that was seeded: a lab that was changed since is seeded anew.
	Fingerprint string    `json:"fingerprint"`
	Baseline    *baseline `json:"baseline"`
}

func checkpointOf(step *content.Step) string { return "step-" + step.ID }

func checkpointPath(sessionDir string, step *content.Step) string {
	return filepath.Join(sessionDir, checkpointOf(step)+".json")
}

// fingerprint changes when the starting state of the step does.
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

// restore brings the cluster back to the checkpoint of the session's step, and returns its baseline. It returns nil where there is no
// checkpoint that fits: of another cluster, of an older lab, or none at all.
func (e *Engine) restore(ctx context.Context, c cluster.Checkpointer, s *Session, dir string) (*baseline, error) {
	raw, err := os.ReadFile(checkpointPath(dir, s.Step))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var saved stepCheckpoint
	if json.Unmarshal(raw, &saved) != nil || saved.Baseline == nil || saved.Fingerprint != fingerprint(s.Lab, s.Step) {
		return nil, nil // as good as none
	}
	op, err := e.operator(ctx, s)
	if err != nil {
		return nil, err
	}
	if id, err := op.clusterID(ctx); err != nil || id != saved.Baseline.ClusterID {
		return nil, err
	}
	err = c.RestoreCheckpoint(ctx, s.Lab.ID, checkpointOf(s.Step))
	if errors.Is(err, cluster.ErrNoCheckpoint) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sc, err := parseScenario(s.Lab, s.Step)
	if err != nil {
		return nil, err
	}
	return saved.Baseline, op.settle(ctx, sc, sc.objects)
}

// keep saves the cluster as it is now as the starting state of the session's step.
func (e *Engine) keep(ctx context.Context, c cluster.Checkpointer, s *Session, dir string, b *baseline) error {
	if err := c.SaveCheckpoint(ctx, s.Lab.ID, checkpointOf(s.Step)); err != nil {
		return err
	}
	return writeJSON(checkpointPath(dir, s.Step), stepCheckpoint{Fingerprint: fingerprint(s.Lab, s.Step), Baseline: b})
}
