package command

import (
	"os"
	"strings"
)

// usesOperators reports whether the script has pipes, redirections, substitutions or groups outside quotes, which
// would be answered wrongly.
func usesOperators(script string) bool {
	quote := rune(0)
	for _, r := range script {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case quote != '\'' && r == '`':
			return true
		case quote == 0 && strings.ContainsRune("|<>(){}", r):
			return true
		}
	}
	return false
}

type scriptPart struct {
	command   string
	onSuccess bool
}

// splitScript cuts a script at the separators that no quotes surround.
func splitScript(script string) []scriptPart {
	var parts []scriptPart
	current := scriptPart{}
	quote := rune(0)
	var text strings.Builder
	cut := func(onSuccess bool) {
		current.command = text.String()
		parts = append(parts, current)
		current = scriptPart{onSuccess: onSuccess}
		text.Reset()
	}
	for i, r := range script {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
			text.WriteRune(r)
		case r == '\'' || r == '"':
			quote = r
			text.WriteRune(r)
		case r == ';' || r == '\n':
			cut(false)
		case r == '&' && strings.HasPrefix(script[i:], "&&"):
			cut(true)
		case r == '&' && i > 0 && script[i-1] == '&':
		default:
			text.WriteRune(r)
		}
	}
	cut(false)
	return parts
}

// splitWords splits a simple command as a shell does: at blanks, with quotes, and with variables outside single quotes.
func splitWords(command string, getenv func(name string) string) []string {
	var list []string
	var word strings.Builder
	inWord := false
	quote := rune(0)
	chunk := ""
	flush := func() {
		if quote != '\'' {
			chunk = os.Expand(chunk, getenv)
		}
		word.WriteString(chunk)
		chunk = ""
	}
	for _, r := range command {
		switch {
		case r == quote:
			flush()
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			flush()
			quote = r
			inWord = true
		case quote == 0 && (r == ' ' || r == '\t'):
			flush()
			if inWord {
				list = append(list, word.String())
			}
			word.Reset()
			inWord = false
		default:
			chunk += string(r)
			inWord = true
		}
	}
	flush()
	if inWord {
		list = append(list, word.String())
	}
	return list
}
