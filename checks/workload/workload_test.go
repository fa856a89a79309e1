package workload

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestAPodIsAsPatientWithALostNodeAsTheClusterReckons(t *testing.T) {
	const key = corev1.TaintNodeUnreachable
	after := func(seconds int64) *int64 { return &seconds }
	tests := map[string]struct {
		tolerations []corev1.Toleration
		// want is in what is said; empty means that nothing is wrong.
		want string
	}{
		"nothing is written":               {nil, "which means 300 seconds"},
		"short":                            {[]corev1.Toleration{{Key: key, Operator: "Exists", Effect: "NoExecute", TolerationSeconds: after(30)}}, ""},
		"not at all":                       {[]corev1.Toleration{{Key: key, Operator: "Exists", TolerationSeconds: after(0)}}, ""},
		"less than not at all":             {[]corev1.Toleration{{Key: key, Operator: "Exists", TolerationSeconds: after(-5)}}, ""},
		"a second too long":                {[]corev1.Toleration{{Key: key, Operator: "Exists", Effect: "NoExecute", TolerationSeconds: after(31)}}, "for 31 seconds"},
		"for ever":                         {[]corev1.Toleration{{Key: key, Operator: "Exists", Effect: "NoExecute"}}, "for ever"},
		"every taint, shortly":             {[]corev1.Toleration{{Operator: "Exists", TolerationSeconds: after(10)}}, ""},
		"every taint, for ever":            {[]corev1.Toleration{{Operator: "Exists"}}, "for ever"},
		"the shorter of two":               {[]corev1.Toleration{{Key: key, Operator: "Exists"}, {Operator: "Exists", TolerationSeconds: after(10)}}, ""},
		"another taint":                    {[]corev1.Toleration{{Key: corev1.TaintNodeNotReady, Operator: "Exists", TolerationSeconds: after(10)}}, "nothing is said"},
		"another effect":                   {[]corev1.Toleration{{Key: key, Operator: "Exists", Effect: "NoSchedule"}}, "nothing is said"},
		"a value that the taint never has": {[]corev1.Toleration{{Key: key, Value: "yes", TolerationSeconds: after(10)}}, "nothing is said"},
		"the value that the taint has":     {[]corev1.Toleration{{Key: key, Operator: "Equal", TolerationSeconds: after(10)}}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := tooPatient(test.tolerations, key, 30)
			if test.want == "" && !got.IsZero() || !strings.Contains(got.EN, test.want) || (got.EN == "") != (got.JA == "") {
				t.Errorf("it is said %q and %q, want %q", got.EN, got.JA, test.want)
			}
		})
	}
}

func TestAConstraintKeepsPodsSpreadOnlyIfItCountsThem(t *testing.T) {
	template := &corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "api"}}}
	selects := func(app string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
	}
	tests := map[string]struct {
		constraint corev1.TopologySpreadConstraint
		want       string
	}{
		"its own pods":       {corev1.TopologySpreadConstraint{WhenUnsatisfiable: "DoNotSchedule", MaxSkew: 1, LabelSelector: selects("api")}, ""},
		"all pods":           {corev1.TopologySpreadConstraint{WhenUnsatisfiable: "DoNotSchedule", MaxSkew: 1, LabelSelector: &metav1.LabelSelector{}}, ""},
		"a wish":             {corev1.TopologySpreadConstraint{WhenUnsatisfiable: "ScheduleAnyway", MaxSkew: 1, LabelSelector: selects("api")}, "ScheduleAnyway"},
		"other pods":         {corev1.TopologySpreadConstraint{WhenUnsatisfiable: "DoNotSchedule", MaxSkew: 1, LabelSelector: selects("web")}, "does not match"},
		"no selector at all": {corev1.TopologySpreadConstraint{WhenUnsatisfiable: "DoNotSchedule", MaxSkew: 1}, "does not match"},
		"a greater skew":     {corev1.TopologySpreadConstraint{WhenUnsatisfiable: "DoNotSchedule", MaxSkew: 2, LabelSelector: selects("api")}, "maxSkew is 2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := constraintFault(test.constraint, template)
			if err != nil || (got.EN == "") != (test.want == "") || !strings.Contains(got.EN, test.want) {
				t.Errorf("it is said %q (%v), want %q", got.EN, err, test.want)
			}
		})
	}
}

func TestAPreStopPauseIsReadHoweverItIsWritten(t *testing.T) {
	command := func(words ...string) *corev1.LifecycleHandler {
		return &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: words}}
	}
	tests := map[string]struct {
		hook *corev1.LifecycleHandler
		want int64
	}{
		"no hook":             {nil, 0},
		"the sleep action":    {&corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 5}}, 5},
		"the command":         {command("sleep", "7"), 7},
		"the command by path": {command("/bin/sleep", "7s"), 7},
		"in a shell":          {command("/bin/sh", "-c", "sleep 10"), 10},
		"another command":     {command("/bin/drain-connections"), 0},
		"no number":           {command("sleep", "long"), 0},
		"an empty command":    {command(), 0},
		"an HTTP request":     {&corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{}}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := preStopPause(&corev1.Container{Lifecycle: &corev1.Lifecycle{PreStop: test.hook}}); got != test.want {
				t.Errorf("it pauses for %d seconds, want %d", got, test.want)
			}
		})
	}
	if got := preStopPause(&corev1.Container{}); got != 0 {
		t.Errorf("a container without a lifecycle pauses for %d seconds", got)
	}
}
