package present

import (
	"fmt"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/text"
)

// Lesson is the lesson of a step in one language. All but Title and Place are Markdown.
type Lesson struct {
	Title string
	// Place says where in the lab the step is, and what it is worth.
	Place string
	Intro string
	// Sections come in the order in which they are read: the task, and what is particular about the cluster.
	Sections []Section
}

// Section is a part of a lesson. A Body that begins with a heading of its own has no use for Heading.
type Section struct{ Heading, Body string }

// LessonOf returns the lesson of the session's step, in English if it is not written in the language.
func LessonOf(s *engine.Session, lang text.Lang) (*Lesson, error) {
	lesson := s.Step.Lessons[lang]
	if lesson == nil {
		lesson = s.Step.Lessons[text.English]
	}
	if lesson == nil {
		return nil, fmt.Errorf("the step %s has no lesson", s.Step.ID)
	}
	number := 1 + slices.IndexFunc(s.Lab.Steps, func(step *content.Step) bool { return step.ID == s.Step.ID })
	l := &Lesson{Title: lesson.Title, Intro: lesson.Intro, Sections: []Section{{text.Text{EN: "Your task", JA: "課題"}.In(lang), lesson.Task}},
		Place: text.New("%s, step %d of %d, %d points", "%s ステップ %d / %d、%d 点", s.Lab.ID, number, len(s.Lab.Steps), s.Step.Points).In(lang)}
	if s.Cluster != nil && lesson.Notes[s.Cluster.Provider] != "" {
		l.Sections = append(l.Sections, Section{text.Text{EN: "On this cluster", JA: "このクラスターについて"}.In(lang), lesson.Notes[s.Cluster.Provider]})
	}
	return l, nil
}

// Markdown returns the lesson as one document.
func (l *Lesson) Markdown() string {
	var md strings.Builder
	fmt.Fprintf(&md, "# %s\n\n*%s*\n\n%s", l.Title, l.Place, l.Intro)
	for _, s := range l.Sections {
		md.WriteString("\n\n" + s.Markdown())
	}
	return md.String()
}

// Markdown returns the section with its heading.
func (s Section) Markdown() string {
	body := strings.TrimSpace(s.Body)
	if strings.HasPrefix(body, "#") {
		return body
	}
	return "## " + s.Heading + "\n\n" + body
}
