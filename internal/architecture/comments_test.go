package architecture

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestNoCommentIsWiderThan120Columns(t *testing.T) {
	found, err := WideComments(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, wide := range found {
		t.Error(wide)
	}
}

func TestAWideCommentIsFound(t *testing.T) {
	// full fills a line of 120 columns that begins with "// ".
	full := strings.Repeat("wo ", 39)[:116] + "d"
	for name, c := range map[string]struct {
		src  string
		want []string // beginnings of the lines
	}{
		"of 120 columns":               {"package p\n\n// " + full + "\nvar a int", nil},
		"of 121 columns":               {"package p\n\n// " + full + "s\nvar a int", []string{"a.go:3 has a comment of 121 columns"}},
		"before the package":           {"// " + full + "s\npackage p", []string{"a.go:1 has a comment of 121 columns"}},
		"behind a tab of 4":            {"package p\n\nfunc f() {\n\t// " + full + "\n}", []string{"a.go:4 has a comment of 124 columns"}},
		"the second of two lines":      {"package p\n\n// F does.\n// " + full + "s\nfunc F() {}", []string{"a.go:4 has a comment of 121 columns"}},
		"between stars":                {"package p\n\n/*\nA " + full + "ss\n*/\nvar a int", []string{"a.go:4 has a comment of 121 columns"}},
		"in Japanese, of 120 runes":    {"package p\n\n// " + strings.Repeat("語", 117) + "\nvar a int", nil},
		"behind code":                  {"package p\n\nvar a int // " + full, nil},
		"a directive":                  {"package p\n\n//go:generate " + full + "\nvar a int", nil},
		"a URL that fills its line":    {"package p\n\n// See\n// https://example.org/" + strings.Repeat("a", 120) + "\nvar a int", nil},
		"a URL with words before it":   {"package p\n\n// See https://example.org/" + strings.Repeat("a", 120) + "\nvar a int", []string{"a.go:3 has"}},
		"a string that looks like one": {"package p\n\nconst a = `\n// " + full + "s\n`", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := WideComments(fstest.MapFS{"a.go": {Data: []byte(c.src)}})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.EqualFunc(got, c.want, strings.HasPrefix) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}
