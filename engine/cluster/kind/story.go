package kind

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	kindexec "sigs.k8s.io/kind/pkg/exec"
	kindlog "sigs.k8s.io/kind/pkg/log"

	"github.com/k8slab/k8slab/engine/cluster"
)

// story is kind's logger: it writes every message to a file, and turns the messages about what kind begins into phases.
type story struct {
	progress cluster.Progress

	mu    sync.Mutex
	out   io.Writer
	phase string
	begin time.Time
}

func newStory(out io.Writer, progress cluster.Progress) *story {
	return &story{out: out, progress: progress}
}

// phases are the beginnings of the messages with which kind starts something (pkg/cluster/internal/create). A message
// that is not here, such as one of a later kind, belongs to the phase before.
var phases = [...]struct{ said, phase string }{
	{"Preparing nodes", "containers"},
	{"Writing configuration", "control-plane"},
	{"Joining", "join"},
}

// quietLevel is the level at which kind logs kubeadm's configuration, with the token in it.
const quietLevel = 2

func (s *story) write(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, "%s %s\n", time.Now().Format(time.TimeOnly), strings.TrimRight(line, "\n"))
	said, starts := strings.CutPrefix(line, " • ")
	if !starts {
		return
	}
	for _, p := range phases {
		if strings.HasPrefix(said, p.said) && p.phase != s.phase {
			s.endPhase()
			s.phase, s.begin = p.phase, time.Now()
			if s.progress != nil {
				s.progress(cluster.Phase{Name: s.phase})
			}
		}
	}
}

// endPhase reports the phase under way as done. The caller holds the lock.
func (s *story) endPhase() {
	if s.phase != "" && s.progress != nil {
		s.progress(cluster.Phase{Name: s.phase, Done: true, Elapsed: time.Since(s.begin)})
	}
	s.phase = ""
}

// end reports the last phase as done.
func (s *story) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endPhase()
}

// keep writes down the output of the command that failed.
func (s *story) keep(err error) {
	s.write("failed: " + err.Error())
	if failed := kindexec.RunErrorForError(err); failed != nil {
		s.write(string(failed.Output))
	}
}

// Warn implements kind's Logger, as do the methods below.
func (s *story) Warn(message string) { s.write("warning: " + message) }

// Warnf formats.
func (s *story) Warnf(format string, args ...any) { s.Warn(fmt.Sprintf(format, args...)) }

// Error writes an error down.
func (s *story) Error(message string) { s.write("error: " + message) }

// Errorf formats.
func (s *story) Errorf(format string, args ...any) { s.Error(fmt.Sprintf(format, args...)) }

// V returns the logger of a level.
func (s *story) V(level kindlog.Level) kindlog.InfoLogger {
	if level == quietLevel {
		return kindlog.NoopInfoLogger{}
	}
	return teller{s}
}

// teller logs a level's messages in the story.
type teller struct{ *story }

// Info writes a line down.
func (t teller) Info(message string) { t.write(message) }

// Infof formats.
func (t teller) Infof(format string, args ...any) { t.write(fmt.Sprintf(format, args...)) }

// Enabled implements kind's InfoLogger: no message is left out.
func (t teller) Enabled() bool { return true }
