package engine

import (
	"context"
	"errors"
	"time"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/timeline"
)

// Timeline tells the session's attempt as it happened, and only the visits of one step where step is not empty. What the cluster no longer
// can tell is left out; the story says which parts are there.
func (e *Engine) Timeline(ctx context.Context, s *Session, step string) (*timeline.Story, error) {
	lab, err := e.linked(s.Lab)
	if err != nil {
		return nil, err
	}
	if step != "" {
		found, err := lab.step(step)
		if err != nil {
			return nil, err
		}
		step = found.content.ID
	}
	all, _, err := e.journal.Read()
	if err != nil {
		return nil, err
	}
	from := timeline.Source{Lab: s.Lab.ID, Attempt: s.Attempt.Attempt, Learner: string(cluster.Learner)}
	since := s.Attempt.Started
	seen := map[string]bool{}
	for _, event := range all {
		if event.Lab == s.Lab.ID && event.Attempt == s.Attempt.Attempt && !seen[event.ID] {
			from.Events, seen[event.ID] = append(from.Events, event), true
		}
	}
	if s.Cluster != nil {
		if from.Requests, from.Record, err = e.past(ctx, s, since); err != nil {
			return nil, err
		}
	}
	story := timeline.Tell(from)
	if step != "" {
		story.Visits = visitsOf(story.Visits, step)
	}
	return story, nil
}

func visitsOf(all []timeline.Visit, step string) []timeline.Visit {
	visits := []timeline.Visit{}
	for _, v := range all {
		if v.Step == step {
			visits = append(visits, v)
		}
	}
	return visits
}

// past returns what the session's cluster remembers. A cluster that does not run tells what it has written.
func (e *Engine) past(ctx context.Context, s *Session, since time.Time) ([]history.Request, *history.Timeline, error) {
	p, err := e.Provider(s.Cluster.Provider)
	if err != nil {
		return nil, nil, err
	}
	requests, err := historyOf(p, s.Lab.ID).Requests(ctx, history.Query{Since: since})
	if errors.Is(err, history.ErrNotRecorded) {
		requests, err = nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	r, ok := p.(cluster.Recorder)
	if !ok {
		return requests, nil, nil
	}
	catchUp(ctx, p, s.Lab.ID)
	recording := history.OpenRecording(func(ctx context.Context) (string, error) { return r.Recording(ctx, s.Lab.ID) })
	record, err := recording.Timeline(ctx, since)
	if errors.Is(err, history.ErrNotRecorded) {
		record, err = nil, nil
	}
	return requests, record, err
}
