// Package action says what a person can do next, as data: a verb of k8slab with the lab, the step and the arguments
// that it is about, or a line for a terminal if the next thing to do is another program's. Each face renders an Action
// in its own way: the command line as a command to type, a screen as a key, a page as a button.
//
// It is a leaf, and must not know how an Action looks, which package internal/present decides for the command line.
//
// Start reading at Action and Do.
package action

import (
	"slices"
	"strings"
)

// Verb is something that k8slab does for a person. Its value is a stable identifier and not what anybody types.
type Verb string

const (
	// Type is no verb of k8slab: Line is to be typed into a terminal.
	Type Verb = "type"

	Check    Verb = "check"
	Finish   Verb = "finish"
	Goto     Verb = "goto"
	Hint     Verb = "hint"
	Lesson   Verb = "lesson"
	List     Verb = "list"
	Next     Verb = "next"
	Reset    Verb = "reset"
	Solution Verb = "solution"
	Start    Verb = "start"
	Status   Verb = "status"
	Timeline Verb = "timeline"

	Delete          Verb = "delete"
	Shell           Verb = "shell"
	Stop            Verb = "stop"
	Kubectl         Verb = "kubectl"
	ClusterLogs     Verb = "cluster-logs"
	ClusterStatus   Verb = "cluster-status"
	ClusterUpgrade  Verb = "cluster-upgrade"
	StartComponent  Verb = "start-component"
	ListNodes       Verb = "list-nodes"
	StartNode       Verb = "start-node"
	ListSnapshots   Verb = "list-snapshots"
	RestoreSnapshot Verb = "restore-snapshot"

	AddSource    Verb = "add-source"
	ListSources  Verb = "list-sources"
	UpdateSource Verb = "update-source"
	NewLab       Verb = "new-lab"
	NewStep      Verb = "new-step"
	Lint         Verb = "lint"
	Verify       Verb = "verify"
	ListChecks   Verb = "list-checks"
	Doctor       Verb = "doctor"
	Version      Verb = "version"
)

// Action is one thing to do. The zero value is none.
type Action struct {
	Verb Verb `json:"verb,omitempty"`
	// Lab and Step that it is about; empty means the ones that the person is at.
	Lab  string `json:"lab,omitempty"`
	Step string `json:"step,omitempty"`
	// Args in the order in which a person gives them.
	Args []Arg `json:"args,omitempty"`
	// Line, with Type, is quoted for a POSIX shell.
	Line string `json:"line,omitempty"`
	// Help: the thing to do is to read about the verb.
	Help bool `json:"help,omitempty"`
}

// Arg is an argument by its name, such as "component", "tail" or "allow-nodes". Value is empty for an argument that is
// only given or not.
type Arg struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
}

// Do returns the action of the verb on the lab and step that the person is at.
func Do(verb Verb) Action { return Action{Verb: verb} }

// HelpOn returns the action of reading about the verb.
func HelpOn(verb Verb) Action { return Action{Verb: verb, Help: true} }

// InTerminal returns the action of typing a line, which is quoted for a POSIX shell, into a terminal.
func InTerminal(line string) Action { return Action{Verb: Type, Line: line} }

// On returns the action on the lab of that id.
func (a Action) On(lab string) Action {
	a.Lab = lab
	return a
}

// At returns the action on the step of that id.
func (a Action) At(step string) Action {
	a.Step = step
	return a
}

// With returns the action with one more argument.
func (a Action) With(name, value string) Action {
	a.Args = append(slices.Clone(a.Args), Arg{Name: name, Value: value})
	return a
}

// WithGiven is With if value is not empty; otherwise it returns the action as it is.
func (a Action) WithGiven(name, value string) Action {
	if value == "" {
		return a
	}
	return a.With(name, value)
}

// IsZero reports whether there is nothing to do.
func (a Action) IsZero() bool { return a.Verb == "" }

// Equal reports whether both are the same action.
func (a Action) Equal(b Action) bool {
	return a.Verb == b.Verb && a.Lab == b.Lab && a.Step == b.Step && a.Line == b.Line && a.Help == b.Help && slices.Equal(a.Args, b.Args)
}

// String is for tests and logs; a face has its own way of showing an action.
func (a Action) String() string {
	if a.Verb == Type || a.IsZero() {
		return a.Line
	}
	words := []string{string(a.Verb)}
	if a.Lab != "" {
		words = append(words, a.Lab)
	}
	if a.Step != "" {
		words = append(words, a.Step)
	}
	for _, arg := range a.Args {
		words = append(words, strings.TrimSpace("--"+arg.Name+" "+arg.Value))
	}
	if a.Help {
		words = append(words, "--help")
	}
	return strings.Join(words, " ")
}
