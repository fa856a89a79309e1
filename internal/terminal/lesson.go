package terminal

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/charmbracelet/glamour/ansi"
	xansi "github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Markdown renders a lesson's text. No line is wider than the screen, except lines of code: those stay as they are, so
// that they can be copied.
//
// glamour breaks lines at spaces, which Japanese does not have. So glamour is asked not to wrap at all, and the lines
// are laid out here: marks that are put into the document say what each line is.
func (s Screen) Markdown(markdown string) (string, error) {
	source := []byte(plainMarkdown(markdown))
	document := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	m := &marking{source: source, table: s.table}
	if err := m.document(document); err != nil {
		return "", err
	}
	rendered, err := s.render(m.source, document, 0)
	if err != nil {
		return "", err
	}
	l := layout{width: min(s.columns(), maxTextWidth), tables: m.tables}
	return l.lines(rendered), nil
}

// render turns a document into lines that are wrapped at width, or not at all if it is zero.
func (s Screen) render(source []byte, document ast.Node, width int) (string, error) {
	options := ansi.Options{
		WordWrap:         width,
		ColorProfile:     termenv.Ascii,
		ChromaFormatter:  "noop",
		Styles:           lessonStyle(s.Colour),
		InlineTableLinks: true,
	}
	if s.Colour {
		options.ColorProfile, options.ChromaFormatter = termenv.ANSI, "terminal16"
	}
	var out bytes.Buffer
	r := renderer.NewRenderer(renderer.WithNodeRenderers(util.Prioritized(ansi.NewRenderer(options), 1000)))
	if err := r.Render(&out, source, document); err != nil {
		return "", fmt.Errorf("rendering a lesson: %w", err)
	}
	if !s.Colour {
		// glamour keeps bold and underlined text without colour; a file should have no control sequences at all.
		return xansi.Strip(out.String()), nil
	}
	return onlyColour(out.String()), nil
}

// table renders a table by itself, because glamour can fit one only while it wraps.
func (s Screen) table(source []byte, table ast.Node) (string, error) {
	document := ast.NewDocument()
	document.AppendChild(document, table)
	rendered, err := s.render(source, document, min(s.columns(), maxTextWidth))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for line := range strings.Lines(rendered) {
		if line = strings.TrimRight(line, " \n"); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String(), nil
}
