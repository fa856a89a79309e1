package embedded

import (
	"context"
	"sync"
)

// part is one of the things that the supervisor runs.
type part struct {
	name string
	// start begins the part and returns at once, with a function that ends the part and returns when nothing of it is
	// left. A part whose start fails leaves nothing behind. ctx ends when the supervisor is told to end, which is
	// before the part's turn to stop.
	start func(ctx context.Context) (stop func(), err error)
}

// background is a part that does its work until its context ends. An error is logged under the part's name, and the
// cluster goes on without the part.
func (s *supervisor) background(name string, work func(ctx context.Context) error) part {
	return backgroundPart(name, work, func(err error) { s.log.Error(name, "error", err) })
}

// vital is background for a part without which there is no cluster: the supervisor gives up.
func (s *supervisor) vital(name string, work func(ctx context.Context) error) part {
	return backgroundPart(name, work, s.giveUp)
}

func backgroundPart(name string, work func(ctx context.Context) error, failed func(error)) part {
	return part{name, func(ctx context.Context) (func(), error) {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		var working sync.WaitGroup
		working.Go(func() {
			if err := work(ctx); err != nil && ctx.Err() == nil {
				failed(err)
			}
		})
		return func() { cancel(); working.Wait() }, nil
	}}
}

// from returns work that begins at a moment, when the channel is closed, unless ctx ends before.
func from(moment <-chan struct{}, work func(ctx context.Context) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-moment:
			return work(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}
