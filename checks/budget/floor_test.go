package budget

import (
	"testing"

	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestAFloorIsRoundedAsTheDisruptionControllerDoes(t *testing.T) {
	tests := map[string]struct {
		min, max string
		expected int
		want     int
	}{
		"minAvailable as a number does not depend on the pods": {"2", "", 5, 2},
		"minAvailable as a percentage is rounded up":           {"50%", "", 3, 2},
		"minAvailable of all":                                  {"100%", "", 3, 3},
		"maxUnavailable is taken off":                          {"", "1", 3, 2},
		"maxUnavailable as a percentage is rounded up":         {"", "34%", 3, 1},
		"maxUnavailable beyond all leaves nothing":             {"", "5", 3, 0},
		"a percentage of nothing":                              {"50%", "", 0, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var spec policyv1.PodDisruptionBudgetSpec
			if test.min != "" {
				spec.MinAvailable = new(intstr.Parse(test.min))
			} else {
				spec.MaxUnavailable = new(intstr.Parse(test.max))
			}
			if got, err := desiredHealthy(spec, test.expected); got != test.want || err != nil {
				t.Errorf("the floor is %d (%v), want %d", got, err, test.want)
			}
		})
	}
	if _, err := desiredHealthy(policyv1.PodDisruptionBudgetSpec{}, 3); err == nil {
		t.Error("a budget without a rule has a floor")
	}
}
