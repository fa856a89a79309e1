package terminal

import (
	"fmt"
	"strings"

	"github.com/k8slab/k8slab/engine/timeline"
	"github.com/k8slab/k8slab/internal/present"
)

// roomForText is how many columns an entry's text needs beside its time and its actor. On a narrower screen the text
// gets a line of its own.
const roomForText = 30

// Timeline renders the story of an attempt: a heading for each visit of a step, and below it one entry after the other
// with the time since the step began, the time of the day, the actor, and what happened.
func (s Screen) Timeline(t present.Timeline) string {
	if len(t.Visits) == 0 {
		return s.Paragraph(t.Empty.In(s.Lang), 0)
	}
	visits := make([]string, len(t.Visits))
	for i, v := range t.Visits {
		visits[i] = s.Visited(v)
	}
	return strings.Join(visits, "\n")
}

// Visited renders the visit of a step.
func (s Screen) Visited(v present.Visited) string {
	return wrapStyled(s.paint(bold, Plain(v.Heading.In(s.Lang))), s.columns(), "", "") + s.TimelineEntries(v)
}

// TimelineEntries renders a visit without its heading.
func (s Screen) TimelineEntries(v present.Visited) string {
	var b strings.Builder
	for _, e := range v.Entries {
		s.timelineEntry(&b, e)
	}
	return b.String()
}

func (s Screen) timelineEntry(b *strings.Builder, e present.Entry) {
	actor, sgr := e.Who.In(s.Lang), actorColour(e.By)
	words := 0
	for _, by := range present.Actors() {
		words = max(words, Width(present.Actor(by).In(s.Lang)))
	}
	head := fmt.Sprintf("%9s  %s  ", e.Since, e.At)
	column := Width(head) + words + 2
	text := Plain(e.What.In(s.Lang))
	if s.columns()-column < roomForText {
		const indent = "    "
		b.WriteString(s.paint(faint, strings.TrimLeft(head, " ")) + s.paint(sgr, actor) + "\n")
		b.WriteString(wrapPlain(text, s.columns(), indent, indent))
		return
	}
	body := wrapPlain(text, s.columns(), strings.Repeat(" ", column), strings.Repeat(" ", column))
	b.WriteString(s.paint(faint, head) + s.paint(sgr, actor) + strings.Repeat(" ", words-Width(actor)+2) + body[column:])
}

func actorColour(by timeline.Actor) string {
	switch by {
	case timeline.You, timeline.Other:
		return cyan
	case timeline.K8slab:
		return faint
	default:
		return amber
	}
}
