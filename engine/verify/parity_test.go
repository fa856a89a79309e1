package verify_test

import (
	"strings"
	"testing"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine/verify"
	"github.com/k8slab/k8slab/text"
)

// on is the result of one exercise on a kind of cluster: a solution, and a wrong answer with that outcome for the check
// floor.
func on(cluster string, floor checks.Outcome, near ...verify.NearMissResult) *verify.Result {
	return &verify.Result{Cluster: cluster, Passed: true, Steps: []verify.StepResult{{
		Lab: "lab", Step: "one", Passed: true, NearMisses: near, Answers: []verify.AnswerResult{
			{Name: "solution.sh", Kind: verify.Solution, Passed: true, Verdicts: []verify.Verdict{{Check: "kept", Outcome: checks.Passed}, {Check: "floor", Outcome: checks.Passed}}},
			{Name: "wrong/a.sh", Kind: verify.Wrong, Passed: true, Verdicts: []verify.Verdict{
				{Check: "kept", Outcome: checks.Failed}, {Check: "floor", Outcome: floor, Told: text.Text{EN: "it is " + string(floor)}},
			}},
		},
	}}}
}

func miss(id string, outcome verify.NearMissOutcome) verify.NearMissResult {
	return verify.NearMissResult{ID: id, Outcome: outcome}
}

func TestParityFindsWhereClustersDisagree(t *testing.T) {
	same := verify.Compare([]*verify.Result{
		on("embedded", checks.Blocked, miss("a", verify.Killed), miss("b", verify.WasAccepted)),
		on("kind", checks.Blocked, miss("a", verify.Refused), miss("b", verify.WasAccepted)),
	})
	if s := same.Steps[0]; !same.Same || len(s.Differences) > 0 || s.Answers != (verify.Count{OK: 2, All: 2}) || s.NearMisses != (verify.Count{OK: 2, All: 2}) {
		t.Errorf("what agrees is %+v", same)
	}

	differ := verify.Compare([]*verify.Result{
		on("embedded", checks.Blocked, miss("a", verify.Killed), miss("only-here", verify.Killed)),
		on("kind", checks.Passed, miss("a", verify.Survived)),
	})
	s := differ.Steps[0]
	if differ.Same || s.Answers != (verify.Count{OK: 1, All: 2}) || s.NearMisses != (verify.Count{OK: 0, All: 2}) {
		t.Errorf("what disagrees is %+v", differ)
	}
	var told []string
	for _, d := range s.Differences {
		line := d.Answer + " " + d.Check
		for _, side := range d.Sides {
			line += " " + side.Cluster + "=" + side.Outcome
		}
		told = append(told, line)
	}
	want := "wrong/a.sh floor embedded=blocked kind=passed; a  embedded=killed kind=survived; only-here  embedded=killed kind=not-played"
	if got := strings.Join(told, "; "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if why := s.Differences[0].Sides[1].Why.EN; why != "it is passed" {
		t.Errorf("the reason is %q", why)
	}
}

func TestParityOfARunThatEndedEarly(t *testing.T) {
	early := on("kind", checks.Failed, miss("a", verify.Killed))
	early.Steps[0].Answers = early.Steps[0].Answers[1:]
	early.Steps[0].Unplayed = 2
	p := verify.Compare([]*verify.Result{on("embedded", checks.Failed, miss("a", verify.Killed), miss("b", verify.Killed)), early})
	if s := p.Steps[0]; len(s.Differences) > 0 || s.Answers != (verify.Count{OK: 1, All: 1}) || s.NearMisses != (verify.Count{OK: 1, All: 1}) {
		t.Errorf("what was played on both is %+v", s)
	}
}

func TestParityOfWhatCouldNotBePlayed(t *testing.T) {
	broken := on("kind", checks.Failed)
	broken.Steps[0].Answers[0].Verdicts = nil
	broken.Steps[0].Answers[0].Problems = []text.Text{{EN: "it could not be played: no room"}}
	p := verify.Compare([]*verify.Result{on("embedded", checks.Failed), broken})
	if d := p.Steps[0].Differences; p.Same || len(d) != 2 || d[0].Sides[1].Why.EN != "it could not be played: no room" {
		t.Errorf("an answer that one cluster could not play is %+v", d)
	}

	elsewhere := on("kind", checks.Failed)
	elsewhere.Steps[0] = verify.StepResult{Lab: "lab", Step: "one", Passed: true, Unplayable: &text.Text{EN: "it needs old kubelets"}}
	p = verify.Compare([]*verify.Result{on("embedded", checks.Failed), elsewhere})
	if s := p.Steps[0]; !p.Same || s.Answers.All != 0 || len(s.Unplayable) != 1 || s.Unplayable[0].Cluster != "kind" || s.Unplayable[0].Why.EN != "it needs old kubelets" {
		t.Errorf("a step that one cluster cannot have is %+v", p)
	}
}
