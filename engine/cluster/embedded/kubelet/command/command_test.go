package command

import (
	"bufio"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCommandsAreAnsweredWithoutRunningThem(t *testing.T) {
	commands := NewSet(All()...)
	where := Place{Hostname: "web-1", Env: []string{"HOSTNAME=web-1", "COLOUR=blue"}}
	tests := []struct {
		name   string
		argv   []string
		stdout string
		code   int
		takes  time.Duration
		known  bool
	}{
		{"hostname", []string{"hostname"}, "web-1\n", 0, 0, true},
		{"the file that holds the hostname", []string{"cat", "/etc/hostname"}, "web-1\n", 0, 0, true},
		{"a path to a program", []string{"/bin/echo", "a", "b"}, "a b\n", 0, 0, true},
		{"variables in double quotes", []string{"sh", "-c", `echo "$COLOUR  sky"`}, "blue  sky\n", 0, 0, true},
		{"no variables in single quotes", []string{"sh", "-c", `echo '$COLOUR'`}, "$COLOUR\n", 0, 0, true},
		{"commands one after the other", []string{"sh", "-c", "echo a; sleep 1.5 && echo b"}, "a\nb\n", 0, 1500 * time.Millisecond, true},
		{"what follows a failure with && is left out", []string{"sh", "-c", "false && echo no"}, "", 1, 0, true},
		{"exit with a code", []string{"bash", "-c", "exit 3; echo no"}, "", 3, 0, true},
		{"a program that is not there", []string{"cat", "/etc/shadow"}, "", 127, 0, false},
		{"a pipe, which would be answered wrongly", []string{"sh", "-c", "echo a | wc"}, "", 127, 0, false},
		{"a loop", []string{"sh", "-c", "while true; do echo a; sleep 1; done"}, "", 127, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := commands.Run(tt.argv, where, nil)
			if got.Known != tt.known || (got.Known && (got.Stdout != tt.stdout || got.Code != tt.code || got.Takes != tt.takes)) {
				t.Errorf("%q answered %+v", tt.argv, got)
			}
			if !tt.known && (got.Code == 0 && len(tt.argv) < 3 || !strings.Contains(got.Stderr, "simulated")) {
				t.Errorf("%q: the answer does not say that the container is simulated: %+v", tt.argv, got)
			}
		})
	}
}

func TestThePromptEchoesAndEditsAsATerminalExpects(t *testing.T) {
	var out strings.Builder
	code := NewSet(All()...).Prompt(t.Context(), strings.NewReader("hostnamX\x7fe\rfalse\rexit 3\r"), &out, Place{Hostname: "web-1"}, true)
	if code != 3 {
		t.Errorf("exit code %d, want that of exit", code)
	}
	for _, want := range []string{"simulated", "\r\n# ", "hostnamX\b \be\r\nweb-1\r\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the terminal shows %q without %q", out.String(), want)
		}
	}
}

func TestAnUnknownCommandSaysSoAndWhatIsKnown(t *testing.T) {
	got := NewSet(All()...).Run([]string{"curl", "localhost"}, Place{}, nil)
	want := "k8slab: curl localhost: not found. This container is simulated and has no programs. It answers hostname, env, id, " +
		"date, pwd, ls /, cat /etc/hostname, echo, sleep, true and false; kubectl logs shows what it wrote.\n" +
		"k8slab: このコンテナーは模擬実行のため、プログラムは入っていません。上のコマンドにだけ答えます。出力は kubectl logs で見られます。\n"
	if got.Code != 127 || got.Known || got.Stderr != want {
		t.Errorf("answered %+v, want exit code 127 and\n%s", got, want)
	}
}

// reverse is a command that nobody else knows: a type of its own, and one more element of the list.
type reverse struct{}

func (reverse) Name() string  { return "rev" }
func (reverse) Usage() string { return "rev" }

func (reverse) Run(w *World) int {
	for lines := bufio.NewScanner(w.Stdin); lines.Scan(); {
		line := []rune(lines.Text())
		slices.Reverse(line)
		_, _ = fmt.Fprintln(w.Stdout, string(line)+w.Getenv("END"))
		w.Sleep(time.Second)
	}
	return len(w.Args)
}

func TestACommandIsAddedByBeingListed(t *testing.T) {
	commands := NewSet(append(All(), reverse{})...)
	where := Place{Env: []string{"END=."}}
	got := commands.Run([]string{"sh", "-c", "rev a b && echo no"}, where, strings.NewReader("abc\nxyz\n"))
	want := Outcome{Stdout: "cba.\nzyx.\n", Early: "cba.\n", Code: 2, Takes: 2 * time.Second, Known: true}
	if got != want {
		t.Errorf("answered %+v, want %+v", got, want)
	}
	if got := commands.Run([]string{"x"}, where, nil); !strings.Contains(got.Stderr, "sleep, true, false and rev;") {
		t.Errorf("what is known is told as %q", got.Stderr)
	}
}

func TestEveryCommandHasANameOfItsOwn(t *testing.T) {
	names := map[string]bool{}
	for _, c := range All() {
		if names[c.Name()] {
			t.Errorf("two commands are named %s", c.Name())
		}
		names[c.Name()] = true
	}
}

// endless writes for as long as it may.
type endless struct{}

func (endless) Name() string { return "yes" }

func (endless) Run(w *World) int {
	for {
		if _, err := fmt.Fprintln(w.Stdout, "y"); err != nil {
			return 1
		}
	}
}

func TestWhatACommandWritesIsBounded(t *testing.T) {
	if got := NewSet(endless{}).Run([]string{"yes"}, Place{}, nil); len(got.Stdout) > mostOutput || got.Code != 1 {
		t.Errorf("wrote %d bytes and ended with %d", len(got.Stdout), got.Code)
	}
}
