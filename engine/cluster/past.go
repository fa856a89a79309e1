package cluster

import (
	"context"

	"github.com/k8slab/k8slab/engine/history"
)

// AuditLogOf returns a reader of the requests to the API server of the provider's cluster of that name. If the provider
// keeps no audit log, the reader returns history.ErrNotRecorded.
func AuditLogOf(p Provider, name string) history.Reader {
	audit, ok := As[AuditLogFile](p)
	if !ok {
		return history.NotRecorded{}
	}
	return history.Open(func(ctx context.Context) ([]string, error) { return audit.AuditLog(ctx, name) })
}

// RecordOf returns a reader of what the provider's cluster of that name went through, up to the moment of each
// question. If the provider keeps no record, the reader returns history.ErrNotRecorded.
func RecordOf(p Provider, name string) history.Watcher {
	r, ok := As[Recorder](p)
	if !ok {
		return history.NotRecorded{}
	}
	return history.OpenRecording(func(ctx context.Context) (string, error) {
		if err := r.CatchUp(ctx, name); err != nil {
			return "", err
		}
		return r.Recording(ctx, name)
	})
}

// CatchUp waits until the record of the provider's cluster holds everything up to now, so that a change that k8slab
// makes is not taken for a later event. It returns no error: a record that cannot be brought up to date tells of the
// gap itself.
func CatchUp(ctx context.Context, p Provider, name string) {
	if r, ok := As[Recorder](p); ok {
		_ = r.CatchUp(ctx, name)
	}
}

// WrittenRecordOf is RecordOf for a cluster that may be stopped: if the record cannot be brought up to date, the reader
// returns the part that is written.
func WrittenRecordOf(p Provider, name string) history.Watcher {
	r, ok := As[Recorder](p)
	if !ok {
		return history.NotRecorded{}
	}
	return history.OpenRecording(func(ctx context.Context) (string, error) {
		_ = r.CatchUp(ctx, name)
		return r.Recording(ctx, name)
	})
}
