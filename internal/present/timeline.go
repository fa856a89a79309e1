package present

import (
	"fmt"
	"time"

	"github.com/k8slab/k8slab/engine/timeline"
	"github.com/k8slab/k8slab/text"
)

// Timeline is the story of an attempt, or a part of it.
type Timeline struct {
	Visits []Visited
	// Note says what the story lacks; zero if it is whole. Empty is said if there are no visits.
	Note, Empty text.Text
}

// Visited is a visit of a step.
type Visited struct {
	Heading text.Text
	// Entries in the order in which things happened.
	Entries []Entry
}

// Entry is one thing that happened.
type Entry struct {
	// Since is the time since the step began, negative before the learner got the starting state. At is the time of the
	// day.
	Since, At string
	By        timeline.Actor
	// Who is By in words.
	Who  text.Text
	What text.Text
}

// TimelineOf returns the story with its words.
func TimelineOf(story *timeline.Story) Timeline {
	t := Timeline{}
	if !story.Record || !story.Requests {
		t.Note = text.Text{EN: "What happened in the cluster is not recorded, or was lost with the cluster; this is what k8slab itself knows.",
			JA: "クラスターで起きたことの記録は、取られていないか、クラスターと一緒になくなっています。表示したのは k8slab 自身が知っていることだけです。"}
	}
	for _, v := range story.Visits {
		t.Visits = append(t.Visits, VisitedOf(v))
	}
	if len(t.Visits) == 0 {
		t.Empty = text.Text{EN: "Nothing has happened yet.", JA: "まだ何も起きていません。"}
	}
	return t
}

// VisitedOf returns a visit of a step with its words.
func VisitedOf(v timeline.Visit) Visited {
	visited := Visited{Heading: text.New("%s, begun %s", "%s (%s 開始)", v.Step, v.Began.Local().Format(time.DateTime))}
	for _, e := range v.Entries {
		visited.Entries = append(visited.Entries, Entry{Since: sinceBegan(e.Time.Sub(v.Began)), At: e.Time.Local().Format(time.TimeOnly),
			By: e.By, Who: Actor(e.By), What: e.Text})
	}
	return visited
}

// Actors returns every actor of a timeline.
func Actors() []timeline.Actor {
	return []timeline.Actor{timeline.You, timeline.Other, timeline.K8slab, timeline.Cluster}
}

// Actor returns the words for an actor.
func Actor(by timeline.Actor) text.Text {
	switch by {
	case timeline.You:
		return text.Text{EN: "you", JA: "あなた"}
	case timeline.Other:
		return text.Text{EN: "other", JA: "ほか"}
	case timeline.K8slab:
		return text.Plain("k8slab")
	default:
		return text.Text{EN: "cluster", JA: "クラスター"}
	}
}

func sinceBegan(d time.Duration) string {
	sign := "+"
	if d < 0 {
		sign, d = "-", -d
	}
	seconds := int(d.Seconds())
	if seconds >= 3600 {
		return fmt.Sprintf("%s%d:%02d:%02d", sign, seconds/3600, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%s%d:%02d", sign, seconds/60, seconds%60)
}
