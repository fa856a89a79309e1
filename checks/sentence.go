package checks

import (
	"fmt"
	"strings"

	"github.com/k8slab/k8slab/content"
)

// say fills in the same values in both languages; indexes (%[2]s) reorder them. Each sentence has to use every value.
func say(en, ja string, values ...any) content.Text {
	return content.Text{EN: fmt.Sprintf(en, values...), JA: fmt.Sprintf(ja, values...)}
}

// sentences separates what was found with the punctuation of each language.
func sentences(found []content.Text) content.Text {
	var en, ja []string
	for _, f := range found {
		en, ja = append(en, f.EN), append(ja, f.JA)
	}
	return content.Text{EN: strings.Join(en, "; "), JA: strings.Join(ja, "。")}
}

// pass says what was found.
func pass(object string, got content.Text) Result {
	return Result{Outcome: Passed, Object: object, Got: got}
}

// fail says what was wanted, what was found, and why it matters.
func fail(object string, want, got, why content.Text) Result {
	return Result{Outcome: Failed, Object: object, Want: want, Got: got, Why: why}
}

// because adds the cluster's own words.
func (r Result) because(cause string) Result {
	r.Cause = cause
	return r
}

// waitingFor says what has yet to catch up; empty means that nothing has.
func (r Result) waitingFor(what string) Result {
	r.Pending = what
	return r
}

// most names at once; the rest is counted.
const most = 5

// list names things, and counts those beyond the first few.
func list(names []string) content.Text {
	if len(names) <= most {
		return say("%s", "%s", strings.Join(names, ", "))
	}
	return say("%s and %d more", "%s ほか %d 個", strings.Join(names[:most], ", "), len(names)-most)
}
