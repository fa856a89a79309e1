package verify

import (
	"slices"
	"strings"

	"github.com/k8slab/k8slab/text"
)

// Parity says step by step whether the same answers got the same verdicts on several kinds of cluster.
type Parity struct {
	// Clusters are the kinds, in the order of the results.
	Clusters []string `json:"clusters"`
	// Same: every answer that an author wrote, and that could be played on each of them, got the same verdicts on all.
	Same  bool         `json:"same"`
	Steps []StepParity `json:"steps"`
}

// StepParity compares one step.
type StepParity struct {
	Lab  string `json:"lab"`
	Step string `json:"step"`
	// Answers and NearMisses count those that were played on every kind, and of them those that got the same.
	Answers    Count `json:"answers"`
	NearMisses Count `json:"nearMisses"`
	// Differences are the answers and near misses that did not get the same.
	Differences []Difference `json:"differences,omitempty"`
	// Unplayable are the kinds that cannot have the step, with the reason.
	Unplayable []Side `json:"unplayable,omitempty"`
}

// Difference is an answer on which kinds of cluster do not agree.
type Difference struct {
	Answer string `json:"answer"`
	Kind   Kind   `json:"kind"`
	// Check whose outcomes differ. It is empty for a near miss, as any check may refuse a near miss.
	Check string `json:"check,omitempty"`
	Sides []Side `json:"sides"`
}

// Side is what came of it on one kind of cluster.
type Side struct {
	Cluster string `json:"cluster"`
	// Outcome of a check, or of a near miss; notPlayed where there is none.
	Outcome string `json:"outcome"`
	// Why is what the learner was told, or what stood in the way.
	Why text.Text `json:"why,omitzero"`
}

// notPlayed: a near miss that the solution's effects on that cluster did not lead to, or an answer that could not be
// played.
const notPlayed = "not-played"

// Compare puts results of the same labs on several kinds of cluster side by side.
func Compare(results []*Result) *Parity {
	p := &Parity{Same: true}
	for _, r := range results {
		p.Clusters = append(p.Clusters, r.Cluster)
	}
	for i := range results[0].Steps {
		one := p.compare(results, i)
		p.Same = p.Same && one.Answers.OK == one.Answers.All
		p.Steps = append(p.Steps, one)
	}
	return p
}

// compare looks at the step with the index, which all results have there.
func (p *Parity) compare(results []*Result, index int) StepParity {
	steps := make([]StepResult, len(results))
	one := StepParity{Lab: results[0].Steps[index].Lab, Step: results[0].Steps[index].Step}
	for i, r := range results {
		steps[i] = r.Steps[index]
		if why := steps[i].Unplayable; why != nil {
			one.Unplayable = append(one.Unplayable, Side{Cluster: r.Cluster, Outcome: notPlayed, Why: *why})
		}
	}
	if len(one.Unplayable) > 0 {
		return one
	}
	for _, answers := range playedOnAll(steps) {
		differ := p.compareAnswer(answers)
		one.Answers.add(len(differ) == 0)
		one.Differences = append(one.Differences, differ...)
	}
	for _, id := range nearMissIDs(steps) {
		if slices.ContainsFunc(steps, func(s StepResult) bool { return s.Unplayed > 0 && s.nearMiss(id) == nil }) {
			continue
		}
		d := p.compareNearMiss(steps, id)
		one.NearMisses.add(d == nil)
		if d != nil {
			one.Differences = append(one.Differences, *d)
		}
	}
	return one
}

// playedOnAll returns, for each answer of which no kind's run ended too early, what came of it on each.
func playedOnAll(steps []StepResult) (all [][]AnswerResult) {
	for _, first := range steps[0].Answers {
		var one []AnswerResult
		for _, s := range steps {
			if i := slices.IndexFunc(s.Answers, func(a AnswerResult) bool { return a.Name == first.Name }); i >= 0 {
				one = append(one, s.Answers[i])
			}
		}
		if len(one) == len(steps) {
			all = append(all, one)
		}
	}
	return all
}

// compareAnswer returns a difference for each check on which the kinds do not agree.
func (p *Parity) compareAnswer(answers []AnswerResult) (all []Difference) {
	first := answers[0]
	most := slices.MaxFunc(answers, func(a, b AnswerResult) int { return len(a.Verdicts) - len(b.Verdicts) }).Verdicts
	if most == nil {
		return []Difference{{Answer: first.Name, Kind: first.Kind, Sides: p.sides(func(i int) Side { return unplayed(answers[i]) })}}
	}
	for at, v := range most {
		sides := p.sides(func(i int) Side {
			a := answers[i]
			if at >= len(a.Verdicts) {
				return unplayed(a)
			}
			return Side{Outcome: string(a.Verdicts[at].Outcome), Why: a.Verdicts[at].Told}
		})
		if !agree(sides) {
			all = append(all, Difference{Answer: first.Name, Kind: first.Kind, Check: v.Check, Sides: sides})
		}
	}
	return all
}

func unplayed(a AnswerResult) Side {
	s := Side{Outcome: notPlayed}
	if len(a.Problems) > 0 {
		s.Why = a.Problems[0]
	}
	return s
}

// compareNearMiss returns nil where all agree about whether it passes. Which check refuses it may differ, and so may
// who does, a check or the API server.
func (p *Parity) compareNearMiss(steps []StepResult, id string) *Difference {
	sides := p.sides(func(i int) Side {
		n := steps[i].nearMiss(id)
		if n == nil {
			return Side{Outcome: notPlayed, Why: text.Text{
				EN: "what the solution changes there does not lead to it",
				JA: "そこで解答が変更するものからは作れません",
			}}
		}
		return Side{Outcome: string(n.Outcome), Why: text.Text{EN: strings.Join(n.By, ", "), JA: strings.Join(n.By, "、")}}
	})
	alike := slices.Clone(sides)
	for i := range alike {
		if alike[i].Outcome == string(Refused) {
			alike[i].Outcome = string(Killed)
		}
	}
	if agree(alike) {
		return nil
	}
	return &Difference{Answer: id, Kind: NearMiss, Sides: sides}
}

func (s StepResult) nearMiss(id string) *NearMissResult {
	i := slices.IndexFunc(s.NearMisses, func(n NearMissResult) bool { return n.ID == id })
	if i < 0 {
		return nil
	}
	return &s.NearMisses[i]
}

// nearMissIDs returns those of all kinds, sorted.
func nearMissIDs(steps []StepResult) []string {
	var ids []string
	for _, s := range steps {
		for _, n := range s.NearMisses {
			ids = append(ids, n.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (p *Parity) sides(of func(i int) Side) []Side {
	sides := make([]Side, len(p.Clusters))
	for i, name := range p.Clusters {
		sides[i] = of(i)
		sides[i].Cluster = name
	}
	return sides
}

func agree(sides []Side) bool {
	return !slices.ContainsFunc(sides, func(s Side) bool { return s.Outcome != sides[0].Outcome || s.Outcome == notPlayed })
}
