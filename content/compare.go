package content

import (
	"fmt"
	"slices"
)

// compareLessons finds where a translation has another structure than the original. Words differ between languages;
// what a learner has to type, and the order in which things are taught, must not.
func compareLessons(original, translation lesson, found *faults) {
	for _, s := range original.sections {
		other, ok := translation.section(s.anchor)
		if !ok {
			found.add(Position{File: translation.file, Line: 1}, "{#"+s.anchor+"}",
				fmt.Sprintf("the section is missing, which %s has", s.at), "translate it, or remove it there")
			continue
		}
		compareHeadings(s, other, found)
		compareBlocks(s, other, found)
	}
	for _, s := range translation.sections {
		if _, ok := original.section(s.anchor); !ok {
			found.add(s.at, "{#"+s.anchor+"}", fmt.Sprintf("%s has no such section", original.file), "add it there, or remove it here")
		}
	}
	compareOrder(original, translation, found)
}

func compareOrder(original, translation lesson, found *faults) {
	if len(original.sections) != len(translation.sections) {
		return
	}
	for i, s := range translation.sections {
		want := original.sections[i]
		if _, known := original.section(s.anchor); known && s.anchor != want.anchor {
			found.add(s.at, "{#"+s.anchor+"}", fmt.Sprintf("%s has the section {#%s} in this place", want.at, want.anchor),
				"put the sections into the same order")
			return
		}
	}
}

func compareHeadings(original, translation section, found *faults) {
	field := "{#" + original.anchor + "}"
	if a, b := len(original.headings), len(translation.headings); a != b {
		found.add(translation.at, field, fmt.Sprintf("it has %s, but the section in %s has %d", count(b, "heading"), original.at, a),
			"give both the same headings")
		return
	}
	for i, h := range translation.headings {
		if want := original.headings[i]; h.level != want.level {
			found.add(h.at, field, fmt.Sprintf("the heading has level %d, but its counterpart in %s has level %d", h.level, want.at, want.level),
				"give both the same level")
		}
	}
}

func compareBlocks(original, translation section, found *faults) {
	field := "{#" + original.anchor + "}"
	if a, b := len(original.blocks), len(translation.blocks); a != b {
		found.add(translation.at, field, fmt.Sprintf("it has %s, but the section in %s has %d", count(b, "code block"), original.at, a),
			"show the same code in both")
		return
	}
	for i, block := range translation.blocks {
		want := original.blocks[i]
		switch {
		case block.language != want.language:
			found.add(block.at, field, fmt.Sprintf("the code block is marked %q, but its counterpart in %s is marked %q", block.language, want.at, want.language),
				"mark both with the same language")
		case !slices.Equal(block.lines, want.lines):
			found.add(block.at, field, fmt.Sprintf("the code block differs from its counterpart in %s", want.at),
				"only comments and blank lines may differ")
		}
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
