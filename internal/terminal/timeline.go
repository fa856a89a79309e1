package terminal

import (
	"fmt"
	"strings"
	"time"

	"github.com/k8slab/k8slab/engine/timeline"
)

// roomForText is how many columns an entry of a timeline needs beside its time and its actor; on a narrower screen it gets a line of its own.
const roomForText = 30

// Timeline renders the story of an attempt: for each visit of a step a heading, and one entry after the other with the time since the step
// began, the time of the day, who it was, and what.
func (s Screen) Timeline(story *timeline.Story) string {
	var b strings.Builder
	for i, v := range story.Visits {
		if i > 0 {
			b.WriteString("\n")
		}
		heading := fmt.Sprintf(s.say("%s, begun %s", "%s (%s 開始)"), Plain(v.Step), v.Began.Local().Format(time.DateTime))
		b.WriteString(wrapStyled(s.paint(bold, heading), s.columns(), "", ""))
		b.WriteString(s.TimelineEntries(v))
	}
	return b.String()
}

// TimelineEntries renders a visit without its heading.
func (s Screen) TimelineEntries(v timeline.Visit) string {
	var b strings.Builder
	for _, e := range v.Entries {
		s.timelineEntry(&b, v, e)
	}
	return b.String()
}

func (s Screen) timelineEntry(b *strings.Builder, v timeline.Visit, e timeline.Entry) {
	actor, sgr := s.actor(e.By)
	words := 0
	for _, by := range []timeline.Actor{timeline.You, timeline.Other, timeline.K8slab, timeline.Cluster} {
		word, _ := s.actor(by)
		words = max(words, Width(word))
	}
	head := fmt.Sprintf("%9s  %s  ", sinceBegan(e.Time.Sub(v.Began)), e.Time.Local().Format(time.TimeOnly))
	column := Width(head) + words + 2
	text := Plain(e.Text.In(s.Lang))
	if s.columns()-column < roomForText {
		const indent = "    "
		b.WriteString(s.paint(faint, strings.TrimLeft(head, " ")) + s.paint(sgr, actor) + "\n")
		b.WriteString(wrapPlain(text, s.columns(), indent, indent))
		return
	}
	body := wrapPlain(text, s.columns(), strings.Repeat(" ", column), strings.Repeat(" ", column))
	b.WriteString(s.paint(faint, head) + s.paint(sgr, actor) + strings.Repeat(" ", words-Width(actor)+2) + body[column:])
}

// sinceBegan is negative for what came before the learner got the starting state.
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

func (s Screen) actor(by timeline.Actor) (word, sgr string) {
	switch by {
	case timeline.You:
		return s.say("you", "あなた"), cyan
	case timeline.Other:
		return s.say("other", "ほか"), cyan
	case timeline.K8slab:
		return "k8slab", faint
	default:
		return s.say("cluster", "クラスター"), amber
	}
}
