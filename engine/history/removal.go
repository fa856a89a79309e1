package history

import "slices"

// Removal is how a person, or a part of the cluster, took a pod away.
type Removal struct {
	By Request
	// Evicted: through the Eviction API, which asks the disruption budgets; otherwise it was deleted.
	Evicted bool
	// Forced: with a grace period of zero seconds, so that nobody waited for its containers to stop.
	Forced bool
}

// RemovedBy returns the first of the requests, in their order, that took the pod away: an eviction, a deletion, or one
// of a collection in its namespace. A dry run and a refused request took nothing.
func RemovedBy(requests []Request, namespace, pod string) (Removal, bool) {
	i := slices.IndexFunc(requests, func(r Request) bool {
		return r.Removes() && r.Namespace == namespace && (r.Name == pod || r.Verb == "deletecollection")
	})
	if i < 0 {
		return Removal{}, false
	}
	r := requests[i]
	return Removal{By: r, Evicted: r.Subresource == "eviction", Forced: r.Grace != nil && *r.Grace == 0}, true
}

// Removes reports whether the request took pods away.
func (r *Request) Removes() bool {
	if r.Resource != "pods" || r.Group != "" || r.Code == 0 || r.Code >= 400 || r.DryRun {
		return false
	}
	switch r.Verb {
	case "create":
		return r.Subresource == "eviction"
	case "delete", "deletecollection":
		return r.Subresource == ""
	}
	return false
}
