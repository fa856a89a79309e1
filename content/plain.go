package content

import (
	"bytes"
	"fmt"
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

// plainText reports whether data is UTF-8 that a terminal shows as it is written, and adds a fault for all that is not.
func plainText(file string, data []byte, found *faults) bool {
	for i, line := range bytes.Split(data, []byte("\n")) {
		at := Position{File: file, Line: i + 1}
		if !utf8.Valid(line) {
			found.add(at, "", "the line is not valid UTF-8", "save the file as UTF-8")
			return false
		}
		if bytes.HasSuffix(line, []byte("\r")) {
			found.add(at, "", "the line ends with a carriage return", "save the file with Unix line ends")
			return false
		}
		if name, bad := firstControl(string(line)); bad {
			found.add(at, "", "the line holds the control character "+name, "remove it")
			return false
		}
	}
	return true
}

// plainMarkdown is plainText for Markdown, whose renderer resolves character references: &#27; is an escape sequence by
// the time that it reaches the terminal.
func plainMarkdown(file string, data []byte, found *faults) bool {
	if !plainText(file, data, found) {
		return false
	}
	for i, line := range bytes.Split(data, []byte("\n")) {
		if name, bad := firstControl(html.UnescapeString(string(line))); bad {
			found.add(Position{File: file, Line: i + 1}, "", "a character reference stands for the control character "+name, "remove it")
			return false
		}
	}
	return true
}

// plainName reports whether the name of a file can be shown as it is.
func plainName(name string) bool {
	_, bad := firstControl(name)
	return !bad && utf8.ValidString(name) && !strings.ContainsAny(name, "\n\t")
}

// firstControl names the first character of s that a terminal obeys rather than shows: all control characters but tab
// and newline, characters that reorder or hide text, and the byte order mark.
func firstControl(s string) (name string, bad bool) {
	for _, r := range s {
		if r == '\n' || r == '\t' {
			continue
		}
		if unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r) || r == '\ufeff' || r == '\u2028' || r == '\u2029' {
			return fmt.Sprintf("U+%04X", r), true
		}
	}
	return "", false
}
