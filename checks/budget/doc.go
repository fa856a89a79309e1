// Package budget has the checks of PodDisruptionBudgets: whether the API server would evict, what floor a budget keeps,
// and whether it kept the floor whenever a pod was taken.
//
// It must not know other subjects. It decides as the API server and the disruption controller do, and cites the
// function of Kubernetes that it follows. eviction.go asks by a dry run; floor.go, single.go and unready.go read the
// budgets; past.go retells the audit log request by request.
//
// Start reading at Definitions.
package budget
