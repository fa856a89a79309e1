package command

import (
	"context"
	"io"
	"strings"
	"unicode/utf8"
)

// Write writes text to a stream that may be nil. A terminal in raw mode needs carriage returns.
func Write(to io.Writer, text string, tty bool) {
	if to == nil || text == "" {
		return
	}
	if tty {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	_, _ = io.WriteString(to, text)
}

// Prompt is an interactive shell in a container: it reads commands until the input ends, exit is typed or ctx ends, and
// returns the exit code. With a terminal it echoes what is typed, as a terminal in raw mode expects.
func (s *Set) Prompt(ctx context.Context, in io.Reader, out io.Writer, container Place, tty bool) int {
	if tty {
		Write(out, "k8slab: this container is simulated; this is not a real shell. Type exit to leave.\n"+
			"k8slab: このコンテナーは模擬実行で、本物のシェルではありません。exit で終わります。\n# ", true)
	}
	typed := make(chan byte)
	stopped, stop := context.WithCancel(ctx)
	defer stop()
	go readBytes(stopped, in, typed)
	var line []byte
	code := 0
	for {
		var b byte
		var ok bool
		select {
		case b, ok = <-typed:
		case <-ctx.Done():
			return exitKilled
		}
		if !ok || (b == 4 && len(line) == 0) {
			Write(out, "\n", tty)
			return code
		}
		switch {
		case b == '\r' || b == '\n':
			if tty {
				Write(out, "\n", true)
			}
			result, left := s.promptLine(string(line), container)
			Write(out, result.Stdout, tty)
			Write(out, result.Stderr, tty)
			code = result.Code
			if left {
				return code
			}
			line = nil
			if tty {
				Write(out, "# ", true)
			}
		case b == 3:
			line, code = nil, exitInterrupted
			Write(out, "^C\n# ", tty)
		case b == 127 || b == 8:
			line = eraseRune(line, out, tty)
		case b < ' ' && b != '\t':
		default:
			line = append(line, b)
			if tty {
				_, _ = out.Write([]byte{b})
			}
		}
	}
}

// promptLine answers one line, and reports whether it leaves the shell.
func (s *Set) promptLine(line string, in Place) (result Outcome, leaves bool) {
	argv := splitWords(line, in.Getenv)
	return s.runScript(line, in), len(argv) > 0 && argv[0] == exitName
}

func eraseRune(line []byte, out io.Writer, tty bool) []byte {
	if len(line) == 0 {
		return line
	}
	_, size := utf8.DecodeLastRune(line)
	if tty {
		_, _ = io.WriteString(out, "\b \b")
	}
	return line[:len(line)-size]
}

// readBytes hands on what is read until the input or ctx ends. It may outlive the prompt until the stream is closed,
// which follows at once.
func readBytes(ctx context.Context, in io.Reader, to chan<- byte) {
	defer close(to)
	buffer := make([]byte, 256)
	for {
		n, err := in.Read(buffer)
		for _, b := range buffer[:n] {
			select {
			case to <- b:
			case <-ctx.Done():
				return
			}
		}
		if err != nil {
			return
		}
	}
}
