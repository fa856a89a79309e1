package command

import (
	"io"
	"path"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Command is a program that simulated containers have.
type Command interface {
	// Name is what the command is called by, without a folder.
	Name() string
	// Run answers one call and returns the exit code. It waits for nothing but its input; World.Sleep passes the
	// time. A command that cannot answer its arguments writes nothing and returns Unanswered.
	Run(w *World) int
}

// Listed is a Command that the answer to an unknown command tells about. Commands without it go without saying.
type Listed interface {
	// Usage is the command with the arguments that it answers.
	Usage() string
}

// Unanswered is what a command returns in place of an exit code when it does not know what to answer.
const Unanswered = -1

// Exit codes of shells (POSIX.1-2024, XCU 2.8.2).
const (
	exitNotFound    = 127
	exitInterrupted = 130
	exitKilled      = 137
)

// mostOutput bounds what one call writes; what goes beyond is lost.
const mostOutput = 1 << 20

// Place is where a command runs. The zero value is a container of which nothing is known.
type Place struct {
	// Pod and Spec are nil when a command is asked in advance.
	Pod      *corev1.Pod
	Spec     *corev1.Container
	Hostname string
	// Env are NAME=value, as the container's spec gives them.
	Env []string
	// User is the identity of the container's first process; nil means root.
	User *corev1.LinuxContainerUser
	// Host are the files of its machine that the container sees.
	Host HostFiles
}

// Getenv returns the value of a variable, and nothing if there is none.
func (p *Place) Getenv(name string) string {
	for _, v := range p.Env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// World is all that a command sees and does in one call.
type World struct {
	Place
	// Args do not include the command's name.
	Args []string
	// Stdin is never nil. It is empty unless somebody sends something.
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	call *call
}

// Sleep passes time: what is written from now on is written so much later.
func (w *World) Sleep(d time.Duration) { w.call.outcome.Takes += d }

// Exec runs another command with the streams of this one and returns its exit code.
func (w *World) Exec(argv []string) int {
	if len(argv) == 0 {
		w.call.outcome.Known = false
		return 0
	}
	if c, known := w.call.commands.byName[path.Base(argv[0])]; known {
		called := *w
		called.Args = argv[1:]
		if code := c.Run(&called); code != Unanswered {
			return code
		}
	}
	return w.refuse(strings.Join(argv, " "))
}

// refuse says that the container has no such program.
func (w *World) refuse(text string) int {
	w.call.outcome.Known = false
	_, _ = io.WriteString(w.Stderr, w.call.commands.notFound(text))
	return exitNotFound
}

// Outcome is what a command line did.
type Outcome struct {
	Stdout, Stderr string
	// Early is the part of Stdout that was written before the first Sleep.
	Early string
	Code  int
	// Takes is how long it ran.
	Takes time.Duration
	// Known is false if any command was one that simulated containers do not have.
	Known bool
}

// call is what the commands of one command line share.
type call struct {
	commands       *Set
	stdout, stderr strings.Builder
	outcome        Outcome
}

// out is the standard output of a call.
type out struct{ *call }

func (o out) Write(b []byte) (int, error) {
	n, err := writeUpTo(&o.stdout, b)
	if o.outcome.Takes == 0 {
		o.outcome.Early = o.stdout.String()
	}
	return n, err
}

// errOut is the standard error output of a call.
type errOut struct{ *call }

func (o errOut) Write(b []byte) (int, error) { return writeUpTo(&o.stderr, b) }

func writeUpTo(to *strings.Builder, b []byte) (int, error) {
	if to.Len()+len(b) > mostOutput {
		return 0, io.ErrShortWrite
	}
	return to.Write(b)
}
