package embedded

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
)

// notes are what parts did, in order.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) add(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
}

func (n *notes) part(name string) part {
	return part{name, func(context.Context) (func(), error) {
		n.add("+" + name)
		return func() { n.add("-" + name) }, nil
	}}
}

func TestPartsAreStoppedInTheReverseOrder(t *testing.T) {
	s, n := newSupervisor("", &description{}, discardLog), &notes{}
	fails := part{"fails", func(context.Context) (func(), error) { return nil, errors.New("no port") }}
	stop := s.start(t.Context(), [][]part{{n.part("socket")}, {n.part("etcd"), fails, n.part("never")}, {n.part("never")}})
	stop()
	if want := []string{"+socket", "+etcd", "-etcd", "-socket"}; !slices.Equal(n.lines, want) {
		t.Errorf("did %v, want %v", n.lines, want)
	}
	if s.fatal != "no port" {
		t.Errorf("gave up because of %q", s.fatal)
	}
}

func TestThePartsOfARowAreStoppedTogether(t *testing.T) {
	s, n := newSupervisor("", &description{}, discardLog), &notes{}
	met := make(chan struct{})
	one := part{"one", func(context.Context) (func(), error) { return func() { met <- struct{}{} }, nil }}
	other := part{"other", func(context.Context) (func(), error) { return func() { <-met }, nil }}
	s.start(t.Context(), [][]part{{n.part("socket")}, {one, other}})()
	if want := []string{"+socket", "-socket"}; !slices.Equal(n.lines, want) {
		t.Errorf("did %v, want %v", n.lines, want)
	}
}

func TestOnlyAVitalPartEndsTheCluster(t *testing.T) {
	s := newSupervisor("", &description{}, discardLog)
	work := func(context.Context) error { return errors.New("broken") }
	stop := s.start(t.Context(), [][]part{{s.background("helps", work)}})
	stop()
	if s.fatal != "" {
		t.Errorf("gave up because of a part that only helps: %s", s.fatal)
	}
	stop = s.start(t.Context(), [][]part{{s.vital("matters", from(s.served, work))}})
	close(s.served)
	<-s.failed
	stop()
	if s.fatal != "broken" {
		t.Errorf("gave up because of %q", s.fatal)
	}
}
