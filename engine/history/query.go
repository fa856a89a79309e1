package history

import "slices"

// Selects reports whether the query selects the request.
func (q Query) Selects(r Request) bool {
	return !r.Time.Before(q.Since) &&
		(len(q.Verbs) == 0 || slices.Contains(q.Verbs, r.Verb)) &&
		(len(q.Users) == 0 || slices.Contains(q.Users, r.User)) &&
		(q.Group == "" || q.Group == r.Group) &&
		(q.Resource == "" || q.Resource == r.Resource) &&
		(q.Subresource == "" || q.Subresource == r.Subresource) &&
		(q.Namespace == "" || q.Namespace == r.Namespace) &&
		(q.Name == "" || q.Name == r.Name) &&
		(!q.Succeeded || r.Code > 0 && r.Code < 400 && !r.DryRun)
}
