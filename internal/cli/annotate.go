package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/verify"
	"github.com/k8slab/k8slab/internal/githubactions"
)

// annotateProof tells GitHub Actions what is wrong, and where, so that it shows it beside the line. The commands go to stderr, which
// the runner reads as it reads stdout.
func (inv *invocation) annotateProof(from *labSet, result *verify.Result) error {
	runner := githubactions.RunnerOf(inv.Getenv)
	if !runner.Active {
		return nil
	}
	here, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("find the working directory: %w", err)
	}
	for _, a := range annotations(from, result, inv.lang) {
		a.File = runner.Path(here, a.File)
		fmt.Fprintln(inv.Err, a)
	}
	return nil
}

func annotations(from *labSet, result *verify.Result, lang content.Lang) (all []githubactions.Annotation) {
	add := func(file string, line int, title string, messages ...string) {
		all = append(all, githubactions.Annotation{File: file, Line: max(1, line), Title: title, Message: strings.Join(messages, "\n")})
	}
	say := func(en, ja string) string { return content.Text{EN: en, JA: ja}.In(lang) }
	for _, s := range result.Steps {
		title, stepFile := s.Lab+"/"+s.Step, s.Dir+"/step.yaml"
		for _, a := range s.Answers {
			if a.Passed {
				continue
			}
			file := a.Name
			if a.Kind == verify.Nothing {
				file = stepFile
			}
			add(from.script(s.Lab, file), 1, title, texts(a.Problems, lang)...)
		}
		for _, n := range s.NearMisses {
			if n.Good() {
				continue
			}
			what := fmt.Sprintf(say("the near miss %s is %s: %s", "ニアミス %s は %s です: %s"), n.ID, n.Outcome, n.Does.In(lang))
			add(from.script(s.Lab, stepFile), 1, title, append([]string{what}, texts(n.Problems, lang)...)...)
		}
		for _, p := range s.Unkilled {
			add(from.place(p.File), p.Line, title, fmt.Sprintf(say("no wrong answer fails %s", "%s に不合格となる誤答がありません"), p.ID))
		}
		for _, p := range s.Unused {
			add(from.place(p.File), p.Line, title, fmt.Sprintf(say("no near miss that passes is called %s", "%s に当てはまる、合格したニアミスがありません"), p.ID))
		}
	}
	return all
}

func texts(all []content.Text, lang content.Lang) []string {
	lines := make([]string, len(all))
	for i, t := range all {
		lines[i] = t.In(lang)
	}
	return lines
}
