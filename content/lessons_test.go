package content_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/text"
)

func TestWhatIsWrongWithALessonIsSaidInOneLine(t *testing.T) {
	inEnglish := func(before, after string) change { return edit("10-drain/en.md", before, after) }
	inJapanese := func(before, after string) change { return edit("10-drain/ja.md", before, after) }
	for _, c := range []struct {
		name    string
		changes []change
		want    string
	}{
		{"front matter is required", []change{inEnglish("---\ntitle: Drain\n---\n", "")},
			`11-first/10-drain/en.md:1: the lesson does not begin with front matter; begin it with a line ---, a line title: …, and a line ---`},
		{"front matter ends", []change{inEnglish("title: Drain\n---\n", "title: Drain\n")},
			`11-first/10-drain/en.md:1: the front matter does not end; put a line --- after it`},
		{"front matter is not empty", []change{inEnglish("title: Drain\n", "")},
			`11-first/10-drain/en.md:2: there is nothing in it; write its fields`},
		{"front matter is strict", []change{inEnglish("title: Drain", "titel: Drain")},
			`11-first/10-drain/en.md:2: titel: there is no such field; did you mean "title"?`},
		{"there is an introduction", []change{write("10-drain/en.md", "---\ntitle: Drain\n---\n## Task {#task}\nx\n")},
			`11-first/10-drain/en.md:4: {#intro}: the section is empty; write its text`},
		{"there is a task", []change{inEnglish("{#task}", "")},
			`11-first/10-drain/en.md:1: {#task}: the section is missing; add a heading ## … {#task} and its text`},
		{"there is a debrief", []change{inEnglish("{#debrief}", "{#debrif}")},
			`11-first/10-drain/en.md:26: {#debrif}: there is no such section; did you mean "debrief"?`},
		{"a section is not empty", []change{inEnglish("Do it.\n", "")},
			`11-first/10-drain/en.md:14: {#task}: the section is empty; write its text`},
		{"a section is there once", []change{inEnglish("{#hint-2}", "{#hint-1}")},
			`11-first/10-drain/en.md:22: {#hint-1}: the section is there twice, first on line 18; keep one of them`},
		{"a hint more than step.yaml has", []change{inEnglish("## What", "## Hint 3 {#hint-3}\n\nx\n\n## What")},
			`11-first/10-drain/en.md:26: {#hint-3}: step.yaml has 2 hints; add the hint's cost to step.yaml, or remove the section`},
		{"a section begins at level 2", []change{inEnglish("## Your task", "### Your task")},
			`11-first/10-drain/en.md:14: {#task}: only a heading of level 2 can begin a section; write it as ## Your task {#task}`},
		{"an anchor in a list begins nothing", []change{inEnglish("Do it.", "- ## Do it {#debrief}\n")},
			`11-first/10-drain/en.md:16: {#debrief}: only a heading of level 2 can begin a section; write it as ## Do it {#debrief}`},
		{"an anchor that is not closed", []change{inEnglish("{#task}", "{#task")},
			`11-first/10-drain/en.md:14: the heading's anchor is malformed; end the heading with an anchor such as {#task}`},
		{"a heading has words", []change{inEnglish("## Your task {#task}", "## {#task}")},
			`11-first/10-drain/en.md:14: {#task}: the heading has no words; write some before the anchor`},
		{"an escape sequence is refused", []change{inEnglish("Do it.", "Do \x1b[31mit.")},
			`11-first/10-drain/en.md:16: the line holds the control character U+001B; remove it`},
		{"an escape sequence as a character reference is refused", []change{inEnglish("Do it.", "Do &#x1b;[31mit.")},
			`11-first/10-drain/en.md:16: a character reference stands for the control character U+001B; remove it`},
		{"text that runs backwards is refused", []change{inEnglish("Do it.", "Do \u202eit.")},
			`11-first/10-drain/en.md:16: the line holds the control character U+202E; remove it`},

		{"a translation has every section", []change{inJapanese("## 補足 {#note-embedded}\n\n", "")},
			`11-first/10-drain/ja.md:1: {#note-embedded}: the section is missing, which 11-first/10-drain/en.md:30 has; translate it, or remove it there`},
		{"a translation has no more sections", []change{inJapanese("## 補足", "## 補足 {#note-kind}\n\nkind\n\n## 補足")},
			`11-first/10-drain/ja.md:31: {#note-kind}: 11-first/10-drain/en.md has no such section; add it there, or remove it here`},
		{"a translation keeps the order", []change{inJapanese("{#hint-1}", "{#hint-x}"), inJapanese("{#hint-2}", "{#hint-1}"), inJapanese("{#hint-x}", "{#hint-2}")},
			`11-first/10-drain/ja.md:19: {#hint-2}: 11-first/10-drain/en.md:18 has the section {#hint-1} in this place; put the sections into the same order`},
		{"a translation has the same headings", []change{inJapanese("# ここだけの見出し\n", "")},
			`11-first/10-drain/ja.md:4: {#intro}: it has 0 headings, but the section in 11-first/10-drain/en.md:4 has 1; give both the same headings`},
		{"headings have the same level", []change{inJapanese("# ここだけ", "### ここだけ")},
			`11-first/10-drain/ja.md:7: {#intro}: the heading has level 3, but its counterpart in 11-first/10-drain/en.md:7 has level 1; give both the same level`},
		{"a translation has the same code blocks", []change{inJapanese("やってみましょう。", "```sh\nkubectl\n```")},
			`11-first/10-drain/ja.md:15: {#task}: it has 1 code block, but the section in 11-first/10-drain/en.md:14 has 0; show the same code in both`},
		{"code blocks have the same language", []change{inJapanese("```sh", "```yaml")},
			`11-first/10-drain/ja.md:10: {#intro}: the code block is marked "yaml", but its counterpart in 11-first/10-drain/en.md:10 is marked "sh"; mark both with the same language`},
		{"code blocks hold the same commands", []change{inJapanese("kubectl get nodes", "kubectl get node")},
			`11-first/10-drain/ja.md:10: {#intro}: the code block differs from its counterpart in 11-first/10-drain/en.md:10; only comments and blank lines may differ`},
	} {
		t.Run(c.name, func(t *testing.T) {
			wrong := loadErrors(t, c.changes...)
			if !slices.ContainsFunc(wrong, func(e content.Error) bool { return e.Error() == c.want }) {
				t.Errorf("got\n%v\nwant\n%s", wrong, c.want)
			}
		})
	}
}

func TestAHashInACodeBlockIsNoHeading(t *testing.T) {
	for _, lang := range text.Langs {
		name := "10-drain/" + string(lang) + ".md"
		files := validFiles()
		edit(name, "kubectl get nodes", "## Not a heading {#task}\nkubectl get nodes")(files)
		lab, err := content.Load(files, "11-first")
		if err != nil {
			t.Fatal(err)
		}
		if intro := lab.Steps[0].Lessons[lang].Intro; !strings.Contains(intro, "## Not a heading {#task}") {
			t.Errorf("%s: the code block was cut up:\n%s", lang, intro)
		}
	}
}
