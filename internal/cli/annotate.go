package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/k8slab/k8slab/engine/verify"
	"github.com/k8slab/k8slab/internal/githubactions"
	"github.com/k8slab/k8slab/internal/present"
	"github.com/k8slab/k8slab/text"
)

// annotateProof tells GitHub Actions what is wrong and where, so that GitHub shows it beside the line. The commands go
// to stderr, which the runner reads as it reads stdout.
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

func annotations(from *labSet, result *verify.Result, lang text.Lang) (all []githubactions.Annotation) {
	for _, f := range present.FaultsOf(result) {
		file := from.place(f.File)
		if f.Lab != "" {
			file = from.script(f.Lab, f.File)
		}
		lines := make([]string, len(f.Says))
		for i, says := range f.Says {
			lines[i] = says.In(lang)
		}
		all = append(all, githubactions.Annotation{File: file, Line: max(1, f.Line), Title: f.Exercise, Message: strings.Join(lines, "\n")})
	}
	return all
}
