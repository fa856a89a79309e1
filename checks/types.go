package checks

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/managed"
)

// Env is what a check may look at. Not every cluster has AuditLog, History and Upgrades: a check that cannot tell
// without one of them declares that it needs it, by the Need of the same name.
type Env struct {
	// Client and Dynamic reach the cluster as the grader, through a transport that refuses writes.
	Client  kubernetes.Interface
	Dynamic dynamic.Interface
	// Baseline holds the objects of the starting state as they were when the step began.
	Baseline Baseline
	// AuditLog answers who asked the API server for what; history.NotRecorded where the cluster keeps no audit log.
	AuditLog history.Reader
	// History answers what state the cluster went through. Nil means the same as history.NotRecorded.
	History history.Watcher
	// Upgrades returns the upgrades of the control plane and of nodes since the step began, oldest first, with what was
	// forced. They are recorded outside of the cluster, so that nothing that is done to the cluster changes them. It is
	// nil for a cluster that k8slab does not upgrade.
	Upgrades func(context.Context) ([]history.Upgrade, error)
	// Since is when the step began.
	Since time.Time
	// Managed asks the cloud that runs the cluster about it: versions, channels, pools, maintenance windows. It is nil
	// for a cluster that no cloud runs.
	Managed func(context.Context) (*managed.Cluster, error)
}

// Timeline tells what the cluster went through since the step began, or history.ErrNotRecorded.
func (env Env) Timeline(ctx context.Context) (*history.Timeline, error) {
	if env.History == nil {
		return nil, history.ErrNotRecorded
	}
	return env.History.Timeline(ctx, env.Since)
}

// RecordedUpgrades returns what k8slab has upgraded since the step began, or history.ErrNotRecorded.
func (env Env) RecordedUpgrades(ctx context.Context) ([]history.Upgrade, error) {
	if env.Upgrades == nil {
		return nil, history.ErrNotRecorded
	}
	return env.Upgrades(ctx)
}

// Need is a capability, by the name that labs use, without which a check cannot tell. An optional input is not a need.
type Need string

const (
	// AuditLog: the cluster's audit log answers Env.AuditLog.
	AuditLog Need = "audit-log"
	// History: the cluster's record answers Env.History.
	History Need = "history"
	// Upgrades: k8slab upgrades the cluster and answers Env.Upgrades.
	Upgrades Need = "upgrades"
)

// Change is what a learner changes in order to pass a check, beyond the objects of the lab: something that the whole
// cluster shares, so that its owner is asked first.
type Change string

// Nodes means that the task cordons or drains nodes.
const Nodes Change = "nodes"

// Baseline is the starting state of a step, as read back from the cluster.
type Baseline interface {
	// Object returns the object as it was, and false for one that was not there. Namespace is empty for cluster scope.
	Object(gk schema.GroupKind, namespace, name string) (*unstructured.Unstructured, bool)
	// Objects returns all objects of a kind, in every namespace.
	Objects(gk schema.GroupKind) []*unstructured.Unstructured
}

// A Func looks once, at the current state and the recorded history, and changes nothing.
// Result is about the learner's work; an error means "could not tell".
type Func[P any] func(ctx context.Context, env Env, params P) (Result, error)
