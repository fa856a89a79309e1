package verify_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/engine/verify"
	"github.com/k8slab/k8slab/internal/testcluster"
	"github.com/k8slab/k8slab/text"
)

func TestMain(m *testing.M) { testcluster.Main(m) }

const (
	raise = "kubectl -n proof patch pdb web -p '{\"spec\":{\"minAvailable\":%d}}'\n"
	// refused is an object that the API server does not take.
	refused = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: both, namespace: proof}\nspec: {minAvailable: 1, maxUnavailable: 1}\n"
	check   = "  - id: %s\n    use: %s\n    title: {en: it, ja: それ}\n    with: {name: web%s}\n"
)

// step is an exercise in which the budget web is to keep three pods instead of one.
type step struct {
	checks, extra    string
	setup, alsoRight string
	wrong            map[string]string
}

// right has checks that are strict enough, and answers that agree with them.
func right() step {
	return step{
		checks:    fmt.Sprintf(check, "kept", "test/same", "") + fmt.Sprintf(check, "raised", "test/at-least", ", atLeast: 3"),
		alsoRight: fmt.Sprintf(raise, 4),
		wrong: map[string]string{
			"too-low.sh":   "# fails: raised\n" + fmt.Sprintf(raise, 2),
			"recreated.sh": "# fails: kept\nkubectl -n proof delete pdb web\nkubectl -n proof create pdb web --selector=app=web --min-available=3\n",
		},
	}
}

// proof is a lab of such steps.
func proof(t *testing.T, steps map[string]step) *content.Lab {
	t.Helper()
	files := fstest.MapFS{}
	write := func(name, text string) { files["10-proof/"+name] = &fstest.MapFile{Data: []byte(text)} }
	write("lab.yaml", "id: 10-proof\ntitle: {en: Proof, ja: 検証}\nsummary: {en: Proof., ja: 検証。}\nminutes: 1\n"+
		"cluster:\n  release: \"1.37\"\n  nodes:\n    - {name: worker-1, zone: z1, pool: apps}\n")
	write("setup/10-web.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: proof}\n---\napiVersion: policy/v1\nkind: PodDisruptionBudget\n"+
		"metadata: {name: web, namespace: proof}\nspec: {minAvailable: 1, selector: {matchLabels: {app: web}}}\n")
	lesson := "---\ntitle: Proof\n---\n\nRead.\n\n## Task {#task}\n\nDo it.\n\n## What happened {#debrief}\n\nDone.\n"
	for dir, s := range steps {
		write(dir+"/step.yaml", "points: 1\nchecks:\n"+s.checks+s.extra)
		write(dir+"/en.md", lesson)
		write(dir+"/ja.md", lesson)
		write(dir+"/solution.sh", "set -eu\n"+fmt.Sprintf(raise, 3))
		write(dir+"/also-right/other.sh", s.alsoRight)
		if s.setup != "" {
			write(dir+"/setup/10-more.yaml", s.setup)
		}
		for name, script := range s.wrong {
			write(dir+"/wrong/"+name, script)
		}
	}
	lab, err := content.Load(files, "10-proof")
	if err != nil {
		t.Fatal(err)
	}
	return lab
}

type budgetParams struct {
	Name    string `yaml:"name" doc:"Name of the budget." ja:"PodDisruptionBudget の名前。"`
	AtLeast int    `yaml:"atLeast,omitempty" doc:"Least minAvailable." ja:"minAvailable の下限。"`
}

func verdict(ok bool) checks.Result {
	text := text.Text{EN: "it", JA: "それ"}
	if ok {
		return checks.Result{Outcome: checks.Passed}
	}
	return checks.Result{Outcome: checks.Failed, Want: text, Got: text, Why: text}
}

// vocabulary has checks of a budget: strict ones, one that only asks whether there is any, and one that changes its
// mind.
func vocabulary(t *testing.T) *checks.Vocabulary {
	t.Helper()
	ask := func(name string, judge func(checks.Env, budgetParams, *policyv1.PodDisruptionBudget) bool) checks.Definition {
		return checks.Define(name, checks.Doc{}, func(ctx context.Context, env checks.Env, p budgetParams) (checks.Result, error) {
			budget, err := env.Client.PolicyV1().PodDisruptionBudgets("proof").Get(ctx, p.Name, metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				return verdict(false), nil
			}
			if err != nil {
				return checks.Result{}, err
			}
			return verdict(judge(env, p, budget)), nil
		})
	}
	var mu sync.Mutex
	var plays []time.Time
	v, err := checks.New(
		ask("test/exists", func(checks.Env, budgetParams, *policyv1.PodDisruptionBudget) bool { return true }),
		ask("test/at-least", func(_ checks.Env, p budgetParams, b *policyv1.PodDisruptionBudget) bool {
			return b.Spec.MinAvailable.IntValue() >= p.AtLeast
		}),
		ask("test/same", func(env checks.Env, p budgetParams, b *policyv1.PodDisruptionBudget) bool {
			was, found := env.Baseline.Object(policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget").GroupKind(), "proof", p.Name)
			return found && was.GetUID() == b.UID && b.Spec.MinAvailable.IntValue() > 1
		}),
		// Every second play that is right fails, however often it is graded.
		ask("test/flaky", func(env checks.Env, p budgetParams, b *policyv1.PodDisruptionBudget) bool {
			if b.Spec.MinAvailable.IntValue() < p.AtLeast {
				return false
			}
			mu.Lock()
			defer mu.Unlock()
			if !slices.Contains(plays, env.Since) {
				plays = append(plays, env.Since)
			}
			return slices.Index(plays, env.Since)%2 == 0
		}),
	)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// temporary is where clusters live while a test runs; nothing of them may be left there.
func temporary(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "v-") // short: a unix socket has to fit
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	t.Cleanup(func() {
		left, err := filepath.Glob(filepath.Join(dir, "k8slab-v-*"))
		if err != nil || len(left) > 0 {
			t.Errorf("%v is left, %v", left, err)
		}
		for pid, command := range testcluster.ProcessesOf(t, dir+"/") {
			t.Errorf("process %d is left: %s", pid, command)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func runner(t *testing.T, labs ...*content.Lab) verify.Runner {
	return verify.Runner{Labs: labs, Vocabulary: vocabulary(t), Parallel: 1, NearMisses: true, Providers: embeddedIn}
}

func embeddedIn(dir string) ([]cluster.Provider, error) {
	p, err := embedded.New(filepath.Join(dir, "clusters"))
	return []cluster.Provider{p}, err
}

// TestWhatIsWrongWithALabIsFound proves one lab whose first step is right and whose others each have one fault.
func TestWhatIsWrongWithALabIsFound(t *testing.T) {
	temporary(t)
	weak, loose, mislabelled, broken, accepting, unseedable := right(), right(), right(), right(), right(), right()
	unseedable.setup = refused
	weak.checks, weak.wrong = fmt.Sprintf(check, "there", "test/exists", ""), map[string]string{"deleted.sh": "# fails: there\nkubectl -n proof delete pdb web\n"}
	loose.checks = fmt.Sprintf(check, "kept", "test/same", "") + fmt.Sprintf(check, "raised", "test/at-least", ", atLeast: 2")
	loose.wrong = map[string]string{"recreated.sh": loose.wrong["recreated.sh"]}
	mislabelled.wrong["too-low.sh"] = strings.Replace(mislabelled.wrong["too-low.sh"], "raised", "kept", 1)
	broken.alsoRight += "echo on the way out\nexit 7\n"
	accepting.checks = loose.checks
	accepting.wrong["too-low.sh"] = "# fails: raised\nkubectl -n proof annotate pdb web note=x\n" + fmt.Sprintf(raise, 1)
	accepting.checks = fmt.Sprintf(check, "kept", "test/exists", "") + fmt.Sprintf(check, "raised", "test/at-least", ", atLeast: 2")
	accepting.checks = strings.Replace(accepting.checks, "  - id: kept", "invariants:\n  - id: kept", 1)
	first, second, _ := strings.Cut(accepting.checks, "  - id: raised")
	accepting.checks, accepting.extra = "  - id: raised"+second, first+
		"accepts:\n  - {near-miss: off-by-one/*/proof/web/*, reason: {en: two are enough, ja: 2 つで十分}}\n"+
		"  - {near-miss: recreated/*/proof/web, reason: {en: so be it, ja: 構わない}}\n  - {near-miss: without/*, reason: {en: none such, ja: ない}}\n"
	accepting.wrong = map[string]string{"too-low.sh": "# fails: raised\nkubectl -n proof annotate pdb web note=x\n", "gone.sh": "# fails: kept\nkubectl -n proof delete pdb web\n"}

	r := runner(t, proof(t, map[string]step{
		"10-right": right(), "20-weak": weak, "30-loose": loose, "40-mislabelled": mislabelled, "50-broken": broken, "60-accepting": accepting, "70-unseedable": unseedable,
	}))
	result, err := r.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	steps := map[string]verify.StepResult{}
	for _, s := range result.Steps {
		steps[s.Step] = s
	}
	if result.Passed {
		t.Error("the lab passes")
	}
	if s := steps["right"]; !s.Passed || s.Count(verify.NearMiss) != (verify.Count{OK: 5, All: 5}) {
		t.Errorf("the step without a fault does not pass: %+v", s)
	}
	for _, c := range []struct{ name, step, answer, want string }{
		{"a check that only asks for existence passes at the start", "weak", "nothing done", "there is passed, want failed or blocked"},
		{"a wrong answer that fails another check than it names", "mislabelled", "40-mislabelled/wrong/too-low.sh", "kept is passed, want failed"},
		{"a wrong answer fails a check that it does not name", "mislabelled", "40-mislabelled/wrong/too-low.sh", "raised is failed, want passed"},
		{"a starting state that the API server refuses", "unseedable", "70-unseedable/solution.sh", "it could not be played: the starting state of unseedable could not be made"},
		{"a script that ends with an error", "broken", "50-broken/also-right/other.sh", "the script ended with: exit status 7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, a := range steps[c.step].Answers {
				said := fmt.Sprint(a.Problems)
				if a.Name == c.answer && (a.Passed || !strings.Contains(said, c.want)) {
					t.Errorf("%s: %s, want %s", a.Name, said, c.want)
				}
				if a.Name == "50-broken/also-right/other.sh" && !strings.Contains(a.Transcript, "on the way out") {
					t.Errorf("the transcript is %q", a.Transcript)
				}
			}
		})
	}
	t.Run("a near miss survives a check that asks for too little", func(t *testing.T) {
		s := steps["loose"]
		if got := survivors(s); !slices.Equal(got, []string{"off-by-one/poddisruptionbudget/proof/web/spec.minAvailable"}) || s.Passed {
			t.Errorf("%v survive, passed is %v", got, s.Passed)
		}
		if len(s.Unkilled) != 1 || s.Unkilled[0].ID != "raised" || s.Unkilled[0].String() != "10-proof/30-loose/step.yaml:7" {
			t.Errorf("not killed: %v", s.Unkilled)
		}
	})
	t.Run("a near miss that is a right answer is accepted with a reason, and one that is none is said", func(t *testing.T) {
		s := steps["accepting"]
		if n := s.Count(verify.NearMiss); n.OK != n.All || len(survivors(s)) > 0 {
			t.Errorf("near misses: %+v", s.NearMisses)
		}
		if len(s.Unused) != 1 || s.Unused[0].ID != "without/*" || s.Passed {
			t.Errorf("unused: %v, passed is %v", s.Unused, s.Passed)
		}
	})
}

func survivors(s verify.StepResult) (ids []string) {
	for _, n := range s.NearMisses {
		if n.Outcome == verify.Survived {
			ids = append(ids, n.ID)
		}
	}
	return ids
}

func TestAVerdictThatDiffersWhenAnAnswerIsPlayedAgainIsFlaky(t *testing.T) {
	temporary(t)
	s := right()
	s.checks = fmt.Sprintf(check, "raised", "test/flaky", ", atLeast: 3")
	s.wrong = map[string]string{"too-low.sh": "# fails: raised\n" + fmt.Sprintf(raise, 2)}
	r := runner(t, proof(t, map[string]step{"10-flaky": s}))
	r.NearMisses, r.Repeat = false, 2
	result, err := r.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range result.Steps[0].Answers {
		want := a.Kind == verify.Solution || a.Kind == verify.AlsoRight
		if a.Flaky != want || a.Passed == want {
			t.Errorf("%s: flaky is %v, passed is %v: %v", a.Name, a.Flaky, a.Passed, a.Problems)
		}
	}
	if result.Passed {
		t.Error("the lab passes")
	}
}

func TestInterruptedRunLeavesNothingButWhatItFound(t *testing.T) {
	temporary(t)
	ctx, cancel := context.WithCancel(t.Context())
	r := runner(t, proof(t, map[string]step{"10-right": right()}))
	r.Repeat = 2
	r.Progress = func(e verify.Event) {
		if e.Ended {
			cancel()
		}
	}
	result, err := r.Run(ctx)
	if !errors.Is(err, context.Canceled) || result == nil {
		t.Fatalf("got %v, %v", result, err)
	}
	s := result.Steps[0]
	if len(s.Answers) != 1 || s.Answers[0].Kind != verify.Solution || !s.Answers[0].Passed || len(s.Answers[0].Verdicts) != 2 {
		t.Errorf("the solution was played, and the answers are %+v", s.Answers)
	}
	// The solution's second round, nothing done, another right answer and two wrong ones, beside the near misses of the
	// solution.
	if s.Unplayed < 6 || s.Passed || result.Passed {
		t.Errorf("%d are unplayed; the step passed: %t, the lab: %t", s.Unplayed, s.Passed, result.Passed)
	}
}

func TestALabOfWhichNothingCanBePlayedDoesNotPass(t *testing.T) {
	temporary(t)
	unseedable := right()
	unseedable.setup = refused
	r := runner(t, proof(t, map[string]step{"10-unseedable": unseedable}))
	result, err := r.Run(t.Context())
	if err != nil || result == nil {
		t.Fatalf("got %v, %v", result, err)
	}
	if n := len(result.Steps[0].Answers); result.Passed || n != 5 {
		t.Errorf("passed: %t, with %d answers", result.Passed, n)
	}
}

func TestRunSweepsWhatAKilledOneLeft(t *testing.T) {
	dir := temporary(t)
	left := filepath.Join(dir, "k8slab-v-1", "0", "k8slab", "clusters")
	p, err := embedded.New(left)
	if err != nil {
		t.Fatal(err)
	}
	spec := cluster.Spec{Name: "10-proof", Release: "1.37", Nodes: []cluster.Node{{Name: "worker-1", Zone: "z1"}}}
	if _, err := p.Ensure(t.Context(), spec, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "k8slab-v-1", "lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := runner(t)
	if _, err := r.Run(t.Context()); err == nil {
		t.Error("there is nothing to prove, and no error")
	}
}
