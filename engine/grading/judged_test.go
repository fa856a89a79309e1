package grading

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/text"
)

// can is a provider that can do nothing beyond the interface, logs one that has an audit log, and both one that also
// keeps a record.
type (
	can  struct{ cluster.Provider }
	logs struct {
		can
		cluster.AuditLogFile
	}
	both struct {
		logs
		cluster.Recorder
	}
)

func (can) Name() string { return "can" }

// needy has one check that can do without a past, and two that cannot.
func needy(t *testing.T) *checks.Vocabulary {
	t.Helper()
	doc := checks.Doc{Summary: text.Text{EN: "S.", JA: "要。"}}
	fn := func(context.Context, checks.Env, struct{}) (checks.Result, error) { return passed, nil }
	v, err := checks.New(checks.Define("now/there", doc, fn), checks.Define("past/asked", doc, fn).Needing(checks.AuditLog), checks.Define("past/seen", doc, fn).Needing(checks.History))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// using says what the check uses of the vocabulary.
func usingOf(c catalog.Check, use string) catalog.Check {
	c.Use = use
	return c
}

func TestWhatACheckNeedsDecidesWhetherItIsJudged(t *testing.T) {
	vocabulary := needy(t)
	chain := func(first checks.Result) []catalog.Check {
		return []catalog.Check{
			usingOf(check("last", passed, nil, "asked", "seen"), "now/there"),
			usingOf(check("seen", failed, nil, "asked"), "past/seen"),
			usingOf(check("asked", failed, nil, "first"), "past/asked"),
			usingOf(check("first", first, nil), "now/there"),
		}
	}
	for _, tc := range []struct {
		name string
		p    cluster.Provider
		all  []catalog.Check
		want string
	}{
		{"where all is there all are judged", both{}, chain(passed), "last:blocked[asked seen] seen:blocked[asked] asked:failed first:passed"},
		{"what is left out blocks nothing", can{}, chain(passed), "last:passed seen:not-judged asked:not-judged first:passed"},
		{"what it came after still blocks what comes after it", can{}, chain(failed), "last:blocked[first] seen:not-judged asked:not-judged first:failed"},
		{"what is there is judged", logs{}, chain(passed), "last:blocked[asked] seen:not-judged asked:failed first:passed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, v := range Look(t.Context(), checks.Env{}, catalog.Judged(tc.all, tc.p, vocabulary), nil) {
				s := v.ID + ":" + string(v.Outcome)
				if len(v.BlockedBy) > 0 {
					s += fmt.Sprint(v.BlockedBy)
				}
				got = append(got, s)
				if (v.Outcome == checks.NotJudged) != strings.Contains(v.Reason.EN, "a cluster of the kind can does not have") {
					t.Errorf("%s is %s because %q", v.ID, v.Outcome, v.Reason.EN)
				}
			}
			if s := strings.Join(got, " "); s != tc.want {
				t.Errorf("got %s, want %s", s, tc.want)
			}
			if len(tc.all[0].After) != 2 {
				t.Errorf("the lab itself was changed: %v", tc.all[0].After)
			}
		})
	}
}
