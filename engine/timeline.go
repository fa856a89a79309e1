package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/timeline"
)

// Timeline tells the attempt as it happened, and only the visits of one step where step is not empty. What the cluster
// can no longer tell is left out; the story says which parts are there.
func (p *Play) Timeline(ctx context.Context, step string) (*timeline.Story, error) {
	if step != "" {
		found, err := p.holds().lab.Find(step)
		if err != nil {
			return nil, err
		}
		step = found.ID
	}
	story, err := p.story(ctx, p.Session().Attempt.Started, 0)
	if err != nil {
		return nil, err
	}
	if step != "" {
		story.Visits = visitsOf(story.Visits, step)
	}
	return story, nil
}

// story tells the attempt, of what happened in the cluster only what came after since.
func (p *Play) story(ctx context.Context, since time.Time, joinFor time.Duration) (*timeline.Story, error) {
	read, err := p.engine.readJournal()
	if err != nil {
		return nil, err
	}
	s := p.Session()
	from := timeline.Source{Lab: s.Lab.ID, Attempt: s.Attempt.Attempt, Learner: string(cluster.Learner), JoinFor: joinFor}
	seen := map[string]bool{}
	for _, event := range read.events {
		if event.Lab == s.Lab.ID && event.Attempt == s.Attempt.Attempt && !seen[event.ID] {
			from.Events, seen[event.ID] = append(from.Events, event), true
		}
	}
	if s.Cluster != nil {
		if from.Requests, from.Record, err = p.past(ctx, since); err != nil {
			return nil, err
		}
	}
	return timeline.Tell(from), nil
}

const (
	// followEvery is how often one who follows is told what is new.
	followEvery = 500 * time.Millisecond
	// followJoin is how long things may be apart then to be told as one, which is how late they are told.
	followJoin = time.Second
)

// Follow tells the attempt as it happens, from the start of the step on, until ctx ends or the lab has no attempt under
// way any more. It calls tell with a story of one visit that holds only what is new. With the learner it goes on to
// other steps.
func (p *Play) Follow(ctx context.Context, tell func(*timeline.Story) error) error {
	told := map[string]bool{}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for first := true; ; first = false {
		s := p.Session()
		began := s.Attempt.Started
		if step := s.Attempt.Steps[s.Step.ID]; step != nil {
			began = step.Entered
		}
		story, err := p.story(ctx, began, followJoin)
		if err != nil {
			return err
		}
		if fresh := unheard(story, told, time.Now().Add(-2*followJoin)); first || len(fresh.Visits) > 0 {
			if err := tell(fresh); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if err := p.Refresh(ctx); err != nil {
			return err
		}
	}
}

// unheard leaves of a story its last visit with the entries that nothing can join any more and that were not told
// before.
func unheard(story *timeline.Story, told map[string]bool, settled time.Time) *timeline.Story {
	fresh := *story
	fresh.Visits = nil
	if len(story.Visits) == 0 {
		return &fresh
	}
	visit := story.Visits[len(story.Visits)-1]
	entries := visit.Entries
	visit.Entries = nil
	for _, entry := range entries {
		if entry.Last().After(settled) {
			break // what comes after it waits too, so that everything is told in its order
		}
		key := fmt.Sprint(entry.Time.UnixNano(), entry.By, entry.What, entry.Text.EN)
		if !told[key] {
			told[key] = true
			visit.Entries = append(visit.Entries, entry)
		}
	}
	if len(visit.Entries) > 0 {
		fresh.Visits = []timeline.Visit{visit}
	}
	return &fresh
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

// past returns what the cluster remembers. A cluster that does not run tells what it has written.
func (p *Play) past(ctx context.Context, since time.Time) ([]history.Request, *history.Timeline, error) {
	requests, err := p.holds().auditLog.Requests(ctx, history.Query{Since: since})
	switch {
	case errors.Is(err, history.ErrNotRecorded):
		requests = nil
	case err != nil:
		return nil, nil, err
	case requests == nil:
		requests = []history.Request{} // there was none, and that is recorded
	}
	record, err := p.holds().written.Timeline(ctx, since)
	if errors.Is(err, history.ErrNotRecorded) {
		record, err = nil, nil
	}
	return requests, record, err
}
