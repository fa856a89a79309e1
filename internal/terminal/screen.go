package terminal

import (
	"strings"

	"github.com/k8slab/k8slab/text"
)

// DefaultWidth in columns, where nothing says how wide the terminal is.
const DefaultWidth = 80

// minWidth below which wrapping would do more harm than lines that are too long.
const minWidth = 20

// maxTextWidth keeps lines of prose readable on a wide terminal.
const maxTextWidth = 100

// Screen says for what kind of terminal something is rendered. The zero value is English, [DefaultWidth] and plain.
type Screen struct {
	// Width in columns; zero means DefaultWidth.
	Width int
	// Colour: control sequences for colour and weight may be used.
	Colour bool
	Lang   text.Lang
}

// columns returns the width to use.
func (s Screen) columns() int {
	if s.Width <= 0 {
		return DefaultWidth
	}
	return max(minWidth, s.Width)
}

// say picks the screen's language.
func (s Screen) say(en, ja string) string { return text.Text{EN: en, JA: ja}.In(s.Lang) }

// Paragraph wraps text to the screen. Lines after the first begin with hang spaces.
func (s Screen) Paragraph(text string, hang int) string {
	var b strings.Builder
	for _, line := range strings.Split(Plain(text), "\n") {
		b.WriteString(wrapPlain(line, s.columns(), "", strings.Repeat(" ", hang)))
	}
	return b.String()
}

const (
	reset = "\x1b[0m"
	bold  = "1"
	faint = "2"
	red   = "31"
	green = "32"
	amber = "33"
	cyan  = "36"
)

// paint gives text a colour of the terminal's own palette, which its user has made readable on its background.
func (s Screen) paint(sgr, text string) string {
	if !s.Colour || text == "" {
		return text
	}
	return "\x1b[" + sgr + "m" + text + reset
}
