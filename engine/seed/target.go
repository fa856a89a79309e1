package seed

import (
	"context"
	"time"

	"k8s.io/client-go/rest"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
)

const (
	// seedTimeout bounds the making of a starting state.
	seedTimeout = 2 * time.Minute
	// imagesTimeout is added if the nodes are given the images of the starting state.
	imagesTimeout = 10 * time.Minute
	// upgradeTimeout is added if a control plane or nodes have to be upgraded, which takes minutes on real machines.
	upgradeTimeout = 15 * time.Minute
)

// Target is where a starting state is to be made.
type Target struct {
	Provider cluster.Provider
	Lab      *content.Lab
	Step     *content.Step
	// Server is the address of the cluster's API server, for messages.
	Server string
	// Dir is the session's folder. It holds the baseline, and what is known of checkpoints.
	Dir string
}

// Timeout is how long the starting state may take to come about.
func (t Target) Timeout() time.Duration {
	limit := seedTimeout
	if _, loads := cluster.As[cluster.ImageLoader](t.Provider); loads {
		limit += imagesTimeout
	}
	if t.Step.Cluster.Release != "" || len(t.Step.Cluster.Kubelets) > 0 {
		limit += upgradeTimeout
	}
	return limit
}

// Make replaces all that the lab has on the cluster by the starting state of the step. It restores the step's
// checkpoint if the cluster has one that fits, and seeds the step otherwise.
func (t Target) Make(ctx context.Context, report cluster.Progress) (*Baseline, error) {
	defer cluster.CatchUp(ctx, t.Provider, t.Lab.ID)
	checkpointer, ok := cluster.As[cluster.Checkpointer](t.Provider)
	if ok {
		if b, err := t.restore(ctx, checkpointer); err != nil || b != nil {
			return b, err
		}
	}
	b := &Baseline{Lab: t.Lab.ID, Step: t.Step.ID}
	if err := t.prepare(ctx, b, report); err != nil {
		return nil, err
	}
	if ok {
		return b, t.keep(ctx, checkpointer, b)
	}
	return b, nil
}

// ClusterID returns the UID that tells the cluster from another one of the same name.
func (t Target) ClusterID(ctx context.Context) (string, error) {
	op, err := t.operator(ctx)
	if err != nil {
		return "", err
	}
	return op.clusterID(ctx)
}

func (t Target) operator(ctx context.Context) (*operator, error) {
	cfg, err := t.config(ctx)
	if err != nil {
		return nil, err
	}
	return newOperator(cfg)
}

func (t Target) config(ctx context.Context) (*rest.Config, error) {
	return t.Provider.Config(ctx, t.Lab.ID, cluster.Operator)
}

// Spec returns the cluster that the lab asks for; its Begin holds the releases with which the step begins. port is that
// of the API server; zero picks a free one.
func Spec(lab *content.Lab, step *content.Step, port int) cluster.Spec {
	spec := cluster.Spec{
		Name: lab.ID, Release: lab.Cluster.Release, RuntimeConfig: lab.Cluster.RuntimeConfig, History: lab.History, APIPort: port,
		Begin: cluster.Beginning{Release: step.Cluster.Release, Kubelets: step.Cluster.Kubelets},
	}
	for _, n := range lab.Cluster.Nodes {
		spec.Nodes = append(spec.Nodes, cluster.Node(n))
	}
	return spec
}
