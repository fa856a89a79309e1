package behavior

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func workload(spec string) string {
	return "apiVersion: k8slab.dev/v1alpha1\nkind: SimulatedWorkload\nmetadata: {name: it}\nspec:\n" + spec
}

func TestDocumentsAreReadStrictly(t *testing.T) {
	const selects = "  selector: {namespace: shop}\n"
	tests := []struct{ name, document, wantErr string }{
		{"every field is known", workload(selects + `  startDelay: 5s
  logs: [one, two]
  stopAfter: 40s
  stopExitCode: 143
  ready: {after: 5s, failing: {from: 20s, to: 60s}, message: not yet}
  live: {never: true}
  started: {after: 3s}
  crash: {after: 2s, exitCode: 3, log: "bad\nworse", times: 2}
  imagePull: {fails: true, message: denied}
  backOff: {initial: 1s, max: 10s}
  usage: {cpu: 300m, memory: 64Mi}
`), ""},
		{"a field that does not exist", workload(selects + "  stopsAfter: 40s\n"), `unknown field "stopsAfter"`},
		{"a number where a time belongs", workload(selects + "  stopAfter: 40\n"), "cannot unmarshal number"},
		{"nothing selected", workload("  stopAfter: 40s\n"), "spec.selector: Required value"},
		{"a label that cannot be", workload("  selector: {matchLabels: {app: a b}}\n"), "spec.selector.matchLabels"},
		{"an exit code that cannot be", workload(selects + "  crash: {exitCode: 256}\n"), "spec.crash.exitCode"},
		{"a time before the start", workload(selects + "  stopAfter: -1s\n"), "spec.stopAfter: Invalid value"},
		{"stopping and ignoring to stop", workload(selects + "  stopAfter: 1s\n  ignoresSIGTERM: true\n"), "spec.stopAfter: Forbidden"},
		{"never and later", workload(selects + "  ready: {never: true, after: 1s}\n"), "spec.ready.never"},
		{"a failure that ends before it begins", workload(selects + "  live: {failing: {from: 9s, to: 3s}}\n"), "spec.live.failing"},
		{"a back-off that grows backwards", workload(selects + "  backOff: {initial: 9s, max: 3s}\n"), "spec.backOff"},
		{"an API object", "apiVersion: v1\nkind: ConfigMap\n", "not k8slab.dev/v1alpha1 SimulatedWorkload"},
		{"a name twice", workload(selects) + "---\n" + workload(selects), "two simulated workloads are named it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Decode([]byte(tt.document))
			if tt.wantErr == "" && err != nil || tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)) {
				t.Errorf("error %v, want %q", err, tt.wantErr)
			}
		})
	}
}

func TestEveryMistakeIsNamedAtOnce(t *testing.T) {
	_, err := Decode([]byte(workload("  stopAfter: -1s\n")), []byte("---\n"+workload("  selector: {image: x}\n  crash: {times: -1}\n")))
	for _, want := range []string{"document 1", "spec.selector", "spec.stopAfter", "document 2", "spec.crash.times"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want it to name %s", err, want)
		}
	}
}

func TestSelectorsSelectContainers(t *testing.T) {
	tests := []struct {
		name     string
		selector Selector
		want     bool
	}{
		{"the namespace", Selector{Namespace: "shop"}, true},
		{"another namespace", Selector{Namespace: "other"}, false},
		{"the labels", Selector{LabelSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}}, true},
		{"other labels", Selector{LabelSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": "db"}}}, false},
		{"the image with its tag", Selector{Image: "registry:5000/web:1.2"}, true},
		{"the image with any tag", Selector{Image: "registry:5000/web"}, true},
		{"the image with another tag", Selector{Image: "registry:5000/web:1.3"}, false},
		{"another container of the pod", Selector{Namespace: "shop", Container: "proxy"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.selector.Selects("shop", map[string]string{"app": "web"}, "web", "registry:5000/web:1.2"); got != tt.want {
				t.Errorf("selects: %v, want %v", got, tt.want)
			}
		})
	}
}

func TestALaterBehaviourOverridesWhatItSaysAndKeepsTheRest(t *testing.T) {
	all, err := Decode([]byte(workload("  selector: {namespace: shop}\n  stopAfter: 40s\n  logs: hello\n") + "---\n" +
		strings.Replace(workload("  selector: {container: web}\n  stopAfter: 5s\n"), "it}", "later}", 1)))
	if err != nil {
		t.Fatal(err)
	}
	c := For(all, "shop", nil, "web", "x")
	if c.StopAfter.Duration != 5*time.Second || !slices.Equal(c.Logs, []string{"hello"}) {
		t.Errorf("stops after %v, logs %q", c.StopAfter, c.Logs)
	}
	if c := For(all, "other", nil, "db", "x"); c.StopAfter != nil {
		t.Errorf("a container that nothing selects stops after %v", c.StopAfter)
	}
}

func TestAProbeSucceedsOutsideTheTimesAtWhichItIsDeclaredToFail(t *testing.T) {
	seconds := func(n int) metav1.Duration { return metav1.Duration{Duration: time.Duration(n) * time.Second} }
	to := seconds(30)
	p := &Probe{After: seconds(5), Failing: &Window{From: seconds(20), To: &to}}
	for second, want := range map[int]bool{0: false, 4: false, 5: true, 19: true, 20: false, 29: false, 30: true} {
		if got := p.Succeeds(time.Duration(second) * time.Second); got != want {
			t.Errorf("after %d s it succeeds: %v, want %v", second, got, want)
		}
	}
	if (&Probe{Never: true}).Succeeds(time.Hour) || !(*Probe)(nil).Succeeds(0) {
		t.Error("never means never, and nothing declared means always")
	}
}
