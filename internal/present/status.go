package present

import (
	"fmt"

	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/text"
)

// Status is where a learner is in a lab.
type Status struct {
	Lab    string    `json:"lab"`
	Title  text.Text `json:"title"`
	Step   string    `json:"step"`
	Points int       `json:"points"`
	Max    int       `json:"max"`
	Steps  []Step    `json:"steps"`
	// Cluster is "none" or the state of the lab's cluster.
	Cluster string `json:"cluster"`
	Server  string `json:"server,omitempty"`
}

// Step is a step of a lab, and how far the learner is with it.
type Step struct {
	ID    string    `json:"id"`
	Title text.Text `json:"title"`
	// State is "passed", "current" or "open".
	State    string `json:"state"`
	Points   int    `json:"points"`
	Max      int    `json:"max"`
	Checks   int    `json:"checks"`
	Hints    int    `json:"hints"`
	Revealed bool   `json:"revealed"`
	// Unplayable says why the cluster cannot play the step; NotJudged is how many of its checks are left out there.
	Unplayable *text.Text `json:"unplayable,omitempty"`
	NotJudged  int        `json:"notJudged,omitempty"`
}

// StatusOf returns the status of a session.
func StatusOf(s *engine.Session) Status {
	a := Status{Lab: s.Lab.ID, Title: s.Lab.Title, Step: s.Step.ID, Max: s.Lab.Points(), Cluster: "none"}
	if s.Cluster != nil {
		a.Cluster, a.Server = string(s.Cluster.State), s.Cluster.Server
	}
	for i, step := range s.Lab.Steps {
		line := Step{ID: step.ID, Title: step.Title(), State: "open", Max: step.Points}
		if i < len(s.Fits) {
			line.Unplayable, line.NotJudged = s.Fits[i].Unplayable, s.Fits[i].NotJudged
		}
		if s.Attempt != nil {
			if st := s.Attempt.Steps[step.ID]; st != nil {
				line.Points, line.Checks, line.Hints, line.Revealed = st.Points, st.Checks, st.Hints, st.Revealed
				if !st.Passed.IsZero() {
					line.State = "passed"
				}
			}
		}
		if line.State == "open" && step.ID == s.Step.ID {
			line.State = "current"
		}
		a.Points += line.Points
		a.Steps = append(a.Steps, line)
	}
	return a
}

// Heading names the lab.
func (s Status) Heading() text.Text { return text.New("%s  %s", "%s  %s", s.Lab, s.Title) }

// Where says where the lab is played.
func (s Status) Where() text.Text {
	where := text.New("Cluster: %s", "クラスター: %s", State(s.Cluster))
	if s.Server == "" {
		return where
	}
	return text.New("%s  %s", "%s  %s", where, s.Server)
}

// Table shows the steps. The learner's current step has a mark.
func (s Status) Table() Table {
	t := Table{Columns: []Column{column("STEP", "ステップ"), longColumn("TITLE", "題名"), column("STATE", "状態"),
		column("POINTS", "得点"), column("HINTS", "ヒント")}}
	for _, l := range s.Steps {
		here := "  "
		if l.ID == s.Step {
			here = "▸ "
		}
		t.Rows = append(t.Rows, []text.Text{text.Plain(here + l.ID), l.Title, State(l.State),
			text.Plain(fmt.Sprintf("%d/%d", l.Points, l.Max)), text.Plain(fmt.Sprint(l.Hints))})
	}
	return t
}

// Total says the points of all steps.
func (s Status) Total() text.Text {
	return text.New("%d of %d points", "%[2]d 点中 %[1]d 点", s.Points, s.Max)
}

// Notes say which steps cannot be played on the cluster, and why.
func (s Status) Notes() []text.Text {
	var notes []text.Text
	for _, l := range s.Steps {
		if l.Unplayable != nil {
			notes = append(notes, NotHere(*l.Unplayable))
		}
	}
	return notes
}

// NotHere says of a step that the cluster cannot play it, and why.
func NotHere(why text.Text) text.Text {
	return text.New("Not on this cluster: %s.", "このクラスターでは実行できません: %s。", why)
}

// NotesOf says which of the steps cannot be played on the cluster, and why.
func NotesOf(fits []catalog.Fit) []text.Text {
	var notes []text.Text
	for _, fit := range fits {
		if fit.Unplayable != nil {
			notes = append(notes, NotHere(*fit.Unplayable))
		}
	}
	return notes
}

// Finished sums up an attempt that has just ended.
func Finished(s *engine.Session, attempt *progress.Lab) text.Text {
	passed, points := engine.Tally(attempt)
	return text.New("%s is finished: %d of %d steps passed, %d of %d points.", "%[1]s を終えました。%[3]d ステップ中 %[2]d ステップに合格、%[5]d 点中 %[4]d 点です。",
		s.Lab.ID, passed, len(s.Lab.Steps), points, s.Lab.Points())
}
