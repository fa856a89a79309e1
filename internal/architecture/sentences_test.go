package architecture

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestBothLanguagesUseTheSameValues(t *testing.T) {
	wrong, err := Sentences(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range wrong {
		t.Error(one)
	}
}

func TestSentencesThatDifferAreFound(t *testing.T) {
	cases := map[string]struct {
		// call is what stands in the code.
		call string
		// want is in what is said of it, one for each fault; nothing means that all is well.
		want []string
	}{
		"the same order":                         {`text.New("%s has %d", "%s は %d 個", name, n)`, nil},
		"another order, by index":                {`text.New("%s has %d", "%[2]d 個の %[1]s", name, n)`, nil},
		"an index that goes on":                  {`text.New("%[2]s of %[1]s at %[3]s", "%[2]s の %[1]s (%[3]s)", a, b, c)`, nil},
		"a verb after an index":                  {`text.New("%[2]s and %s, %[1]s", "%[1]s、%s、%s", a, b, c)`, nil},
		"no values":                              {`text.New("done", "完了")`, nil},
		"a per cent sign":                        {`text.New("100%% of %s", "%s の 100%%", a)`, nil},
		"a value that one sentence says twice":   {`text.New("%[1]s, and %[1]s again", "%s", a)`, nil},
		"sentences in pieces":                    {`text.New("%s "+"of %d", ("%s は "+"%d"), a, n)`, nil},
		"values in a slice":                      {`text.New("%s %s", "%s %s", all...)`, nil},
		"a sentence that is not in the call":     {`text.New(en, "%s", a)`, nil},
		"width and flags":                        {`text.New("%-10s|%+.2f", "%-10s|%+.2f", a, n)`, nil},
		"another verb":                           {`text.New("%s has %d", "%s は %s 個", name, n)`, []string{"value 2 is %d in English and %s in Japanese"}},
		"another order without an index":         {`text.New("%s has %d", "%d 個の %s", name, n)`, []string{"value 1 is %s in English and %d", "value 2 is %d in English and %s"}},
		"a value that Japanese leaves out":       {`text.New("%s has %d", "%s にある", name, n)`, []string{"value 2 is in the English sentence only"}},
		"a value that English leaves out":        {`text.New("%s", "%s (%d)", name, n)`, []string{"value 2 is in the Japanese sentence only"}},
		"a value that both leave out":            {`text.New("done", "完了", name)`, []string{"value 1 is in neither sentence"}},
		"a value that is not there":              {`text.New("%s %s", "%s %s", name)`, []string{"there is no value 2"}},
		"an index that is too high":              {`text.New("%[3]s", "%[3]s", a, b)`, []string{"there is no value 3", "value 1 is in neither", "value 2 is in neither"}},
		"another precision":                      {`text.New("%.1f", "%.2f", n)`, []string{"value 1 is %.1f in English and %.2f in Japanese"}},
		"a width that is a value in one":         {`text.New("%*d", "%d%d", w, n)`, []string{"value 1 is * in English and %d", "value 2 is %*d in English and %d"}},
		"a slice that one sentence says less of": {`text.New("%s %s", "%s", all...)`, []string{"value 2 is in the English sentence only"}},
		"several in one file":                    {`text.New("%s", "%d", a); text.New("%s", "", a)`, []string{"value 1 is %s", "value 1 is in the English"}},
		"a call within a call":                   {`fail(text.New("%s", "%v", text.New("%d", "%s", n)))`, []string{"value 1 is %s in English and %v", "value 1 is %d in English and %s"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			src := "package p\nimport \"" + textPath + "\"\nfunc f() {\n" + c.call + "\n}\n"
			wrong, err := Sentences(fstest.MapFS{"engine/a.go": {Data: []byte(src)}})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.EqualFunc(wrong, c.want, strings.Contains) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(wrong, "\n"), strings.Join(c.want, "\n"))
			}
			for _, one := range wrong {
				if !strings.HasPrefix(one, "engine/a.go:4:") {
					t.Errorf("%s does not begin with its place", one)
				}
			}
		})
	}
	t.Run("another package of the name", func(t *testing.T) {
		wrong, err := Sentences(fstest.MapFS{"a.go": {Data: []byte("package p\nimport \"example.org/text\"\nvar x = text.New(\"%s\", \"%d\", 1)\n")}})
		if err != nil || len(wrong) > 0 {
			t.Errorf("got %q, %v", wrong, err)
		}
	})
	t.Run("the package by another name", func(t *testing.T) {
		wrong, err := Sentences(fstest.MapFS{"a.go": {Data: []byte("package p\nimport words \"" + textPath + "\"\nvar x = words.New(\"%s\", \"%d\", 1)\n")}})
		if err != nil || len(wrong) != 1 {
			t.Errorf("got %q, %v", wrong, err)
		}
	})
}
