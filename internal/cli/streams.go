package cli

import (
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/term"

	"github.com/k8slab/k8slab/internal/shell"
	"github.com/k8slab/k8slab/internal/terminal"
	"github.com/k8slab/k8slab/text"
)

// Streams are the parts of its process that a command may use.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// InTTY, OutTTY and ErrTTY: the stream is a terminal.
	InTTY, OutTTY, ErrTTY bool
	// TerminalWidth in columns; zero if there is no terminal.
	TerminalWidth int
	// Env holds the environment as os.Environ returns it.
	Env []string
}

// OSStreams returns the streams of this process.
func OSStreams() Streams {
	s := Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		InTTY:  term.IsTerminal(os.Stdin.Fd()),
		OutTTY: term.IsTerminal(os.Stdout.Fd()),
		ErrTTY: term.IsTerminal(os.Stderr.Fd()),
		Env:    os.Environ(),
	}
	for _, f := range []*os.File{os.Stdout, os.Stderr} {
		if width, _, err := term.GetSize(f.Fd()); err == nil && width > 0 {
			s.TerminalWidth = width
			break
		}
	}
	return s
}

// Getenv returns the value of a variable, or "".
func (s Streams) Getenv(name string) string { return shell.Getenv(s.Env, name) }

// width prefers COLUMNS to the terminal's width, because a person who sets COLUMNS means it.
func (s Streams) width() int {
	if n, err := strconv.Atoi(s.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if s.TerminalWidth > 0 {
		return s.TerminalWidth
	}
	return terminal.DefaultWidth
}

// colour follows https://no-color.org.
func (s Streams) colour(tty bool) bool {
	return tty && s.Getenv("NO_COLOR") == "" && s.Getenv("TERM") != "dumb"
}

// language returns the language that the environment asks for: k8slab's own variable counts first, then POSIX's in
// their order.
func (s Streams) language() text.Lang {
	for _, name := range []string{"K8SLAB_LANG", "LC_ALL", "LC_MESSAGES", "LANG"} {
		switch value := s.Getenv(name); {
		case value == "":
			continue
		case strings.HasPrefix(value, "ja"):
			return text.Japanese
		default:
			return text.English
		}
	}
	return text.English
}

// languageOf looks for --lang before flags are parsed, because the messages of the parser depend on it. The parser says
// whether the value is a language.
func languageOf(s Streams, args []string) text.Lang {
	for i, arg := range args {
		value, ok := strings.CutPrefix(arg, "--lang=")
		if !ok && arg == "--lang" && i+1 < len(args) {
			value, ok = args[i+1], true
		}
		if ok && value == string(text.Japanese) {
			return text.Japanese
		}
		if ok {
			return text.English
		}
		if arg == "--" {
			break
		}
	}
	return s.language()
}
