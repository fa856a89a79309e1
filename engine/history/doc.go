// Package history answers questions about what happened in a cluster during an attempt: who asked the API server for
// what, and how it answered. It owns the reading of audit logs and the audit policy that makes them worth reading.
//
// It knows nothing of labs, checks or of how clusters are made: a provider hands it the paths of its log files, and
// whoever judges asks it for requests. What a request means for a learner is the business of package checks.
//
// Start with Reader and Request in types.go. Log is the Reader over audit log files; NotRecorded stands in for a
// cluster that keeps none. Policy is the audit policy that a Log needs: with another policy dry runs, bindings and what
// writes left may be missed.
package history
