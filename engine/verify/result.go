package verify

import (
	"time"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/text"
)

// Result of proving labs.
type Result struct {
	// Cluster is the kind on which they were proved.
	Cluster string `json:"cluster"`
	// Passed: everything was played, and grader and authors agree about all of it.
	Passed bool         `json:"passed"`
	Steps  []StepResult `json:"steps"`
	// Selection says of which labs not all answers were to be played; nil where all were.
	Selection *Selected `json:"selection,omitempty"`
	// Parallel is how many clusters there were at once, Repeat how often each answer was played.
	Parallel int           `json:"parallel"`
	Repeat   int           `json:"repeat"`
	Elapsed  time.Duration `json:"elapsedNs"`
	// Spent says where the time went.
	Spent Spent `json:"spentNs"`
	// Idle is the share of the machine's processor time in which there was nothing to do, from 0 to 1; nil where the
	// system does not say.
	Idle *float64 `json:"idle,omitempty"`
}

// Selected tells how the answers were chosen.
type Selected struct {
	// Since is the commit since which the labs were compared, as it was named; empty where all labs were sampled.
	Since string `json:"since,omitempty"`
	// Commit seeded the samples.
	Commit string `json:"commit,omitempty"`
	// Sample is how many wrong answers of each step of the other labs were played.
	Sample int `json:"sample"`
	// Whole are the labs of which everything was played.
	Whole []WholeLab `json:"whole"`
}

// WholeLab is a lab that a change touches.
type WholeLab struct {
	Lab string `json:"lab"`
	// Because is the changed file or folder, relative to the repository's root.
	Because string `json:"because"`
}

// StepResult is the proof of one step.
type StepResult struct {
	Lab string `json:"lab"`
	// Step is its id, Dir its folder below the lab's.
	Step string `json:"step"`
	Dir  string `json:"dir"`
	// Passed: nothing below disagrees, and nothing is unplayed.
	Passed bool `json:"passed"`
	// Unplayable says why this kind of cluster cannot have the step, of which nothing was played then.
	Unplayable *text.Text `json:"unplayable,omitempty"`
	// Unplayed counts the answers and near misses that were not played, or not so often as they should, as the run
	// ended early. Those that were not played at all are not below. What near misses there would have been of a
	// solution that was not played, nobody knows.
	Unplayed int `json:"unplayed,omitempty"`
	// LeftOut is what a sample did without; nil where there was no sample.
	LeftOut *LeftOut       `json:"leftOut,omitempty"`
	Answers []AnswerResult `json:"answers"`
	// Unkilled are checks that no wrong answer fails.
	Unkilled []Place `json:"unkilled,omitempty"`
	// NearMisses are the answers that no author wrote. Nil where they were left out, or the solution does not pass.
	NearMisses []NearMissResult `json:"nearMisses"`
	// Unused are entries of accepts that no near miss needs.
	Unused []Place `json:"unusedAccepts,omitempty"`
	// Work is the time that all answers took together.
	Work time.Duration `json:"workNs"`
}

// LeftOut counts the answers that a sample did without. Near misses were not even derived.
type LeftOut struct {
	AlsoRight int `json:"alsoRight"`
	Wrong     int `json:"wrong"`
}

// Place is something in step.yaml.
type Place struct {
	ID string `json:"id"`
	// File is relative to the file system that the lab was loaded from.
	File string `json:"file"`
	Line int    `json:"line"`
}

// AnswerResult is what became of an answer that an author wrote.
type AnswerResult struct {
	// Name is the script's path below the lab's folder.
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Fails is the check that a wrong answer names.
	Fails  string `json:"fails,omitempty"`
	Passed bool   `json:"passed"`
	// Flaky: the same answer got different verdicts when it was played again.
	Flaky bool `json:"flaky"`
	// Problems say where grader and author disagree.
	Problems []text.Text `json:"problems,omitempty"`
	// Transcript of the script, where there are problems.
	Transcript string `json:"transcript,omitempty"`
	// Verdicts of the first play, in the order of the step's checks and invariants. None where it could not be played.
	Verdicts []Verdict `json:"verdicts,omitempty"`
	// Elapsed is the time of the longest play.
	Elapsed time.Duration `json:"elapsedNs"`
}

// Verdict is what an answer got for one check.
type Verdict struct {
	Check   string         `json:"check"`
	Outcome checks.Outcome `json:"outcome"`
	// Told is what the learner reads about it, if anything.
	Told text.Text `json:"told,omitzero"`
}

// NearMissOutcome is what became of a near miss.
type NearMissOutcome string

const (
	// Killed: a check failed, as it should.
	Killed NearMissOutcome = "killed"
	// Refused: the API server did not let it be done, so that no check is needed.
	Refused NearMissOutcome = "refused"
	// Survived: every check passed.
	Survived NearMissOutcome = "survived"
	// WasAccepted: every check passed, and the step says why that is right.
	WasAccepted NearMissOutcome = "accepted"
	// CouldNotTell: no check failed, but the grader could not say that all passed either.
	CouldNotTell NearMissOutcome = "could-not-tell"
)

// NearMissResult is what became of a near miss.
type NearMissResult struct {
	ID string `json:"id"`
	// Does says what is almost right about it.
	Does    text.Text       `json:"does"`
	Outcome NearMissOutcome `json:"outcome"`
	// By are the checks that failed.
	By []string `json:"by,omitempty"`
	// Reason of the step for accepting it.
	Reason text.Text `json:"reason,omitzero"`
	Flaky  bool      `json:"flaky"`
	// Problems say why it could not be told, or how plays differ.
	Problems []text.Text   `json:"problems,omitempty"`
	Elapsed  time.Duration `json:"elapsedNs"`
}

// Good reports whether the near miss needs nobody's attention.
func (n NearMissResult) Good() bool {
	return !n.Flaky && (n.Outcome == Killed || n.Outcome == Refused || n.Outcome == WasAccepted)
}

// Count of some kind of answer.
type Count struct {
	OK  int `json:"ok"`
	All int `json:"all"`
}

// Count returns how many answers of the kind there are, and how many the grader and the author agree about.
func (s StepResult) Count(kind Kind) (n Count) {
	if kind == NearMiss {
		for _, m := range s.NearMisses {
			n.add(m.Good())
		}
		return n
	}
	for _, a := range s.Answers {
		if a.Kind == kind {
			n.add(a.Passed)
		}
	}
	return n
}

func (n *Count) add(ok bool) {
	n.All++
	if ok {
		n.OK++
	}
}

// Killed returns how many near misses the checks or the API server refused, of all that are not accepted.
func (r *Result) Killed() (n Count) {
	for _, s := range r.Steps {
		for _, m := range s.NearMisses {
			if m.Outcome != WasAccepted {
				n.add(m.Outcome == Killed || m.Outcome == Refused)
			}
		}
	}
	return n
}
