package engine_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/aks"
	"github.com/k8slab/k8slab/engine/cluster/aks/akstest"
)

// aksNodes are called as AKS calls them, and stand in the zones of a region.
func aksNodes() []cluster.Node {
	return nodes("aks-apps-31415926-vmss000000", "aks-apps-31415926-vmss000001", "aks-apps-31415926-vmss000002", "aks-apps-31415926-vmss000003")
}

// TestALabIsPlayedOnAKSAndLeavesTheClusterAsItWas goes through 11-maintenance behind the Azure SDK's fake servers.
func TestALabIsPlayedOnAKSAndLeavesTheClusterAsItWas(t *testing.T) {
	c := someoneElses(t, aksNodes())
	c.makeNamespace(t, "team-a")
	_, err := c.client.CoreV1().ConfigMaps("team-a").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "settings"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	before := c.atRest(t)
	lab, state := maintenance(t), t.TempDir()
	e := newEngine(t, state, lab, akstest.New(c.Kubeconfig).Provider(filepath.Join(state, "aks")))
	asked := 0
	consent := func(_ context.Context, v *engine.Visit) error {
		asked++
		if v.Host.Server != c.Server || v.Host.Context != "k8slab-theirs" || len(v.Host.Production) > 0 {
			t.Errorf("asked about %+v", v.Host)
		}
		return nil
	}
	opts := engine.StartOptions{Provider: aks.Name, Place: akstest.Place(), AllowNodes: true, Consent: consent}
	s, err := e.Start(t.Context(), lab.ID, opts, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range lab.Steps {
		if i > 0 {
			if s, err = e.Next(t.Context(), s, nil); err != nil {
				t.Fatal(err)
			}
		}
		t.Run(s.Step.ID, func(t *testing.T) { c.playStep(t, e, s) })
		if s, err = e.Session(t.Context(), lab.ID); err != nil {
			t.Fatal(err)
		}
	}
	if s, err = e.Start(t.Context(), lab.ID, engine.StartOptions{Consent: consent}, nil); err != nil || !s.Resumed {
		t.Errorf("go on: %v", err)
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	left, err := e.Delete(t.Context(), lab.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(left.Removed, "namespace/shop") || len(left.Left)+len(left.Unseen)+len(left.Cordoned) > 0 {
		t.Errorf("left %+v", left)
	}
	for _, changed := range difference(before, c.atRest(t)) {
		if !strings.HasPrefix(changed, "nodes//") { // they were drained and opened again
			t.Errorf("not as it was: %s", changed)
		}
	}
	list, err := c.client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range list.Items {
		if n.Spec.Unschedulable {
			t.Errorf("%s is cordoned", n.Name)
		}
	}
}

// playStep types the solution of the session's step and wants it to pass, after the unsolved step has failed.
func (c theirs) playStep(t *testing.T, e *engine.Engine, s *engine.Session) {
	lesson := s.Step.Lessons[content.English]
	if strings.Contains(lesson.Intro+lesson.Task, "worker-") {
		t.Errorf("the lesson speaks of nodes that are not there: %s", lesson.Task)
	}
	report, err := e.Check(t.Context(), s)
	if err != nil || report.Passed {
		t.Fatalf("before anything was done: %+v, %v", report, err)
	}
	kubectl, err := c.provider.Kubectl(t.Context(), "theirs")
	if err != nil {
		t.Fatal(err)
	}
	sh := exec.CommandContext(t.Context(), "sh", "-c", string(s.Step.Solution.Data))
	sh.Env = []string{"KUBECONFIG=" + s.Cluster.Kubeconfig, "PATH=" + filepath.Dir(kubectl) + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	if out, err := sh.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	report, err = e.Check(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range report.Verdicts {
		if v.Outcome != checks.Passed {
			t.Errorf("%s: %s %s %s", v.ID, v.Outcome, v.Got.EN, v.Error)
		}
	}
}

// TestChecksReadWhatTheCloudSays has a check of its own that asks for the channel.
func TestChecksReadWhatTheCloudSays(t *testing.T) {
	vocabulary, err := checks.New(checks.Define("managed/channel", checks.Doc{
		Summary: content.Text{EN: "The channel is the one.", JA: "チャネルが合っている。"}, Pass: content.Text{EN: "It is.", JA: "合っている。"}, Fail: content.Text{EN: "It is not.", JA: "合っていない。"},
	}, func(ctx context.Context, env checks.Env, _ struct{}) (checks.Result, error) {
		facts, err := env.Managed(ctx)
		if err != nil {
			return checks.Result{}, err
		}
		if facts.UpgradeChannel != "stable" {
			return checks.Result{}, errors.New("the channel is " + facts.UpgradeChannel)
		}
		return checks.Result{Outcome: checks.Passed}, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	lesson := "---\ntitle: T\n---\n\nA.\n\n## T {#task}\n\nB.\n\n## D {#debrief}\n\nC.\n"
	lab, err := content.Load(fstest.MapFS{
		"90-channel/lab.yaml":          {Data: []byte("id: 90-channel\ntitle: {en: T, ja: 題}\nsummary: {en: S., ja: 要。}\nminutes: 5\ncluster:\n  release: \"1.37\"\n  nodes:\n    - {name: worker-1, zone: z1, pool: apps}\n")},
		"90-channel/10-read/step.yaml": {Data: []byte("points: 1\nchecks:\n  - id: channel\n    use: managed/channel\n    title: {en: T, ja: 題}\n")},
		"90-channel/10-read/en.md":     {Data: []byte(lesson)}, "90-channel/10-read/ja.md": {Data: []byte(lesson)},
		"90-channel/10-read/setup/10.yaml":   {Data: []byte("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: channel\n")},
		"90-channel/10-read/also-right/a.sh": {Data: []byte("set -eu\nkubectl get pods\n")},
		"90-channel/10-read/solution.sh":     {Data: []byte("set -eu\nkubectl get nodes\n")},
		"90-channel/10-read/wrong/none.sh":   {Data: []byte("# fails: channel\nkubectl get nodes\n")},
	}, "90-channel")
	if err != nil {
		t.Fatal(err)
	}
	c := someoneElses(t, aksNodes())
	state := t.TempDir()
	e, err := engine.New(engine.Config{Labs: []*content.Lab{lab}, Vocabulary: vocabulary, StateDir: state,
		Providers: []cluster.Provider{akstest.New(c.Kubeconfig).Provider(filepath.Join(state, "aks"))}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := e.Start(t.Context(), lab.ID, engine.StartOptions{Place: akstest.Place(), Consent: yes}, nil)
	if err != nil {
		t.Fatal(err)
	}
	report, err := e.Check(t.Context(), s)
	if err != nil || !report.Passed {
		t.Errorf("got %+v, %v", report, err)
	}
}
