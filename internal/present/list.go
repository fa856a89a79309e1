package present

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/text"
)

// Lab is a line of the list of labs.
type Lab struct {
	ID string `json:"id"`
	// Source that was added; empty for a lab that came with k8slab.
	Source  string    `json:"source,omitempty"`
	Title   text.Text `json:"title"`
	Summary text.Text `json:"summary"`
	Minutes int       `json:"minutes"`
	Needs   []string  `json:"needs"`
	Steps   []string  `json:"steps"`
	Points  int       `json:"points"`
	Max     int       `json:"max"`
	// State is "new", "started" or "finished"; Cluster "none" or the state of the lab's cluster.
	State   string `json:"state"`
	Step    string `json:"step,omitempty"`
	Cluster string `json:"cluster"`
}

// LabsOf returns the list of labs.
func LabsOf(all []engine.LabStatus) []Lab {
	labs := make([]Lab, len(all))
	for i, l := range all {
		labs[i] = labOf(l)
	}
	return labs
}

func labOf(l engine.LabStatus) Lab {
	lab := Lab{ID: l.Lab.ID, Source: l.Source, Title: l.Lab.Title, Summary: l.Lab.Summary, Minutes: l.Lab.Minutes,
		Needs: append([]string{}, l.Lab.Needs...), Points: l.Points, Max: l.Lab.Points(), State: "new", Cluster: "none"}
	for _, s := range l.Lab.Steps {
		lab.Steps = append(lab.Steps, s.ID)
	}
	if l.Attempt != nil {
		lab.State, lab.Step = "started", l.Attempt.Step
		if !l.Attempt.Finished.IsZero() {
			lab.State = "finished"
		}
	}
	if l.Cluster != nil {
		lab.Cluster = string(l.Cluster.State)
	}
	return lab
}

// shortSource returns the last part of the address for a source without a name, to leave room for the rest of the
// table.
func (l Lab) shortSource() string { return l.Source[strings.LastIndex(l.Source, "/")+1:] }

// LabTable shows the list. Sources have a column only if there is one.
func LabTable(labs []Lab) Table {
	t := Table{Columns: []Column{column("LAB", "ラボ"), longColumn("TITLE", "題名"), column("MINUTES", "分"),
		column("POINTS", "得点"), column("STATE", "状態"), column("CLUSTER", "クラスター")}}
	fromSources := slices.ContainsFunc(labs, func(l Lab) bool { return l.Source != "" })
	if fromSources {
		t.Columns = append(t.Columns, column("SOURCE", "ソース"))
	}
	for _, l := range labs {
		cells := []text.Text{text.Plain(l.ID), l.Title, text.Plain(fmt.Sprint(l.Minutes)), text.Plain(fmt.Sprintf("%d/%d", l.Points, l.Max)),
			State(l.State), State(l.Cluster)}
		if fromSources {
			cells = append(cells, text.Plain(cmp.Or(l.shortSource(), "–")))
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}
