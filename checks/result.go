package checks

import (
	"strings"

	"github.com/k8slab/k8slab/text"
)

// Outcome of a check.
type Outcome string

const (
	// Passed: the work is done.
	Passed Outcome = "passed"
	// Failed: the work is not done, or not done well; the result says why.
	Failed Outcome = "failed"
	// Blocked: a check that this one comes after did not pass, so there was nothing to look at.
	Blocked Outcome = "blocked"
	// Errored: the grader could not tell. It never costs a point.
	Errored Outcome = "errored"
	// NotJudged: the cluster is of a kind that lacks what the check needs, so it was left out. It costs no point and
	// blocks nothing.
	NotJudged Outcome = "not-judged"
)

// Result is a verdict on the learner's work. A Func returns only Passed and Failed;
// the engine adds Blocked and NotJudged and, for a Func that returned an error, Errored.
type Result struct {
	Outcome Outcome `json:"outcome"`
	// Object is the object that the verdict is about, as kubectl would name it: "deployment/web".
	Object string `json:"object,omitempty"`
	// Want and Got say what was looked for and what was found; Why says why it matters. Required for Failed.
	Want text.Text `json:"want,omitzero"`
	Got  text.Text `json:"got,omitzero"`
	Why  text.Text `json:"why,omitzero"`
	// Cause is the cluster's own reason, in its own words: a condition, an event, an answer of the API server.
	Cause string `json:"cause,omitempty"`
	// Pending says that a controller has yet to catch up, and on what; the engine then looks again for a while
	// before it believes a failure.
	Pending string `json:"pending,omitempty"`
}

// Pass is the verdict that the work is done. It says what was found; the zero Text where there is nothing to say.
func Pass(object string, got text.Text) Result {
	return Result{Outcome: Passed, Object: object, Got: got}
}

// Fail is the verdict that the work is not done. It says what was wanted, what was found, and why it matters.
func Fail(object string, want, got, why text.Text) Result {
	return Result{Outcome: Failed, Object: object, Want: want, Got: got, Why: why}
}

// Because returns the result with the cluster's own reason.
func (r Result) Because(cause string) Result {
	r.Cause = cause
	return r
}

// WaitingFor returns the result with what a controller has yet to do; empty means that there is nothing to wait for.
func (r Result) WaitingFor(what string) Result {
	r.Pending = what
	return r
}

// MostListed is how many names a result lists; it counts the rest.
const MostListed = 5

// Listed lists the first names, and counts the rest.
func Listed(names []string) text.Text {
	if len(names) <= MostListed {
		return text.Plain(strings.Join(names, ", "))
	}
	return text.New("%s and %d more", "%s ほか %d 個", strings.Join(names[:MostListed], ", "), len(names)-MostListed)
}
