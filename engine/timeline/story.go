package timeline

import (
	"cmp"
	"slices"
	"time"

	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/text"
)

// Actor is who did something.
type Actor string

const (
	// You are the learner, also when impersonating somebody else.
	You Actor = "you"
	// Other is any other person or program with credentials of the cluster, which the text names.
	Other Actor = "other"
	// K8slab did it itself: starting states, checks, hints.
	K8slab Actor = "k8slab"
	// Cluster did it: controllers, scheduler, kubelets, or a machine that died.
	Cluster Actor = "cluster"
)

// Entry is one line of a story.
type Entry struct {
	// Time of what happened. If several things were joined, Until is the time of the last one.
	Time  time.Time `json:"time"`
	Until time.Time `json:"until,omitzero"`
	By    Actor     `json:"by"`
	// User is who asked the API server; empty if nobody did.
	User string `json:"user,omitempty"`
	// What happened, in one stable word, such as "evicted".
	What string `json:"what"`
	// Objects that it happened to, as kubectl names them.
	Objects []string  `json:"objects,omitempty"`
	Text    text.Text `json:"text"`
}

// Last returns when the last of the things that the entry tells happened.
func (e Entry) Last() time.Time {
	if e.Until.IsZero() {
		return e.Time
	}
	return e.Until
}

// Visit of a step: from its starting state to the next one.
type Visit struct {
	Step string `json:"step"`
	// Began is when the learner got the starting state.
	Began   time.Time `json:"began"`
	Entries []Entry   `json:"entries"`
}

// Story of an attempt.
type Story struct {
	Lab     string `json:"lab"`
	Attempt string `json:"attempt"`
	// Requests and Record say whether the cluster's audit log and its record could be read; without them the story
	// tells only k8slab's own part.
	Requests bool    `json:"requests"`
	Record   bool    `json:"record"`
	Visits   []Visit `json:"visits"`
}

// Source is what a story is made of.
type Source struct {
	Lab, Attempt string
	// Events of the attempt, oldest first.
	Events []progress.Event
	// Requests since the attempt began; nil if they were not recorded. Record likewise.
	Requests []history.Request
	Record   *history.Timeline
	// Learner is the user of the learner's kubeconfig. Other users are named in the story.
	Learner string
	// JoinFor is how long things of one kind may be apart to be joined in one entry; zero means 20 s.
	JoinFor time.Duration
}

// Tell tells the attempt. It is pure.
func Tell(from Source) *Story {
	t := &telling{from: from, replicas: map[string]int32{}, groups: map[string]*group{}}
	t.journal()
	for _, at := range t.moments() {
		at.tell()
	}
	t.gaps()
	story := &Story{Lab: from.Lab, Attempt: from.Attempt, Requests: from.Requests != nil, Record: from.Record != nil, Visits: []Visit{}}
	slices.SortStableFunc(t.entries, func(a, b *Entry) int { return a.Time.Compare(b.Time) })
	for i, v := range t.visits {
		until := time.Time{}
		if i+1 < len(t.visits) {
			until = t.visits[i+1].began
		}
		visit := Visit{Step: v.step, Began: v.ready, Entries: []Entry{}}
		for _, e := range t.entries {
			if !e.Time.Before(v.began) && (until.IsZero() || e.Time.Before(until)) {
				visit.Entries = append(visit.Entries, *e)
			}
		}
		story.Visits = append(story.Visits, visit)
	}
	return story
}

// visit is a visit of a step. k8slab made its starting state from began to ready.
type visit struct {
	step         string
	began, ready time.Time
}

// telling is a story that is being told.
type telling struct {
	from    Source
	visits  []visit
	entries []*Entry
	// groups holds the entries that later events may still join.
	groups map[string]*group
	// replicas that each workload was last asked to have, by resource, namespace and name.
	replicas map[string]int32
}

// moment is something that happened, to be told in its turn.
type moment struct {
	at   time.Time
	tell func()
}

// moments puts requests and changes in one order. Both have the time at which they were seen; a request is seen a
// little earlier than the change that it causes.
func (t *telling) moments() []moment {
	var all []moment
	for i := range t.from.Requests {
		r := &t.from.Requests[i]
		all = append(all, moment{r.Time, func() { t.request(r) }})
	}
	if t.from.Record != nil {
		f := newFacts(t)
		for i := range t.from.Record.Records {
			r := &t.from.Record.Records[i]
			all = append(all, moment{r.Time, func() { f.follow(r) }})
		}
	}
	slices.SortStableFunc(all, func(a, b moment) int { return a.at.Compare(b.at) })
	return all
}

// making reports whether k8slab was making a starting state at that time: what happened then is k8slab's doing.
func (t *telling) making(at time.Time) bool {
	return slices.ContainsFunc(t.visits, func(v visit) bool { return !at.Before(v.began) && at.Before(v.ready) }) ||
		len(t.visits) == 0 || at.Before(t.visits[0].began)
}

// say adds an entry, and ends the cluster's groups if a person is behind it.
func (t *telling) say(e Entry) *Entry {
	if e.By == You || e.By == Other {
		t.close()
	}
	t.entries = append(t.entries, &e)
	return &e
}

// group is an entry that later events join.
type group struct {
	entry *Entry
	// last is the time of the last event that joined.
	last time.Time
	// count, objects, values and state are what the entry's text is made of.
	count   int
	objects []string
	values  []int32
	state   any
}

// joinFor is how long a group waits for more of its kind if the source does not say.
const joinFor = 20 * time.Second

// join returns the group of that key, with e in it. It begins a new group if none of that key still waits.
func (t *telling) join(key string, e Entry) *group {
	g := t.groups[key]
	if g == nil || e.Time.Sub(g.last) > cmp.Or(t.from.JoinFor, joinFor) {
		g = &group{entry: t.add(e)}
		t.groups[key] = g
	} else {
		g.entry.Until = e.Time
	}
	g.last = e.Time
	g.count++
	for _, object := range e.Objects {
		if !slices.Contains(g.objects, object) {
			g.objects = append(g.objects, object)
		}
	}
	g.entry.Objects = g.objects
	return g
}

func (t *telling) add(e Entry) *Entry {
	t.entries = append(t.entries, &e)
	return &e
}

// close ends the cluster's groups. What the cluster does after a person has done something may be because of that, and
// so is told after it.
func (t *telling) close() {
	for key, g := range t.groups {
		if g.entry.By == Cluster {
			delete(t.groups, key)
		}
	}
}

// gaps tells of which times not everything is known.
func (t *telling) gaps() {
	if t.from.Record == nil {
		return
	}
	type span struct{ from, to time.Time }
	var spans []span
	for _, g := range t.from.Record.Gaps {
		if g.Late || g.From.IsZero() {
			continue
		}
		to := cmp.Or(g.To, t.from.Record.Until)
		near := slices.IndexFunc(spans, func(s span) bool { return !g.From.After(s.to) && !to.Before(s.from) })
		if near < 0 {
			spans = append(spans, span{g.From, to})
			continue
		}
		spans[near] = span{earlier(spans[near].from, g.From), later(spans[near].to, to)}
	}
	for _, s := range spans {
		if t.making(s.from) && t.making(s.to) {
			continue
		}
		t.add(Entry{Time: s.from, Until: s.to, By: K8slab, What: "gap",
			Text: text.New("could not watch the cluster until %s", "%s までクラスターを見ていられませんでした", clock(s.to))})
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
