package progress

import (
	"time"

	"github.com/k8slab/k8slab/content"
)

// Kind of an event.
type Kind string

const (
	// Started: a new attempt at a lab began. Everything about a lab since its last Started is its current attempt.
	Started Kind = "started"
	// Entered: a step was seeded and shown. A step that is entered again after Passed keeps its points.
	Entered Kind = "entered"
	// Checked: a step was graded.
	Checked Kind = "checked"
	// Hinted: a hint level was shown.
	Hinted Kind = "hinted"
	// Revealed: the solution was shown; the step is worth nothing more in this attempt.
	Revealed Kind = "revealed"
	// WasReset: the step's starting state was restored.
	WasReset Kind = "reset"
	// Upgraded: the control plane or a node was brought to another version, or back to the old one.
	Upgraded Kind = "upgraded"
	// Switched: the machine of a node was switched off or on, rebooted or touched.
	Switched Kind = "switched"
	// Controlled: a component of the control plane was stopped or started.
	Controlled Kind = "controlled"
	// Saved: the cluster was saved as a snapshot.
	Saved Kind = "saved"
	// Finished: the learner ended the lab.
	Finished Kind = "finished"
)

// Event is one line of the journal.
type Event struct {
	// ID makes appending idempotent: a second event of the same id is dropped by Fold. Append fills in an empty one.
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
	Kind Kind      `json:"kind"`
	// Attempt groups the events of one run through a lab.
	Attempt string `json:"attempt"`
	Lab     string `json:"lab"`
	Step    string `json:"step,omitempty"`
	// Began, with Entered and WasReset, is when k8slab began to make the starting state, which was there at Time.
	Began time.Time `json:"began,omitzero"`
	// Snapshot, with Saved, is the snapshot that was saved. With Entered, it is the snapshot that was restored in place
	// of the starting state; what happened since Undone is then undone.
	Snapshot string    `json:"snapshot,omitempty"`
	Undone   time.Time `json:"undone,omitzero"`
	// Provider of the cluster, with Started.
	Provider string `json:"provider,omitempty"`
	// Origin of the lab, with Started: the attempt is about the lab as it was at its origin.
	Origin content.Origin `json:"origin,omitzero"`
	// Passed, with Checked: every check and invariant passed.
	Passed bool `json:"passed,omitempty"`
	// Points that were earned, and Max that could have been earned, with Checked.
	Points int `json:"points,omitempty"`
	Max    int `json:"max,omitempty"`
	// Verdicts, with Checked: outcome by check id.
	Verdicts map[string]string `json:"verdicts,omitempty"`
	// Level of the hint, from 1, and Cost in points, with Hinted.
	Level int `json:"level,omitempty"`
	Cost  int `json:"cost,omitempty"`
	// Node, with Upgraded and Switched; empty for the control plane. With Switched, Action is what was done to the
	// node's machine: "stop", "start", "reboot" or "touch". With Upgraded, From and To are versions, Outcome says
	// whether To runs now, and Ignored lists what stood in the way of an upgrade that was forced.
	Node    string   `json:"node,omitempty"`
	Action  string   `json:"action,omitempty"`
	From    string   `json:"from,omitempty"`
	To      string   `json:"to,omitempty"`
	Outcome string   `json:"outcome,omitempty"`
	Ignored []string `json:"ignored,omitempty"`
	// Component, with Controlled, is the component to which Action was done.
	Component string `json:"component,omitempty"`
}

// Progress is what the journal adds up to.
type Progress struct {
	// Labs by id; one that was never started is not in it.
	Labs map[string]*Lab
	// Current is the lab that was touched last by Started, Entered, Checked, Hinted, Revealed or WasReset, and not
	// finished since; empty if there is none.
	Current string
}

// Lab is the current attempt at a lab.
type Lab struct {
	ID       string
	Attempt  string
	Provider string
	Origin   content.Origin
	Started  time.Time
	// Finished is zero while the attempt goes on.
	Finished time.Time
	// Step that was entered last.
	Step  string
	Steps map[string]*Step
}

// Step is the learner's progress in one step in the current attempt.
type Step struct {
	ID string
	// Entered is when its starting state was last seeded or reset; checks judge what happened since.
	Entered time.Time
	// Passed is when it first passed; zero if it has not.
	Passed time.Time
	// Points earned when it first passed.
	Points int
	// Checks counts how often it was graded, Resets how often it was reset.
	Checks, Resets int
	// Hints is the highest level that was shown before it first passed; HintCost what those levels cost together.
	Hints    int
	HintCost int
	// HintsSeen is the highest level that was shown at all. Levels shown after the step passed are free.
	HintsSeen int
	// Revealed: the solution was shown before it first passed.
	Revealed bool
}
