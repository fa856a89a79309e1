// Package history answers questions about what happened in a cluster during an attempt. Its two sources are the audit
// log (who asked the API server for what, and how it answered) and the record (what each object went through), which
// package recorder writes while a cluster runs.
//
// It owns the reading of both, the format of the record, the audit policy under which an audit log is worth reading,
// and the gaps: an answer that a gap could change is an error, never a guess. It must not know labs or checks, nor how
// clusters are made: a provider hands it the paths of its files. What a request or a change means for a learner is the
// business of package checks.
//
// Start reading at Reader and Request in types.go for the audit log; Log reads its files, and Policy is the audit
// policy that a Log needs: with another one, dry runs, bindings and what writes left may be missed. For the record,
// start at Record in record.go, then Timeline, which answers.go asks its questions; Recording reads the files.
// NotRecorded stands in for a cluster that keeps neither.
package history
