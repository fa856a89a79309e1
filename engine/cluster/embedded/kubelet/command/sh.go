package command

import (
	"path"
	"strings"
)

// shell answers a script of simple commands. Interactive shells are Set.Prompt's.
type shell struct{ name string }

func (s shell) Name() string { return s.name }

func (shell) Run(w *World) int {
	if len(w.Args) < 2 || w.Args[0] != "-c" {
		return Unanswered
	}
	return w.script(w.Args[1])
}

// script answers simple commands that are joined by semicolons, newlines or &&.
func (w *World) script(text string) int {
	if usesOperators(text) {
		return w.refuse(text)
	}
	code := 0
	for _, part := range splitScript(text) {
		if part.onSuccess && code != 0 {
			continue
		}
		argv := splitWords(part.command, w.Getenv)
		if len(argv) == 0 {
			continue
		}
		code = w.Exec(argv)
		if argv[0] == exitName {
			break
		}
	}
	return code
}

// IsInteractive reports whether the command line is a shell that reads commands from its input.
func (s *Set) IsInteractive(argv []string) bool {
	if len(argv) == 0 {
		return false
	}
	if _, is := s.byName[path.Base(argv[0])].(shell); !is {
		return false
	}
	for _, arg := range argv[1:] {
		if arg == "-c" || !strings.HasPrefix(arg, "-") {
			return false
		}
	}
	return true
}
