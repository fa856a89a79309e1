package present

import (
	"maps"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"github.com/k8slab/k8slab/engine/action"
)

// form is how a verb is typed.
type form struct {
	// words of the command, after the program's name.
	words string
	// lab says that the lab is typed as an argument, and not as the flag --lab; step says the same of the step.
	lab, step bool
	// bare are the arguments that are typed without their names, and early the flags that are typed before the bare
	// arguments.
	bare, early []string
}

// forms returns how each verb is typed. A test compares it with the program's commands.
func forms() map[action.Verb]form {
	return map[action.Verb]form{
		action.Check:    {words: "check"},
		action.Finish:   {words: "finish"},
		action.Goto:     {words: "goto", step: true},
		action.Hint:     {words: "hint"},
		action.Lesson:   {words: "lesson"},
		action.List:     {words: "list"},
		action.Next:     {words: "next"},
		action.Reset:    {words: "reset"},
		action.Solution: {words: "solution"},
		action.Start:    {words: "start", lab: true, early: []string{"from"}},
		action.Status:   {words: "status"},
		action.Timeline: {words: "timeline"},

		action.Delete:          {words: "delete", lab: true, early: []string{"forget"}},
		action.Shell:           {words: "shell"},
		action.Stop:            {words: "stop", lab: true},
		action.Kubectl:         {words: "kubectl"},
		action.ClusterLogs:     {words: "cluster logs", bare: []string{"log"}},
		action.ClusterStatus:   {words: "cluster status"},
		action.ClusterUpgrade:  {words: "cluster upgrade"},
		action.StartComponent:  {words: "cluster start", bare: []string{"component"}},
		action.ListNodes:       {words: "node list"},
		action.StartNode:       {words: "node start", bare: []string{"node"}},
		action.ListSnapshots:   {words: "snapshot list"},
		action.RestoreSnapshot: {words: "snapshot restore", bare: []string{"snapshot"}},

		action.AddSource:    {words: "source add"},
		action.ListSources:  {words: "source list"},
		action.UpdateSource: {words: "source update"},
		action.NewLab:       {words: "new lab"},
		action.NewStep:      {words: "new step"},
		action.Lint:         {words: "lint", bare: []string{"path"}},
		action.Verify:       {words: "verify"},
		action.ListChecks:   {words: "checks", bare: []string{"check"}},
		action.Doctor:       {words: "doctor"},
		action.Version:      {words: "version"},
	}
}

// stateHome is the argument that names the state folder in which the action is done. It is typed as a variable before
// the command.
const stateHome = "state-home"

// Command returns the action as a line to type into a POSIX shell, and "" for the zero action.
func Command(a action.Action) string {
	if a.IsZero() {
		return ""
	}
	if a.Verb == action.Type {
		return a.Line
	}
	f := forms()[a.Verb]
	var before, early, bare, flags []string
	add := func(to *[]string, name, value string) {
		*to = append(*to, "--"+name)
		if value != "" {
			*to = append(*to, shellescape.Quote(value))
		}
	}
	placed := func(asArgument bool, name, value string) {
		switch {
		case value == "":
		case asArgument:
			bare = append(bare, shellescape.Quote(value))
		default:
			add(&flags, name, value)
		}
	}
	for _, arg := range a.Args {
		switch {
		case arg.Name == stateHome:
			before = append(before, "XDG_STATE_HOME="+shellescape.Quote(arg.Value))
		case slices.Contains(f.bare, arg.Name):
			bare = append(bare, shellescape.Quote(arg.Value))
		case slices.Contains(f.early, arg.Name):
			add(&early, arg.Name, arg.Value)
		default:
			add(&flags, arg.Name, arg.Value)
		}
	}
	placed(f.lab, "lab", a.Lab)
	placed(f.step, "step", a.Step)
	if a.Help {
		flags = append(flags, "--help")
	}
	return strings.Join(slices.Concat(before, []string{"k8slab " + f.words}, early, bare, flags), " ")
}

// Verbs returns every verb that Command can render, except action.Type, whose line is another program's.
func Verbs() []action.Verb { return slices.Sorted(maps.Keys(forms())) }
