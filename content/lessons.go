package content

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

const (
	sectionIntro   = "intro"
	sectionTask    = "task"
	sectionDebrief = "debrief"
	hintPrefix     = "hint-"
	notePrefix     = "note-"
)

// noteProviders are the kinds of cluster that a lesson may have a note for.
var noteProviders = [...]string{"embedded", "kind", "aks"}

// section is a part of a lesson, with what has to be the same in every language.
type section struct {
	// anchor is "intro" for what comes before the first anchored heading.
	anchor string
	at     Position
	// heading is the section's own, without its anchor; body is the Markdown after it.
	heading, body string
	headings      []subheading
	blocks        []codeBlock
}

type subheading struct {
	at    Position
	level int
}

type codeBlock struct {
	at       Position
	language string
	// lines without comments and blank ones: those may differ between languages.
	lines []string
}

// lesson is a parsed lesson file.
type lesson struct {
	file     string
	title    string
	sections []section
}

func (l lesson) section(anchor string) (section, bool) {
	i := slices.IndexFunc(l.sections, func(s section) bool { return s.anchor == anchor })
	if i < 0 {
		return section{}, false
	}
	return l.sections[i], true
}

// frontMatter is the head of a lesson file.
type frontMatter struct {
	Title string `yaml:"title"`
}

// parseLesson reads a lesson of a step that has that many hints. It returns false if the lesson is too broken to go on.
func parseLesson(file string, data []byte, hints int, found *faults) (lesson, bool) {
	if !plainMarkdown(file, data, found) {
		return lesson{}, false
	}
	head, body, bodyLine, ok := cutFrontMatter(file, data, found)
	if !ok {
		return lesson{}, false
	}
	l := lesson{file: file}
	if doc, ok := parseDocument(file, head, 2, found); ok {
		var front frontMatter
		if flawless, _ := decodeDocument(doc, &front, found); flawless {
			l.title = front.Title
			oneLine(doc.at("title"), "title", front.Title, found)
		}
	}
	l.sections = splitSections(file, body, bodyLine, found)
	checkSections(l, hints, found)
	return l, true
}

// cutFrontMatter divides a lesson into the YAML between its first two lines of --- and the Markdown after it.
func cutFrontMatter(file string, data []byte, found *faults) (head, body []byte, bodyLine int, ok bool) {
	const fence = "---\n"
	rest, opened := bytes.CutPrefix(data, []byte(fence))
	if !opened {
		found.add(Position{File: file, Line: 1}, "", "the lesson does not begin with front matter",
			"begin it with a line ---, a line title: …, and a line ---")
		return nil, nil, 0, false
	}
	end := 0
	if !bytes.HasPrefix(rest, []byte(fence)) {
		at := bytes.Index(rest, []byte("\n"+fence))
		if at < 0 {
			found.add(Position{File: file, Line: 1}, "", "the front matter does not end", "put a line --- after it")
			return nil, nil, 0, false
		}
		end = at + 1
	}
	head, body = rest[:end], rest[end+len(fence):]
	return head, body, 3 + bytes.Count(head, []byte("\n")), true
}

// anchored matches the text of a heading that ends with an anchor, {#name}.
var anchored = regexp.MustCompile(`^(.*?)\s*\{#([^{}]*)\}$`)

// splitSections cuts the Markdown at its anchored headings. goldmark decides what is a heading and what is code, so
// that a "# comment" within a fence is not taken for one.
func splitSections(file string, body []byte, firstLine int, found *faults) []section {
	at := func(offset int) Position {
		return Position{File: file, Line: firstLine + bytes.Count(body[:offset], []byte("\n"))}
	}
	current := section{anchor: sectionIntro, at: at(0)}
	begin := 0
	var sections []section
	root := goldmark.DefaultParser().Parse(text.NewReader(body))
	// The error of Walk is the walker's own, and this one returns none.
	_ = ast.Walk(root, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := node.(type) {
		case *ast.Heading:
			words, offset := headingText(n, body)
			match := anchored.FindStringSubmatch(words)
			switch {
			case match == nil && strings.Contains(words, "{#"):
				found.add(at(offset), "", "the heading's anchor is malformed", "end the heading with an anchor such as {#task}")
			case match == nil:
				current.headings = append(current.headings, subheading{at: at(offset), level: n.Level})
			case n.Parent() != root || n.Level != 2 || body[lineStart(body, offset)] != '#':
				found.add(at(offset), "{#"+match[2]+"}", "only a heading of level 2 can begin a section", "write it as ## "+match[1]+" {#"+match[2]+"}")
			default:
				if match[1] == "" {
					found.add(at(offset), "{#"+match[2]+"}", "the heading has no words", "write some before the anchor")
				}
				current.body = strings.TrimSpace(string(body[begin:lineStart(body, offset)]))
				sections = append(sections, current)
				begin = lineEnd(body, offset)
				current = section{anchor: match[2], at: at(offset), heading: "## " + match[1]}
			}
			return ast.WalkSkipChildren, nil
		case *ast.FencedCodeBlock:
			current.blocks = append(current.blocks, newCodeBlock(n, string(n.Language(body)), body, at))
		case *ast.CodeBlock:
			current.blocks = append(current.blocks, newCodeBlock(n, "", body, at))
		}
		return ast.WalkContinue, nil
	})
	current.body = strings.TrimSpace(string(body[begin:]))
	return append(sections, current)
}

// headingText returns the words of a heading and where they are. A heading without words is nowhere: offset is 0.
func headingText(n *ast.Heading, body []byte) (words string, offset int) {
	if n.Lines().Len() == 0 {
		return "", 0
	}
	first := n.Lines().At(0)
	return strings.TrimSpace(string(n.Lines().Value(body))), first.Start
}

func lineStart(body []byte, offset int) int { return bytes.LastIndexByte(body[:offset], '\n') + 1 }

func lineEnd(body []byte, offset int) int {
	if i := bytes.IndexByte(body[offset:], '\n'); i >= 0 {
		return offset + i + 1
	}
	return len(body)
}

func newCodeBlock(n ast.Node, language string, body []byte, at func(int) Position) codeBlock {
	block := codeBlock{language: language}
	if n.Lines().Len() > 0 {
		block.at = at(n.Lines().At(0).Start)
	} else if fenced, ok := n.(*ast.FencedCodeBlock); ok && fenced.Info != nil {
		block.at = at(fenced.Info.Segment.Start)
	} else {
		block.at = at(0)
	}
	for line := range strings.Lines(string(n.Lines().Value(body))) {
		line = strings.TrimRight(line, " \t\n")
		if trimmed := strings.TrimSpace(line); trimmed != "" && !strings.HasPrefix(trimmed, "#") {
			block.lines = append(block.lines, line)
		}
	}
	return block
}

// checkSections finds sections that are missing, unknown, repeated or empty.
func checkSections(l lesson, hints int, found *faults) {
	known := []string{sectionTask, sectionDebrief}
	for i := range hints {
		known = append(known, fmt.Sprint(hintPrefix, i+1))
	}
	required := slices.Clone(known)
	for _, provider := range noteProviders {
		known = append(known, notePrefix+provider)
	}
	first := map[string]Position{}
	for _, s := range l.sections {
		field := "{#" + s.anchor + "}"
		if s.body == "" {
			found.add(s.at, field, "the section is empty", "write its text")
		}
		if s.anchor == sectionIntro && s.heading == "" {
			continue
		}
		switch before, repeated := first[s.anchor]; {
		case repeated:
			found.add(s.at, field, fmt.Sprintf("the section is there twice, first on line %d", before.Line), "keep one of them")
		case !slices.Contains(known, s.anchor) && strings.HasPrefix(s.anchor, hintPrefix):
			found.add(s.at, field, fmt.Sprintf("step.yaml has %d hints", hints), "add the hint's cost to step.yaml, or remove the section")
		case !slices.Contains(known, s.anchor):
			found.add(s.at, field, "there is no such section", didYouMean(s.anchor, known))
		}
		first[s.anchor] = s.at
	}
	for _, anchor := range required {
		if _, there := first[anchor]; !there {
			found.add(Position{File: l.file, Line: 1}, "{#"+anchor+"}", "the section is missing", "add a heading ## … {#"+anchor+"} and its text")
		}
	}
}

// value turns the parsed lesson into what the rest of k8slab sees.
func (l lesson) value(hints int) *Lesson {
	intro, _ := l.section(sectionIntro)
	v := &Lesson{Title: l.title, Intro: intro.body, Task: l.headed(sectionTask), Debrief: l.headed(sectionDebrief)}
	for i := range hints {
		hint, _ := l.section(fmt.Sprint(hintPrefix, i+1))
		v.Hints = append(v.Hints, hint.body)
	}
	for _, provider := range noteProviders {
		if note := l.headed(notePrefix + provider); note != "" {
			if v.Notes == nil {
				v.Notes = map[string]string{}
			}
			v.Notes[provider] = note
		}
	}
	return v
}

// headed returns a section with its heading, or "" where there is none.
func (l lesson) headed(anchor string) string {
	s, ok := l.section(anchor)
	if !ok {
		return ""
	}
	return s.heading + "\n\n" + s.body
}
