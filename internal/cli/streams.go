package cli

import (
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/term"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/internal/terminal"
)

// Streams is all that a command may use of its process.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// InTTY, OutTTY and ErrTTY: the stream is a terminal.
	InTTY, OutTTY, ErrTTY bool
	// TerminalWidth in columns; zero where there is no terminal.
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
func (s Streams) Getenv(name string) string {
	for i := len(s.Env) - 1; i >= 0; i-- {
		if value, ok := strings.CutPrefix(s.Env[i], name+"="); ok {
			return value
		}
	}
	return ""
}

// width honours COLUMNS before the terminal, because whoever sets it means it.
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

// language returns what the environment asks for: k8slab's own variable, then POSIX's order.
func (s Streams) language() content.Lang {
	for _, name := range []string{"K8SLAB_LANG", "LC_ALL", "LC_MESSAGES", "LANG"} {
		switch value := s.Getenv(name); {
		case value == "":
			continue
		case strings.HasPrefix(value, "ja"):
			return content.Japanese
		default:
			return content.English
		}
	}
	return content.English
}

// languageOf looks for --lang before flags are parsed, because the words of parsing depend on it. Whether its value
// is a language is for the parser to say.
func languageOf(s Streams, args []string) content.Lang {
	for i, arg := range args {
		value, ok := strings.CutPrefix(arg, "--lang=")
		if !ok && arg == "--lang" && i+1 < len(args) {
			value, ok = args[i+1], true
		}
		if ok && value == string(content.Japanese) {
			return content.Japanese
		}
		if ok {
			return content.English
		}
		if arg == "--" {
			break
		}
	}
	return s.language()
}
