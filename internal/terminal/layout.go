package terminal

import (
	"strings"
	"unicode/utf8"
)

// codeIndent sets code apart from text.
const codeIndent = "    "

// layout wraps rendered lines by their marks.
type layout struct {
	width  int
	tables []string

	out   strings.Builder
	blank bool
	// prefix and hang of the list item that lines belong to.
	prefix, hang string
	code         bool
}

func (l *layout) lines(rendered string) string {
	for line := range strings.SplitSeq(rendered, "\n") {
		l.line(line)
	}
	return strings.TrimRight(l.out.String(), "\n") + "\n"
}

func (l *layout) line(line string) {
	plain, _ := separate(line)
	switch {
	case strings.ContainsRune(plain, markCode):
		if before, _, _ := strings.Cut(line, string(markCode)); hasText(before) {
			l.text(before)
		}
		l.code = true
		l.blank = true
	case strings.ContainsRune(plain, markCodeEnd):
		l.code = false
		l.blank = true
	case l.code:
		l.codeLine(line, plain)
	case strings.ContainsRune(plain, markTop):
		l.hang, l.blank = "", true
	case strings.ContainsRune(plain, markTable):
		if len(l.tables) > 0 {
			l.write(l.tables[0])
			l.tables = l.tables[1:]
		}
	case !hasText(line):
		l.blank = true
	default:
		l.text(line)
	}
}

// codeLine writes a line of code. glamour ends a block with a newline of its own, which leaves an empty last line.
func (l *layout) codeLine(line, plain string) {
	if strings.TrimSpace(plain) == "" {
		l.blank = true
		return
	}
	l.write(l.hang + codeIndent + strings.TrimRight(line, " ") + "\n")
}

// text writes a paragraph, a heading or a list item.
func (l *layout) text(line string) {
	for i, paragraph := range strings.Split(line, string(markParagraph)) {
		if i > 0 {
			l.blank = true
			paragraph = strings.TrimLeft(paragraph, " ")
		} else if !hasText(paragraph) {
			continue
		}
		for j, part := range strings.Split(joinSoft(paragraph), string(markHard)) {
			first, rest := l.indents(&part, i > 0 || j > 0)
			l.write(wrapStyled(part, l.width, first, rest))
		}
	}
}

// indents cuts the prefix of every line off this one, and returns the prefixes of its first and of its other lines.
// continued says that the line goes on with the item before it.
func (l *layout) indents(line *string, continued bool) (first, rest string) {
	if continued {
		return l.hang, l.hang
	}
	plain, _ := separate(*line)
	body := strings.TrimLeft(plain, " │")
	l.prefix = plain[:len(plain)-len(body)]
	l.hang = l.prefix
	if bullet, _, ok := strings.Cut(body, string(markHang)); ok {
		l.hang += strings.Repeat(" ", Width(bullet))
		l.prefix += bullet
		*line = strings.Replace(dropPlain(*line, len(l.prefix)), string(markHang), "", 1)
		return l.prefix, l.hang
	}
	*line = dropPlain(*line, len(l.prefix))
	if strings.TrimSpace(l.prefix) == "" {
		l.hang = l.prefix
	}
	return l.prefix, l.hang
}

func (l *layout) write(text string) {
	if l.blank && l.out.Len() > 0 {
		l.out.WriteString("\n")
	}
	l.blank = false
	l.out.WriteString(text)
}

// hasText reports whether a line shows anything but the bar of a quotation.
func hasText(line string) bool {
	plain, _ := separate(line)
	return strings.Trim(plain, " │") != ""
}

// dropPlain removes the first n bytes that are not colour.
func dropPlain(text string, n int) string {
	var b strings.Builder
	for n > 0 && text != "" {
		if sgr := leadingSGR(text); sgr != "" {
			b.WriteString(sgr)
			text = text[len(sgr):]
			continue
		}
		text = text[1:]
		n--
	}
	return b.String() + text
}

// joinSoft joins the lines of a paragraph: with a space or, between two Japanese characters, with nothing.
func joinSoft(text string) string {
	before, after, ok := strings.Cut(text, string(markSoft))
	if !ok {
		return text
	}
	left, _ := separate(before)
	right, _ := separate(after)
	last, _ := utf8.DecodeLastRuneInString(left)
	next, _ := utf8.DecodeRuneInString(right)
	space := " "
	if isWide(last) && isWide(next) || strings.ContainsRune("、。」）", last) || strings.ContainsRune("、。」）", next) {
		space = ""
	}
	return before + space + joinSoft(after)
}
