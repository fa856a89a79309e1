package command

import (
	"fmt"
	"io"
	"strings"
)

// Set holds the commands that containers have.
type Set struct {
	byName map[string]Command
	// usages are those of Listed commands.
	usages []string
}

// NewSet returns a set of commands. Of two commands with one name the later one counts.
func NewSet(commands ...Command) *Set {
	s := &Set{byName: map[string]Command{}}
	for _, c := range commands {
		s.byName[c.Name()] = c
		if listed, is := c.(Listed); is {
			s.usages = append(s.usages, listed.Usage())
		}
	}
	return s
}

// Run answers a command line in a container. stdin may be nil. It is a pure function, but for date and stdin. An empty
// command line is not known.
func (s *Set) Run(argv []string, in Place, stdin io.Reader) Outcome {
	return s.run(in, stdin, func(w *World) int { return w.Exec(argv) })
}

// runScript answers a script of a shell.
func (s *Set) runScript(script string, in Place) Outcome {
	return s.run(in, nil, func(w *World) int { return w.script(script) })
}

func (s *Set) run(in Place, stdin io.Reader, do func(*World) int) Outcome {
	if stdin == nil {
		stdin = strings.NewReader("")
	}
	c := &call{commands: s, outcome: Outcome{Known: true}}
	code := do(&World{Place: in, Stdin: stdin, Stdout: out{c}, Stderr: errOut{c}, call: c})
	c.outcome.Code, c.outcome.Stdout, c.outcome.Stderr = code, c.stdout.String(), c.stderr.String()
	return c.outcome
}

// notFound says what a simulated container can do instead of the command.
func (s *Set) notFound(command string) string {
	return fmt.Sprintf("k8slab: %s: not found. This container is simulated and has no programs. It answers %s; "+
		"kubectl logs shows what it wrote.\n"+
		"k8slab: このコンテナーは模擬実行のため、プログラムは入っていません。上のコマンドにだけ答えます。出力は kubectl logs で見られます。\n",
		command, enumerate(s.usages))
}

// enumerate joins words as an English sentence does.
func enumerate(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
