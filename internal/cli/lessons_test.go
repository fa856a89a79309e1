package cli

import (
	"strings"
	"testing"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/internal/terminal"
	"github.com/k8slab/k8slab/labs"
)

// CommonMark does not end emphasis between a Japanese bracket and a letter, as in **退避（eviction）**と: the asterisks
// are then shown (spec 0.31, section 6.2, right-flanking delimiter runs).
func TestLessonsShowNoMarkup(t *testing.T) {
	all, err := content.LoadAll(labs.FS())
	if err != nil {
		t.Fatal(err)
	}
	for _, lab := range all {
		for _, step := range lab.Steps {
			for lang, lesson := range step.Lessons {
				texts := append([]string{lesson.Intro, lesson.Task, lesson.Debrief}, lesson.Hints...)
				for _, note := range lesson.Notes {
					texts = append(texts, note)
				}
				shown, err := terminal.Screen{Width: 80, Lang: lang}.Markdown(strings.Join(texts, "\n\n"))
				if err != nil {
					t.Fatal(err)
				}
				for line := range strings.Lines(shown) {
					if strings.Contains(line, "**") {
						t.Errorf("%s/%s in %s shows markup: %s", lab.ID, step.ID, lang, line)
					}
				}
			}
		}
	}
}
