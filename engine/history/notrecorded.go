package history

import "context"

// NotRecorded is the Reader of a cluster that keeps no history: it answers every question with ErrNotRecorded.
type NotRecorded struct{}

// Requests returns ErrNotRecorded.
func (NotRecorded) Requests(context.Context, Query) ([]Request, error) { return nil, ErrNotRecorded }
