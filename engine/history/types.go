package history

import (
	"context"
	"errors"
	"time"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ErrNotRecorded says that the cluster keeps no history, or none for the time that was asked for.
var ErrNotRecorded = errors.New("the history of this cluster was not recorded")

// Request is one completed request to the API server, from its audit log.
type Request struct {
	// ID is the audit ID of the request.
	ID string
	// Time at which the API server received the request.
	Time time.Time
	// User is the authenticated user. ImpersonatedUser is the user as whom the request was made; empty without
	// impersonation.
	User, ImpersonatedUser string
	Verb                   string
	// Group is empty for the core group.
	Group, Resource, Subresource, Namespace, Name string
	// Code is the HTTP status of the answer.
	Code int
	// DryRun requests changed nothing. A deletion or an eviction may say so in its body only, which is known if the log
	// was written under Policy.
	DryRun bool
	// Node is, with the creation of pods/binding, the node that the pod was bound to. It is known if the log was
	// written under Policy.
	Node string
	// Propagation is, with a deletion, what becomes of the dependents: Orphan, Background or Foreground; empty where
	// the request leaves it to the kind, which for all built-in workloads of apps/v1 means Background.
	Propagation metav1.DeletionPropagation
	// Left is, with a person's write of a Deployment, StatefulSet, ReplicaSet or PodDisruptionBudget, a person's change
	// of a pod, and anybody's scaling, the object as the write left it. It is nil for other requests, for refused ones,
	// and where the log was not written under Policy.
	Left *Left
	// Removed is, with a deletion of one pod, the pod as the deletion found it. It is nil for other requests, for
	// refused ones, and if the log was not written under Policy.
	Removed *Removed
	// Grace is, with a deletion or an eviction, the grace period in seconds that was asked for; nil if it was left to
	// the pod.
	Grace *int64
	// Fields are, with a patch whose body the log holds, the paths of the fields that the patch names, such as
	// "spec.unschedulable"; at most 12.
	Fields []string
	// Cordons is, with a patch of a node, true if the patch cordons the node and false if it ends a cordon; nil if it
	// does neither.
	Cordons *bool
	// UserAgent as the client gave it.
	UserAgent string
	// Version of the API that was spoken, such as "v1beta1".
	Version string
	// Deprecated says that the API server answered with a warning, since Version will not be served for ever.
	// RemovedRelease is the first release that does not serve it, such as "1.37"; empty if that is not known
	// (KEP-1693).
	Deprecated     bool
	RemovedRelease string
}

// Left is what matters of the object that a write left behind.
type Left struct {
	// Replicas that the object asks for; nil for a pod and a PodDisruptionBudget.
	Replicas *int32
	// PodLabels of the pod, or of the pod template; nil for a scale and a PodDisruptionBudget.
	PodLabels map[string]string
	// Budget is nil for all but a PodDisruptionBudget.
	Budget *policyv1.PodDisruptionBudgetSpec
}

// Removed is what matters of a pod that was deleted. A kubelet deletes a pod once more when its containers have ended;
// that deletion tells how the containers ended.
type Removed struct {
	Labels map[string]string
	// Node is empty for a pod that was not bound to one.
	Node string
	// Exits holds the exit codes of the containers that have ended, by name: 137 means SIGKILL.
	Exits map[string]int32
	// Running counts the containers that have not ended.
	Running int
	// Disruption is the reason of the condition DisruptionTarget; empty for a pod without it.
	Disruption string
}

// Query selects requests; an empty field selects all.
type Query struct {
	Since                        time.Time
	Verbs                        []string
	Group, Resource, Subresource string
	Namespace, Name              string
	// Users selects by the authenticated user.
	Users []string
	// Succeeded selects requests that were answered with a code below 400 and that were not dry runs.
	Succeeded bool
}

// Reader answers questions about the past of a cluster.
type Reader interface {
	// Requests returns the requests that the query selects, oldest first, or ErrNotRecorded.
	Requests(ctx context.Context, q Query) ([]Request, error)
}
