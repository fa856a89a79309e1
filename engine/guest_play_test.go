package engine_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path"
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
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/aks"
	"github.com/k8slab/k8slab/engine/cluster/aks/akstest"
	"github.com/k8slab/k8slab/engine/grading"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// aksNodes returns nodes that have names as AKS gives them, and stand in the zones of a region.
func aksNodes() []cluster.Node {
	return nodes("aks-apps-31415926-vmss000000", "aks-apps-31415926-vmss000001", "aks-apps-31415926-vmss000002", "aks-apps-31415926-vmss000003")
}

// TestALabIsPlayedOnAKSAndLeavesTheClusterAsItWas plays 11-maintenance, as far as it can be played there, against the
// Azure SDK's fake servers.
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
	consent := func(_ context.Context, v *engine.VisitPlan) error {
		asked++
		if v.Host.Server != c.Server || v.Host.Context != "k8slab-theirs" || len(v.Host.Production) > 0 {
			t.Errorf("asked about %+v", v.Host)
		}
		return nil
	}
	c.behave(t, lab)
	opts := engine.StartOptions{Provider: aks.Name, Place: akstest.Place(), AllowNodes: true, Consent: consent}
	p, err := e.Start(t.Context(), lab.ID, opts, nil)
	if err != nil {
		t.Fatal(err)
	}
	var played []string
	for range lab.Steps {
		s := p.Session()
		played = append(played, s.Step.ID)
		t.Run(s.Step.ID, func(t *testing.T) { c.playStep(t, p) })
		if p, err = e.Open(t.Context(), lab.ID); err != nil {
			t.Fatal(err)
		}
		if following, _ := s.Following(); following == nil {
			break
		}
		if err = p.Next(t.Context(), true, nil); err != nil {
			t.Fatal(err)
		}
	}
	if want := "drain deadlock two-budgets unready graceful spread"; strings.Join(played, " ") != want {
		t.Errorf("played %v, want %s", played, want)
	}
	t.Run("node-loss", func(t *testing.T) { c.refusesNodeLoss(t, e, p) })
	if p, err = e.Start(t.Context(), lab.ID, engine.StartOptions{Consent: consent}, nil); err != nil || !p.Session().Resumed {
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
		if !strings.HasPrefix(changed, "nodes//") { // the nodes were drained and uncordoned again
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

// behave makes the pods do what the lab's images do on machines: the nodes of this cluster are simulated, too.
func (c theirs) behave(t *testing.T, lab *content.Lab) {
	t.Helper()
	var documents []byte
	for _, step := range lab.Steps {
		for _, file := range step.Setup {
			if bytes.Contains(file.Data, []byte("kind: SimulatedWorkload")) {
				documents = append(append(documents, "---\n"...), file.Data...)
			}
		}
	}
	if err := c.provider.SetBehaviors(t.Context(), "theirs", documents); err != nil {
		t.Fatal(err)
	}
}

// playStep types the solution of the session's step. It requires the step to pass then, and to fail before: unsolved,
// and after a wrong answer.
func (c theirs) playStep(t *testing.T, p *engine.Play) {
	s := p.Session()
	lesson := s.Step.Lessons[text.English]
	if strings.Contains(lesson.Intro+lesson.Task, "worker-") {
		t.Errorf("the lesson speaks of nodes that are not there: %s", lesson.Task)
	}
	grade := func() *grading.Report {
		t.Helper()
		report, err := p.Check(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		mustLeaveOut(t, s, report)
		return report
	}
	again := func() {
		t.Helper()
		var err error
		if err = p.Reset(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if report := grade(); report.Passed || report.Points != 0 {
		t.Fatalf("before anything was done: %+v", report)
	}
	if s.Step.ID == "deadlock" {
		c.sh(t, s, wrongAnswer(t, s.Step, "floor-lowered.sh"))
		report := grade()
		if v := verdict(t, report, "floor"); v.Outcome != checks.Failed || report.Passed || report.Points != 0 {
			t.Errorf("the budget was made weaker: %s, %+v", v.Outcome, report)
		}
		again()
	}
	c.sh(t, s, s.Step.Solution)
	report := grade()
	for _, v := range report.Verdicts {
		if v.Outcome != checks.Passed && v.Outcome != checks.NotJudged {
			t.Errorf("%s: %s %s %s %v", v.ID, v.Outcome, v.Got.EN, v.Error, v.BlockedBy)
		}
	}
	if !report.Passed || report.Points != s.Step.Points {
		t.Errorf("passed %v, %d points of %d", report.Passed, report.Points, s.Step.Points)
	}
	if s.Step.ID == "deadlock" { // without an audit log, nobody knows how the pods were removed
		again()
		c.sh(t, s, wrongAnswer(t, s.Step, "disable-eviction.sh"))
		report := grade()
		if v := verdict(t, report, "not-deleted"); v.Outcome != checks.NotJudged || !report.Passed {
			t.Errorf("the pods were deleted: %s, %+v", v.Outcome, report)
		}
	}
}

// asksThePast are the checks that a cluster without an audit log cannot answer.
var asksThePast = []string{
	"workload/never-below", "pod/evicted-not-deleted", "pdb/floor-at-disruptions", "workload/pods-not-deleted", "pod/stopped-by-itself",
}

// mustLeaveOut requires that the checks which ask for the past, and no others, are left out with a reason.
func mustLeaveOut(t *testing.T, s *engine.Session, report *grading.Report) {
	t.Helper()
	left := 0
	for _, v := range report.Verdicts {
		if past := slices.Contains(asksThePast, v.Use); past != (v.Outcome == checks.NotJudged) || past != strings.Contains(v.Reason.EN, "audit-log") || past != strings.Contains(v.Reason.JA, "aks") {
			t.Errorf("%s, which uses %s, is %s: %q", v.ID, v.Use, v.Outcome, v.Reason.EN)
		} else if past {
			left++
		}
		for _, id := range v.BlockedBy {
			if by := verdict(t, report, id); by.Outcome == checks.NotJudged {
				t.Errorf("%s waits for %s, which nobody judges", v.ID, id)
			}
		}
	}
	for _, fit := range s.Fits {
		if fit.Step == s.Step.ID && (fit.NotJudged != left || left == 0) {
			t.Errorf("it was said that %d are not judged, and %d are not", fit.NotJudged, left)
		}
	}
}

func verdict(t *testing.T, report *grading.Report, id string) grading.Verdict {
	t.Helper()
	for _, v := range report.Verdicts {
		if v.ID == id {
			return v
		}
	}
	t.Fatalf("there is no check %s", id)
	return grading.Verdict{}
}

func wrongAnswer(t *testing.T, step *content.Step, name string) content.File {
	t.Helper()
	for _, w := range step.Wrong {
		if path.Base(w.Path) == name {
			return w.File
		}
	}
	t.Fatalf("%s has no wrong answer %s", step.ID, name)
	return content.File{}
}

// sh runs a script of the lab as the learner.
func (c theirs) sh(t *testing.T, s *engine.Session, script content.File) {
	t.Helper()
	kubectl, err := c.provider.Kubectl(t.Context(), "theirs")
	if err != nil {
		t.Fatal(err)
	}
	sh := exec.CommandContext(t.Context(), "sh", "-c", string(script.Data))
	sh.Env = []string{"KUBECONFIG=" + s.Cluster.Kubeconfig, "PATH=" + filepath.Dir(kubectl) + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	if out, err := sh.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", script.Path, err, out)
	}
}

// refusesNodeLoss requires the last step to be refused on every way that leads to it: nobody can switch off the
// machines of this cluster.
func (c theirs) refusesNodeLoss(t *testing.T, e *engine.Engine, p *engine.Play) {
	before := c.atRest(t)
	for way, try := range map[string]func() error{
		"next": func() error { return p.Next(t.Context(), true, nil) },
		"goto": func() error { return p.Goto(t.Context(), "node-loss", nil) },
		"start": func() error {
			_, err := e.Start(t.Context(), p.Session().Lab.ID, engine.StartOptions{Step: "node-loss", Consent: yes}, nil)
			return err
		},
	} {
		if err := try(); problem.KindOf(err) != problem.Usage || err == nil || way != "next" && !strings.Contains(err.Error(), "node-loss needs node-power") {
			t.Errorf("%s: %v", way, err)
		}
	}
	if changed := difference(before, c.versions(t)); len(changed) > 0 {
		t.Errorf("changed: %s", strings.Join(changed, "\n"))
	}
	if now, err := e.Open(t.Context(), p.Session().Lab.ID); err != nil || now.Session().Step.ID != "spread" {
		t.Errorf("the session is at %v, %v", now, err)
	}
}

// TestChecksReadWhatTheCloudSays grades with a check that asks for the upgrade channel.
func TestChecksReadWhatTheCloudSays(t *testing.T) {
	vocabulary, err := checks.New(checks.Define("managed/channel", checks.Doc{
		Summary: text.Text{EN: "The channel is the one.", JA: "チャネルが合っている。"}, Pass: text.Text{EN: "It is.", JA: "合っている。"}, Fail: text.Text{EN: "It is not.", JA: "合っていない。"},
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
	e, err := engine.New(engine.Config{Labs: catalog.Loaded(lab), Vocabulary: vocabulary, StateDir: state,
		Providers: []cluster.Provider{akstest.New(c.Kubeconfig).Provider(filepath.Join(state, "aks"))}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := e.Start(t.Context(), lab.ID, engine.StartOptions{Place: akstest.Place(), Consent: yes}, nil)
	if err != nil {
		t.Fatal(err)
	}
	report, err := p.Check(t.Context(), nil)
	if err != nil || !report.Passed {
		t.Errorf("got %+v, %v", report, err)
	}
}
