package kube

import (
	"context"
	"fmt"
	"time"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine/history"
)

// AuditLine is a request of the audit log in one line, as the cause of a result.
func AuditLine(r history.Request) string {
	object := r.Resource + "/" + r.Name
	if r.Subresource != "" {
		object += "/" + r.Subresource
	}
	if r.Namespace != "" {
		object += " in namespace " + r.Namespace
	}
	return fmt.Sprintf("audit log: %s %s %s, answered %d, by %s", r.User, r.Verb, object, r.Code, r.UserAgent)
}

// Who names the person or program that asked, and as whom.
func Who(r history.Request) string {
	if r.ImpersonatedUser != "" {
		return r.User + " (as " + r.ImpersonatedUser + ")"
	}
	return r.User
}

// Past returns the requests that succeeded in the namespace since the step began, oldest first.
func Past(ctx context.Context, env checks.Env, namespace string) ([]history.Request, error) {
	requests, err := env.AuditLog.Requests(ctx, history.Query{Since: env.Since, Namespace: namespace, Succeeded: true})
	if err != nil {
		return nil, fmt.Errorf("looking up what was asked for in namespace %s: %w", namespace, err)
	}
	return requests, nil
}

// IsRemoval reports whether the request takes a pod away: an eviction or a deletion.
func IsRemoval(r history.Request) bool {
	return r.Resource == "pods" && (r.Verb == "create" && r.Subresource == "eviction" || r.Verb == "delete" && r.Subresource == "")
}

// RecordLine is a record of the cluster in one line, as the cause of a result.
func RecordLine(r *history.Record) string {
	return fmt.Sprintf("record of the cluster: %s %s at resourceVersion %d", r.Ref(), r.Event, r.Version)
}

// Clock formats a time as the learner's own clock showed it.
func Clock(t time.Time) string { return t.Local().Format("15:04:05") }
