package terminal

import "github.com/charmbracelet/glamour/ansi"

// lessonStyle is calm: weight for what structures a lesson, one colour for what can be typed. Colours come from
// the terminal's own palette, which its user chose to be readable on dark or on light.
// Without colour, code and headings keep the marks of Markdown.
func lessonStyle(colour bool) ansi.StyleConfig {
	code, h1, h2 := ansi.StylePrimitive{Color: new("6")}, ansi.StylePrimitive{Underline: new(true)}, ansi.StylePrimitive{}
	if !colour {
		code.Prefix, code.Suffix = "`", "`"
		h1.Prefix, h2.Prefix = "# ", "## "
	}
	return ansi.StyleConfig{
		BlockQuote: ansi.StyleBlock{Indent: new(uint(1)), IndentToken: new("│ ")},
		List:       ansi.StyleList{LevelIndent: 2},
		Heading:    ansi.StyleBlock{StylePrimitive: ansi.StylePrimitive{Bold: new(true), BlockSuffix: "\n"}},
		H1:         ansi.StyleBlock{StylePrimitive: h1},
		H2:         ansi.StyleBlock{StylePrimitive: h2},

		Emph:           ansi.StylePrimitive{Italic: new(true)},
		Strong:         ansi.StylePrimitive{Bold: new(true)},
		Strikethrough:  ansi.StylePrimitive{CrossedOut: new(true)},
		HorizontalRule: ansi.StylePrimitive{Format: "\n--------\n"},

		Item:        ansi.StylePrimitive{BlockPrefix: "• "},
		Enumeration: ansi.StylePrimitive{BlockPrefix: ". "},
		Task:        ansi.StyleTask{Ticked: "[x] ", Unticked: "[ ] "},

		Link:     ansi.StylePrimitive{Underline: new(true)},
		LinkText: ansi.StylePrimitive{Bold: new(true)},

		Code: ansi.StyleBlock{StylePrimitive: code},
		CodeBlock: ansi.StyleCodeBlock{
			StyleBlock: ansi.StyleBlock{StylePrimitive: ansi.StylePrimitive{
				BlockPrefix: string(markCode) + "\n", BlockSuffix: "\n" + string(markCodeEnd) + "\n"}},
			// Text without colour has this theme, too: with it, glamour leaves code as it is.
			Theme: "bw",
			Chroma: &ansi.Chroma{
				Text:    ansi.StylePrimitive{Color: new("#ansiteal")},
				Comment: ansi.StylePrimitive{Color: new("#ansidarkgray")},
			},
		},
	}
}
