package terminal

import (
	"html"
	"regexp"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// Plain returns text without anything that a terminal would act on: escape sequences, control characters other than
// newline and tab, and the characters that reorder what is seen (see https://trojansource.codes). Tabs become spaces,
// because their width depends on where they stand. The characters with which this package marks lines are removed, too.
func Plain(text string) string {
	text = ansi.Strip(strings.ReplaceAll(text, "\r\n", "\n"))
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), isMark(r):
			return -1
		}
		return r
	}, text)
}

// entity is a character by number, as HTML and therefore Markdown has it. HTML lets the semicolon be left out.
var entity = regexp.MustCompile(`&#(?:[0-9]+|[xX][0-9a-fA-F]+);?`)

// plainMarkdown is Plain for Markdown, where a control character can also be written as an entity.
func plainMarkdown(markdown string) string {
	return entity.ReplaceAllStringFunc(Plain(tabsToSpaces(markdown)), func(e string) string {
		if s := html.UnescapeString(e); Plain(s) != s {
			return ""
		}
		return e
	})
}

// tabsToSpaces keeps the meaning of a tab at the beginning of a line of Markdown.
func tabsToSpaces(markdown string) string { return strings.ReplaceAll(markdown, "\t", "    ") }

// onlyColour removes every control sequence but those that set colour and weight.
func onlyColour(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		if seq := leadingSGR(text); seq != "" {
			b.WriteString(seq)
			text = text[len(seq):]
			continue
		}
		next := strings.IndexByte(text[1:], '\x1b') + 1
		if next == 0 {
			next = len(text)
		}
		b.WriteString(strings.Map(func(r rune) rune {
			if r != '\n' && unicode.IsControl(r) {
				return -1
			}
			return r
		}, text[:next]))
		text = text[next:]
	}
	return colourOfNothing.ReplaceAllString(b.String(), "")
}

// colourOfNothing is a colour that is set and reset at once; highlighting leaves many of them.
var colourOfNothing = regexp.MustCompile(`\x1b\[[1-9][0-9;]*m\x1b\[0m`)

// leadingSGR returns the "select graphic rendition" sequence that text begins with, or "".
func leadingSGR(text string) string {
	if !strings.HasPrefix(text, "\x1b[") {
		return ""
	}
	for i := 2; i < len(text); i++ {
		switch c := text[i]; {
		case c == 'm':
			return text[:i+1]
		case c != ';' && (c < '0' || c > '9'):
			return ""
		}
	}
	return ""
}
