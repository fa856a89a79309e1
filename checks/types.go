package checks

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/managed"
)

// Outcome of a check.
type Outcome string

const (
	// Passed: the work is done.
	Passed Outcome = "passed"
	// Failed: the work is not done, or not done well; the result says why.
	Failed Outcome = "failed"
	// Blocked: a check that this one comes after did not pass, so there was nothing to look at.
	Blocked Outcome = "blocked"
	// Errored: the grader could not tell. It never costs a point.
	Errored Outcome = "errored"
	// NotJudged: the cluster is of a kind that lacks what the check needs, so it was left out. It costs no point and blocks nothing.
	NotJudged Outcome = "not-judged"
)

// Result is a verdict on the learner's work. A Func returns only Passed and Failed;
// the engine adds Blocked and NotJudged and, for a Func that returned an error, Errored.
type Result struct {
	Outcome Outcome `json:"outcome"`
	// Object is the object that the verdict is about, as kubectl would name it: "deployment/web".
	Object string `json:"object,omitempty"`
	// Want and Got say what was looked for and what was found; Why says why it matters. Required for Failed.
	Want content.Text `json:"want,omitzero"`
	Got  content.Text `json:"got,omitzero"`
	Why  content.Text `json:"why,omitzero"`
	// Cause is the cluster's own reason, in its own words: a condition, an event, an answer of the API server.
	Cause string `json:"cause,omitempty"`
	// Pending says that a controller has yet to catch up, and on what; the engine then looks again for a while
	// before it believes a failure.
	Pending string `json:"pending,omitempty"`
}

// Env is what a check may look at.
type Env struct {
	// Client and Dynamic reach the cluster as the grader, through a transport that refuses writes.
	Client  kubernetes.Interface
	Dynamic dynamic.Interface
	// Baseline holds the objects of the starting state as they were when the step began.
	Baseline Baseline
	// History is what happened since; queries answer history.ErrNotRecorded where the cluster keeps none.
	History history.Reader
	// Upgrades returns those of the control plane and of nodes since the step began, oldest first, with what was forced. They are recorded
	// outside of the cluster, so that nothing that is done to the cluster changes them. It is nil for a cluster that k8slab does not upgrade.
	Upgrades func(context.Context) ([]history.Upgrade, error)
	// Record is what the cluster went through since; it may be nil, which means the same as history.NotRecorded.
	Record history.Watcher
	// Since is when the step began.
	Since time.Time
	// Managed asks the cloud that runs the cluster about it: versions, channels, pools, maintenance windows. It is nil for a cluster that no
	// cloud runs.
	Managed func(context.Context) (*managed.Cluster, error)
}

// timeline tells what the cluster went through since the step began, or history.ErrNotRecorded.
func (env Env) timeline(ctx context.Context) (*history.Timeline, error) {
	if env.Record == nil {
		return nil, history.ErrNotRecorded
	}
	return env.Record.Timeline(ctx, env.Since)
}

// upgrades returns what k8slab has upgraded since the step began, or history.ErrNotRecorded.
func (env Env) upgrades(ctx context.Context) ([]history.Upgrade, error) {
	if env.Upgrades == nil {
		return nil, history.ErrNotRecorded
	}
	return env.Upgrades(ctx)
}

// Need is a capability, by the name that labs use, without which a check cannot tell. What a check looks at only where it is there is none.
type Need string

const (
	// AuditLog is there where Env.History answers.
	AuditLog Need = "audit-log"
	// History is there where Env.Record answers.
	History Need = "history"
	// Upgrades is there where Env.Upgrades is.
	Upgrades Need = "upgrades"
)

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
