package terminal

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	astext "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

// Marks are private-use characters, which Plain has removed from the content before. They say what a line is, and are
// removed when the text is laid out.
const (
	// markHang stands where the lines after the first begin.
	markHang = '\uE000' + iota
	// markCode and markCodeEnd enclose lines that are not wrapped.
	markCode
	markCodeEnd
	// markSoft is a line break of the source that is a space, or nothing between Japanese characters.
	markSoft
	// markHard is a line break that stays.
	markHard
	// markParagraph begins a further paragraph of a list item.
	markParagraph
	// markTable stands for the next table.
	markTable
	// markTop ends a list: what follows is not part of an item.
	markTop
	markEnd
)

func isMark(r rune) bool { return r >= markHang && r < markEnd }

// marking puts marks into a document.
type marking struct {
	// source grows by the marks that nodes of the document point to.
	source []byte
	table  func(source []byte, table ast.Node) (string, error)
	tables []string
}

func (m *marking) document(document ast.Node) error {
	var nodes []ast.Node
	err := ast.Walk(document, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			nodes = append(nodes, n)
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return err
	}
	for _, n := range nodes {
		switch n := n.(type) {
		case *ast.Text:
			m.lineBreak(n)
		case *ast.CodeSpan:
			m.codeSpan(n)
		case *ast.ListItem:
			m.listItem(n)
		case *ast.FencedCodeBlock, *ast.CodeBlock:
			m.codeBlock(n)
		}
	}
	// Tables come last: they are rendered here, and by now their content has been marked.
	for _, n := range nodes {
		if table, ok := n.(*astext.Table); ok {
			if err := m.replaceTable(table); err != nil {
				return err
			}
		}
	}
	return nil
}

// node returns a piece of text that is not in the source.
func (m *marking) node(s string) *ast.Text {
	begin := len(m.source)
	m.source = append(m.source, s...)
	return ast.NewTextSegment(text.NewSegment(begin, len(m.source)))
}

func (m *marking) lineBreak(n *ast.Text) {
	mark := ""
	switch {
	case n.HardLineBreak():
		mark = string(markHard)
	case n.SoftLineBreak():
		mark = string(markSoft)
	default:
		return
	}
	if n.Parent().Kind() == ast.KindCodeSpan {
		return
	}
	n.SetHardLineBreak(false)
	n.SetSoftLineBreak(false)
	n.Parent().InsertAfter(n.Parent(), n, m.node(mark))
}

// codeSpan guards code against glamour, which would replace an entity in the code by its character.
func (m *marking) codeSpan(n *ast.CodeSpan) {
	var code []byte
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			code = append(code, t.Segment.Value(m.source)...)
		}
	}
	code = bytes.ReplaceAll(code, []byte("\n"), []byte(" "))
	code = bytes.ReplaceAll(code, []byte("&"), []byte("&amp;"))
	n.RemoveChildren(n)
	n.AppendChild(n, m.node(string(code)))
}

func (m *marking) listItem(n *ast.ListItem) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if c.Kind() != ast.KindTextBlock && c.Kind() != ast.KindParagraph {
			continue
		}
		mark := string(markParagraph)
		if c == n.FirstChild() {
			mark = string(markHang)
		}
		if first := c.FirstChild(); first != nil && first.Kind() == astext.KindTaskCheckBox {
			c.InsertAfter(c, first, m.node(mark))
		} else {
			c.InsertBefore(c, first, m.node(mark))
		}
	}
}

// codeBlock marks the end of a list before a block of code that does not belong to a list item.
func (m *marking) codeBlock(n ast.Node) {
	for p := n.Parent(); p != nil; p = p.Parent() {
		if p.Kind() == ast.KindListItem {
			return
		}
	}
	top := ast.NewParagraph()
	top.AppendChild(top, m.node(string(markTop)))
	n.Parent().InsertBefore(n.Parent(), n, top)
}

func (m *marking) replaceTable(table *astext.Table) error {
	place := ast.NewParagraph()
	place.AppendChild(place, m.node(string(markTable)))
	table.Parent().ReplaceChild(table.Parent(), table, place)
	rendered, err := m.table(m.source, table)
	if err != nil {
		return err
	}
	m.tables = append(m.tables, rendered)
	return nil
}
