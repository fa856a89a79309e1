package labs_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/labs"
	"github.com/k8slab/k8slab/text"
)

const (
	leastAlsoRight = 2
	leastWrong     = 3
)

func load(t *testing.T) []*content.Lab {
	t.Helper()
	all, err := content.LoadAll(labs.FS())
	if err != nil {
		t.Fatalf("the labs have errors:\n%v", err)
	}
	if len(all) == 0 {
		t.Fatal("no lab is embedded")
	}
	return all
}

func TestEveryLabNeedsOnlyLabsThatComeBeforeIt(t *testing.T) {
	var before []string
	all := load(t)
	for _, lab := range all {
		before = append(before, lab.ID)
	}
	for _, lab := range all {
		for _, need := range lab.Needs {
			if !slices.Contains(before, need) {
				t.Errorf("%s needs %s, which is no lab", lab.ID, need)
			}
		}
	}
}

func TestEveryStepHasEnoughAnswersToProveItsChecks(t *testing.T) {
	for _, lab := range load(t) {
		for _, step := range lab.Steps {
			t.Run(lab.ID+"/"+step.ID, func(t *testing.T) {
				if n := len(step.AlsoRight); n < leastAlsoRight {
					t.Errorf("there are %d other right answers, want at least %d", n, leastAlsoRight)
				}
				if n := len(step.Wrong); n < leastWrong {
					t.Errorf("there are %d wrong answers, want at least %d", n, leastWrong)
				}
				for _, check := range slices.Concat(step.Checks, step.Invariants) {
					if !slices.ContainsFunc(step.Wrong, func(w content.WrongAnswer) bool { return w.Fails == check.ID }) {
						t.Errorf("no wrong answer fails the check %s", check.ID)
					}
				}
			})
		}
	}
}

func TestEveryAnswerStopsAtItsFirstError(t *testing.T) {
	for _, lab := range load(t) {
		for _, step := range lab.Steps {
			answers := append([]content.File{step.Solution}, step.AlsoRight...)
			for _, wrong := range step.Wrong {
				answers = append(answers, wrong.File)
			}
			for _, answer := range answers {
				if !slices.Contains(strings.Split(string(answer.Data), "\n"), "set -eu") {
					t.Errorf("%s/%s has no line set -eu", lab.ID, answer.Path)
				}
			}
		}
	}
}

func TestNoTaskGivesItsSolutionAway(t *testing.T) {
	for _, lab := range load(t) {
		for _, step := range lab.Steps {
			for line := range strings.Lines(string(step.Solution.Data)) {
				command := strings.TrimSpace(line)
				if !strings.HasPrefix(command, "kubectl ") || looks(command) {
					continue
				}
				for _, lang := range text.Langs {
					lesson := step.Lessons[lang]
					for _, text := range append([]string{lesson.Intro, lesson.Task}, lesson.Hints...) {
						if strings.Contains(text, command) {
							t.Errorf("%s/%s: %s.md shows a command of the solution: %s", lab.ID, step.Dir, lang, command)
						}
					}
				}
			}
		}
	}
}

// looks reports whether the command changes nothing. Where to look is what a lesson teaches.
func looks(command string) bool {
	words := strings.Fields(command)
	return slices.ContainsFunc(words, func(word string) bool { return slices.Contains([]string{"get", "describe", "version"}, word) })
}

func TestEveryStepSaysWhatIsSimulated(t *testing.T) {
	for _, lab := range load(t) {
		for _, step := range lab.Steps {
			for _, lang := range text.Langs {
				if step.Lessons[lang].Notes["embedded"] == "" {
					t.Errorf("%s/%s: %s.md has no note for the embedded cluster", lab.ID, step.Dir, lang)
				}
			}
		}
	}
}
