package verify

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
)

// DefaultSample is how many wrong answers of a step are played where a sample has to do.
const DefaultSample = 2

// Selection says which answers are played: all answers of the labs that a change touches, and of every other step the
// starting state, the solution and a sample of the wrong answers.
type Selection struct {
	// Change is what was changed; nil means nothing, so that there is a sample of every step.
	Change *Change
	// Sample is how many wrong answers of a step are played that the change does not touch.
	Sample int
	// Commit seeds the sample, which is the same in every run at this commit and another one at the next. It may be
	// empty.
	Commit string
}

// touched returns for each lab that is to be played whole a file or a package that is the reason.
func (s *Selection) touched(labs []*content.Lab, vocabulary *checks.Vocabulary) (because map[*content.Lab]string, err error) {
	if s.Change == nil {
		return nil, nil
	}
	return s.Change.touched(labs, vocabulary)
}

// selected is what there is to tell about the selection; nil where there is none.
func (s *Selection) selected(labs []*content.Lab, because map[*content.Lab]string) *Selected {
	if s == nil {
		return nil
	}
	told := &Selected{Commit: s.Commit, Sample: s.Sample, Whole: []WholeLab{}}
	if s.Change != nil {
		told.Since = s.Change.Since
	}
	for _, lab := range labs {
		if why := because[lab]; why != "" {
			told.Whole = append(told.Whole, WholeLab{Lab: lab.ID, Because: why})
		}
	}
	return told
}

// choose splits the step's answers into those of the sample and those that are left out. Both keep their order.
func (s *Selection) choose(lab *content.Lab, step *content.Step, all []Answer) (chosen, left []Answer) {
	var wrong []Answer
	for _, a := range all {
		if a.Kind == Wrong {
			wrong = append(wrong, a)
		}
	}
	slices.SortFunc(wrong, func(a, b Answer) int {
		return cmp.Or(bytes.Compare(s.rank(lab, step, a), s.rank(lab, step, b)), cmp.Compare(a.Name(), b.Name()))
	})
	sample := map[string]bool{}
	for _, a := range wrong[:min(s.Sample, len(wrong))] {
		sample[a.Name()] = true
	}
	for _, a := range all {
		if a.Kind == Nothing || a.Kind == Solution || sample[a.Name()] {
			chosen = append(chosen, a)
		} else {
			left = append(left, a)
		}
	}
	return chosen, left
}

// rank orders the wrong answers of a step in another way at each commit.
func (s *Selection) rank(lab *content.Lab, step *content.Step, a Answer) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s", s.Commit, lab.ID, step.ID, a.Name()))
	return sum[:]
}
