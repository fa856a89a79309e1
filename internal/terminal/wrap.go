package terminal

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/rivo/uniseg"
)

// Width of text in columns, not counting control sequences.
func Width(text string) int { return ansi.StringWidth(text) }

// wrapPlain wraps one line of plain text. The first line begins with first, the others with rest; each ends with a
// newline.
func wrapPlain(text string, width int, first, rest string) string {
	var b strings.Builder
	prefix := first
	for _, line := range lines(text, width-Width(first), width-Width(rest)) {
		b.WriteString(strings.TrimRight(prefix+line, " ") + "\n")
		prefix = rest
	}
	return b.String()
}

// wrapStyled wraps one line that may hold colour. Colour never covers a prefix or goes beyond the end of a line.
func wrapStyled(text string, width int, first, rest string) string {
	plain, colours := separate(text)
	var b strings.Builder
	active, prefix, at := "", first, 0
	for _, line := range lines(plain, width-Width(first), width-Width(rest)) {
		begin := at + strings.Index(plain[at:], line)
		for len(colours) > 0 && colours[0].at <= begin {
			active, colours = follow(active, colours[0].sgr), colours[1:]
		}
		b.WriteString(prefix + active)
		for i := begin; i < begin+len(line); {
			end := begin + len(line)
			if len(colours) > 0 && colours[0].at < end {
				end = colours[0].at
			}
			b.WriteString(plain[i:end])
			i = end
			for len(colours) > 0 && colours[0].at == i && i < begin+len(line) {
				b.WriteString(colours[0].sgr)
				active, colours = follow(active, colours[0].sgr), colours[1:]
			}
		}
		if active != "" {
			b.WriteString(reset)
		}
		b.WriteString("\n")
		at, prefix = begin+len(line), rest
	}
	return b.String()
}

// colour is a sequence before the byte at of a plain text.
type colour struct {
	at  int
	sgr string
}

func separate(text string) (plain string, colours []colour) {
	var b strings.Builder
	for len(text) > 0 {
		if sgr := leadingSGR(text); sgr != "" {
			colours = append(colours, colour{b.Len(), sgr})
			text = text[len(sgr):]
			continue
		}
		b.WriteByte(text[0])
		text = text[1:]
	}
	return b.String(), colours
}

// follow returns the sequences in force after sgr.
func follow(active, sgr string) string {
	if sgr == reset || sgr == "\x1b[m" {
		return ""
	}
	return active + sgr
}

// lines breaks text into lines of at most firstWidth, then width columns, without the spaces at which it broke.
// There is always at least one line.
func lines(text string, firstWidth, width int) []string {
	var out []string
	line, limit := "", max(2, firstWidth)
	flush := func() {
		out = append(out, strings.TrimRight(line, " "))
		line, limit = "", max(2, width)
	}
	for _, w := range words(text) {
		if Width(line+strings.TrimRight(w, " ")) <= limit {
			line += w
			continue
		}
		if line != "" {
			flush()
		}
		for _, piece := range pieces(w, limit) {
			if line != "" && Width(line+strings.TrimRight(piece, " ")) > limit {
				flush()
			}
			line += piece
		}
	}
	if line != "" || len(out) == 0 {
		flush()
	}
	return out
}

// words splits text where a line may end: after a space, and beside a wide character where Unicode allows it. Other
// places that Unicode allows, such as after a hyphen, would tear commands apart.
func words(text string) []string {
	var out []string
	word, state := "", -1
	for len(text) > 0 {
		var segment string
		segment, text, _, state = uniseg.FirstLineSegmentInString(text, state)
		word += segment
		last, _ := utf8.DecodeLastRuneInString(segment)
		next, _ := utf8.DecodeRuneInString(text)
		if text == "" || last == ' ' || isWide(last) || isWide(next) {
			out = append(out, word)
			word = ""
		}
	}
	return out
}

// pieces splits a word that is wider than a line: where Unicode allows a break, and else between characters.
func pieces(word string, width int) []string {
	if Width(strings.TrimRight(word, " ")) <= width {
		return []string{word}
	}
	var out []string
	state := -1
	for len(word) > 0 {
		var segment string
		segment, word, _, state = uniseg.FirstLineSegmentInString(word, state)
		if Width(strings.TrimRight(segment, " ")) <= width {
			out = append(out, segment)
			continue
		}
		for g := uniseg.NewGraphemes(segment); g.Next(); {
			out = append(out, g.Str())
		}
	}
	return out
}

// isWide reports whether a terminal gives the character two columns.
func isWide(r rune) bool { return r > 0x10FF && ansi.StringWidth(string(r)) == 2 }
