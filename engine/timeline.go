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

// Timeline tells the attempt as it happened. If step is not empty, it tells the visits of that step alone. It leaves
// out what the cluster can no longer tell; the story says which parts are there.
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

// story tells the attempt. Of what happened in the cluster it tells only what came after since.
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
	// followEvery is how often Follow looks for news.
	followEvery = 500 * time.Millisecond
	// followJoin is how far apart events may be for Follow to tell them as one. Follow tells an entry when its last
	// event is twice as old.
	followJoin = time.Second
)

// Follow tells the attempt as it happens, from the start of the step on, until ctx ends or the lab has no attempt under
// way any more. It calls tell with a story that holds only what is new, in one visit; the first story may be empty.
// When the learner goes to another step, Follow goes along.
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

// unheard returns the story with its last visit alone. Of that visit it leaves the entries that were not told before
// and whose last event came before settled, so that nothing can join them any more.
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
			break // later entries wait, too, so that everything is told in order
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

// past returns what the cluster remembers. Of a cluster that does not run, it returns what the cluster has written.
func (p *Play) past(ctx context.Context, since time.Time) ([]history.Request, *history.Timeline, error) {
	requests, err := p.holds().auditLog.Requests(ctx, history.Query{Since: since})
	switch {
	case errors.Is(err, history.ErrNotRecorded):
		requests = nil
	case err != nil:
		return nil, nil, err
	case requests == nil:
		requests = []history.Request{} // no requests were made, which is not the same as not recorded
	}
	record, err := p.holds().written.Timeline(ctx, since)
	if errors.Is(err, history.ErrNotRecorded) {
		record, err = nil, nil
	}
	return requests, record, err
}
