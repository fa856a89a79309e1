package architecture

import (
	"fmt"
	"go/scanner"
	"go/token"
	"io/fs"
	"path"
	"strings"
)

const (
	// commentWidth is how many columns a line of comment may have.
	commentWidth = 120
	// tabWidth is how many columns there are between two tab stops.
	tabWidth = 4
)

// WideComments returns one line for each comment line that is wider than 120 columns, file by file. A comment line
// holds a comment, or a part of one, and nothing else: comments behind code are not looked at. Directives (//go:) and
// URLs with a line of their own cannot be broken, and may be wider. It reads the same files as Read.
func WideComments(fsys fs.FS) ([]string, error) {
	var found []string
	err := eachFile(fsys, func(name string) error {
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		found = append(found, wideCommentsIn(name, src)...)
		return nil
	})
	return found, err
}

// wideCommentsIn scans the file rather than its lines, because a line of a string may look like a comment.
func wideCommentsIn(name string, src []byte) (found []string) {
	files := token.NewFileSet()
	file := files.AddFile(path.Base(name), -1, len(src))
	var s scanner.Scanner
	s.Init(file, src, nil, scanner.ScanComments)
	lines := strings.Split(string(src), "\n")
	for {
		pos, kind, text := s.Scan()
		if kind == token.EOF {
			return found
		}
		if kind != token.COMMENT || strings.HasPrefix(text, "//go:") {
			continue
		}
		first := file.Line(pos)
		for n := first; n <= first+strings.Count(text, "\n"); n++ {
			line := strings.TrimSuffix(lines[n-1], "\r")
			if n == first && !onlyComment(line) || onlyURL(line) {
				continue
			}
			if width := columns(line); width > commentWidth {
				found = append(found, fmt.Sprintf("%s:%d has a comment of %d columns; wrap it at %d", name, n, width, commentWidth))
			}
		}
	}
}

// onlyComment reports whether the line, which holds the beginning of a comment, holds no code before it.
func onlyComment(line string) bool {
	line = strings.TrimSpace(line)
	return strings.HasPrefix(line, "//") || strings.HasPrefix(line, "/*")
}

// onlyURL reports whether the comment line is one URL.
func onlyURL(line string) bool {
	words := strings.Fields(strings.TrimLeft(line, "/* \t"))
	return len(words) == 1 && strings.Contains(words[0], "://")
}

// columns returns the width of a line. A tab leads to the next multiple of tabWidth.
func columns(line string) int {
	width := 0
	for _, r := range line {
		if r == '\t' {
			width += tabWidth - width%tabWidth
			continue
		}
		width++
	}
	return width
}
