package present

import (
	"github.com/k8slab/k8slab/engine/verify"
	"github.com/k8slab/k8slab/text"
)

// Fault is something that the proof of a lab found, at the place that its author has to look at.
type Fault struct {
	// Exercise is the lab and the step.
	Exercise string
	// File is a path below the folder of Lab; where Lab is empty, below the folder that holds all labs. Line is zero
	// for the file as a whole.
	Lab, File string
	Line      int
	Says      []text.Text
}

// FaultsOf returns every fault in the result, step by step.
func FaultsOf(result *verify.Result) []Fault {
	var all []Fault
	for _, s := range result.Steps {
		exercise, stepFile := s.Lab+"/"+s.Step, s.Dir+"/step.yaml"
		for _, a := range s.Answers {
			if a.Passed {
				continue
			}
			file := a.Name
			if a.Kind == verify.Nothing {
				file = stepFile
			}
			all = append(all, Fault{Exercise: exercise, Lab: s.Lab, File: file, Says: a.Problems})
		}
		for _, n := range s.NearMisses {
			if n.Good() {
				continue
			}
			what := text.New("the near miss %s is %s: %s", "ニアミス %s は %s です: %s", n.ID, n.Outcome, n.Does)
			all = append(all, Fault{Exercise: exercise, Lab: s.Lab, File: stepFile, Says: append([]text.Text{what}, n.Problems...)})
		}
		for _, p := range s.Unkilled {
			all = append(all, Fault{Exercise: exercise, File: p.File, Line: p.Line,
				Says: []text.Text{text.New("no wrong answer fails %s", "%s に不合格となる誤答がありません", p.ID)}})
		}
		for _, p := range s.Unused {
			all = append(all, Fault{Exercise: exercise, File: p.File, Line: p.Line,
				Says: []text.Text{text.New("no near miss that passes is called %s", "%s に当てはまる、合格したニアミスがありません", p.ID)}})
		}
	}
	return all
}
