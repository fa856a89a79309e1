package pod

import (
	"strings"
	"testing"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine/history"
)

func TestHowAPodEndedIsReadFromItsLastDeletion(t *testing.T) {
	const byEviction = "EvictionByEvictionAPI"
	tests := map[string]struct {
		last history.Removed
		want string
	}{
		"by itself":                    {history.Removed{Exits: map[string]int32{"main": 0}, Disruption: byEviction}, ""},
		"by SIGTERM":                   {history.Removed{Exits: map[string]int32{"main": 143}, Disruption: byEviction}, ""},
		"by SIGKILL":                   {history.Removed{Exits: map[string]int32{"main": 0, "agent": 137}, Disruption: byEviction}, "was killed"},
		"not at all":                   {history.Removed{Running: 1, Disruption: byEviction}, "while its containers ran"},
		"without anybody asking first": {history.Removed{Exits: map[string]int32{"main": 0}}, "DisruptionTarget"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e := ending{evicted: true, last: &test.last}
			got, pending, err := e.fault(t.Context(), checks.Env{}, "shop", "orders-1")
			if err != nil || pending != "" || (got.EN == "") != (test.want == "") || !strings.Contains(got.EN, test.want) {
				t.Errorf("it is said %q (%q, %v), want %q", got.EN, pending, err, test.want)
			}
		})
	}
}
