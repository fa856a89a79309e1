package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/verify"
	"github.com/k8slab/k8slab/internal/app"
	"github.com/k8slab/k8slab/text"
)

// disagreeing is the result of a proof in which something of every kind is wrong.
func disagreeing() *verify.Result {
	say := func(en, ja string) []text.Text { return []text.Text{{EN: en, JA: ja}} }
	return &verify.Result{Parallel: 4, Repeat: 2, Elapsed: 83 * time.Second, Steps: []verify.StepResult{
		{Lab: "11-maintenance", Step: "drain", Dir: "10-drain", Passed: true,
			Answers: []verify.AnswerResult{{Name: "nothing done", Kind: verify.Nothing, Passed: true}, {Name: "10-drain/solution.sh", Kind: verify.Solution, Passed: true}}},
		{Lab: "11-maintenance", Step: "deadlock", Dir: "20-deadlock",
			Answers: []verify.AnswerResult{
				{Name: "nothing done", Kind: verify.Nothing, Problems: say("floor is failed, want passed", "floor は failed です。passed でなければなりません")},
				{Name: "20-deadlock/also-right/half.sh", Kind: verify.AlsoRight, Flaky: true, Problems: say("its verdict differs when it is played again", "繰り返すと判定が変わります")},
				{Name: "20-deadlock/wrong/decoy.sh", Kind: verify.Wrong, Fails: "floor", Transcript: "poddisruptionbudget.policy/decoy created\n\x1b[31m100%\x1b[0m\n",
					Problems: say("floor is passed, want failed", "floor は passed です。failed でなければなりません")},
			},
			Unkilled: []verify.Place{{ID: "never-below", File: "11-maintenance/20-deadlock/step.yaml", Line: 61}},
			NearMisses: []verify.NearMissResult{
				{ID: "reverted", Outcome: verify.Killed, By: []string{"floor"}},
				{ID: "recreated/deployment/shop/web", Outcome: verify.WasAccepted, Reason: text.Text{EN: "so be it", JA: "構わない"}},
				{ID: "off-by-one/deployment/shop/web/spec.replicas", Outcome: verify.Survived, Does: text.Text{EN: "spec.replicas of deployment/web is 4 instead of 5", JA: "deployment/web の spec.replicas を 5 ではなく 4 にする"}},
			},
			Unused: []verify.Place{{ID: "without/*", File: "11-maintenance/20-deadlock/step.yaml", Line: 90}}},
	}}
}

func proving(result *verify.Result, err error) Parts {
	return Parts{Verify: func(_ context.Context, r verify.Runner) (*verify.Result, error) {
		r.Progress(verify.Event{Lab: "11-maintenance", Step: "drain", Answer: "10-drain/solution.sh", Kind: verify.Solution, All: 5})
		r.Progress(verify.Event{Lab: "11-maintenance", Step: "drain", Answer: "10-drain/solution.sh", Kind: verify.Solution, Ended: true, Passed: true, Elapsed: 2 * time.Second, Done: 1, All: 5})
		return result, err
	}}
}

func typed(t *testing.T, parts Parts, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Run(t.Context(), args, Streams{Out: &out, Err: &errs, Env: append([]string{"XDG_STATE_HOME=" + t.TempDir()}, env...)}, parts)
	return out.String(), errs.String(), code
}

func TestVerifyShowsWhatDisagrees(t *testing.T) {
	for _, lang := range text.Langs {
		for _, width := range []string{"80", "40"} {
			name := "verify." + string(lang) + "." + width + ".txt"
			t.Run(name, func(t *testing.T) {
				out, errs, code := typed(t, proving(disagreeing(), nil), []string{"LANG=" + string(lang), "COLUMNS=" + width}, "verify")
				if code != exitChecks {
					t.Errorf("exit code %d, want %d", code, exitChecks)
				}
				golden(t, name, "$ k8slab verify\n"+out+"-- stderr --\n"+errs)
				narrow(t, out, map[string]int{"80": 80, "40": 40}[width])
			})
		}
	}
}

// TestVerifyComparesKindsOfCluster plays a lab on two kinds of cluster, which do not agree about everything.
func TestVerifyComparesKindsOfCluster(t *testing.T) {
	verifyOn := Parts{Verify: func(_ context.Context, r verify.Runner) (*verify.Result, error) {
		result := disagreeing()
		result.Cluster, result.Passed = r.Cluster, true
		drain := &result.Steps[0]
		outcome, told := checks.Failed, text.Text{EN: "wanted an empty node; got 2 pods", JA: "期待は空の Node、実際は 2 個の Pod"}
		if r.Cluster == "kind" {
			outcome, told = checks.Errored, text.Text{EN: "the record has a gap", JA: "記録が途切れています"}
			result.Steps[1] = verify.StepResult{Lab: "11-maintenance", Step: "deadlock", Passed: true, Unplayable: &text.Text{
				EN: "11-maintenance/deadlock begins with kubelets of given releases, and nodes keep the kubelets that they have; kind clusters cannot play it",
				JA: "11-maintenance/deadlock は決まったリリースの kubelet で始まりますが、Node の kubelet は変えられません。kind のクラスターでは実行できません",
			}}
		} else {
			result.Steps[1] = verify.StepResult{Lab: "11-maintenance", Step: "deadlock", Passed: true}
		}
		for i := range drain.Answers {
			drain.Answers[i].Verdicts = []verify.Verdict{{Check: "emptied", Outcome: checks.Failed}}
		}
		drain.Answers[1].Verdicts = []verify.Verdict{{Check: "emptied", Outcome: outcome, Told: told}}
		return result, nil
	}}
	for _, lang := range text.Langs {
		name := "verify-clusters." + string(lang) + ".txt"
		t.Run(name, func(t *testing.T) {
			out, errs, code := typed(t, verifyOn, []string{"LANG=" + string(lang), "COLUMNS=80"}, "verify", "--cluster", "embedded,kind")
			if code != exitChecks {
				t.Errorf("exit code %d, want %d", code, exitChecks)
			}
			golden(t, name, "$ k8slab verify --cluster embedded,kind\n"+out+"-- stderr --\n"+errs)
			narrow(t, out, 80)
		})
	}
	out, _, _ := typed(t, verifyOn, nil, "verify", "--cluster", "embedded,kind", "-o", "json")
	var all struct {
		Passed  bool
		Results []verify.Result
		Parity  verify.Parity
	}
	if err := json.Unmarshal([]byte(out), &all); err != nil || all.Passed || all.Parity.Same || len(all.Results) != 2 || len(all.Parity.Steps) != 2 {
		t.Errorf("%v in %s", err, out)
	}
}

// sampled is the result of a proof of two labs of which a change touches one.
func sampled() *verify.Result {
	result := &verify.Result{Parallel: 3, Repeat: 1, Passed: true, Elapsed: 83 * time.Second, Selection: &verify.Selected{
		Since: "origin/main", Commit: "4d0a7eeb44ab4ad362d03bf04ab5471c3863c8a2", Sample: 2, Whole: []verify.WholeLab{{Lab: "11-maintenance", Because: "labs/11-maintenance"}},
	}}
	for _, name := range []string{"11-maintenance/drain", "11-versions/skew", "11-versions/nodes"} {
		lab, step, _ := strings.Cut(name, "/")
		one := verify.StepResult{Lab: lab, Step: step, Passed: true}
		add := func(kind verify.Kind, n int) {
			for range n {
				one.Answers = append(one.Answers, verify.AnswerResult{Kind: kind, Passed: true})
			}
		}
		add(verify.Nothing, 1)
		add(verify.Solution, 1)
		add(verify.Wrong, 2)
		if lab == "11-versions" {
			one.LeftOut = &verify.LeftOut{AlsoRight: 3, Wrong: 8}
		} else {
			add(verify.AlsoRight, 3)
			one.NearMisses = []verify.NearMissResult{{ID: "reverted", Outcome: verify.Killed}}
		}
		result.Steps = append(result.Steps, one)
	}
	return result
}

func TestVerifySaysWhatASampleLeavesOut(t *testing.T) {
	for _, lang := range text.Langs {
		for _, width := range []string{"80", "40"} {
			name := "verify-sampled." + string(lang) + "." + width + ".txt"
			t.Run(name, func(t *testing.T) {
				out, errs, code := typed(t, proving(sampled(), nil), []string{"LANG=" + string(lang), "COLUMNS=" + width}, "verify")
				if code != 0 {
					t.Errorf("exit code %d", code)
				}
				golden(t, name, "$ k8slab verify\n"+out+"-- stderr --\n"+errs)
				narrow(t, out, map[string]int{"80": 80, "40": 40}[width])
			})
		}
	}
}

func TestVerifyAsksForASampleWithoutAChange(t *testing.T) {
	var asked *verify.Selection
	parts := Parts{Verify: func(_ context.Context, r verify.Runner) (*verify.Result, error) {
		asked = r.Selection
		return sampled(), nil
	}}
	if typed(t, parts, nil, "verify"); asked != nil {
		t.Errorf("nobody asked for a sample, and there is %+v", asked)
	}
	if typed(t, parts, nil, "verify", "--sample", "0"); asked == nil || asked.Sample != 0 || asked.Change != nil || len(asked.Commit) != 40 {
		t.Errorf("asked for a sample of none: %+v", asked)
	}
	typed(t, parts, nil, "verify", "--changed-since", "HEAD")
	if asked == nil || asked.Sample != verify.DefaultSample || asked.Change == nil || asked.Change.Own == nil || asked.Change.Folder("x") != "labs/x" {
		t.Errorf("asked for what has changed: %+v", asked)
	}
}

func TestVerifyAnswersInJSONAndJUnit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "junit.xml")
	out, _, code := typed(t, proving(disagreeing(), nil), nil, "verify", "--junit", file, "-o", "json")
	var result verify.Result
	if err := json.Unmarshal([]byte(out), &result); err != nil || code != exitChecks || len(result.Steps) != 2 {
		t.Errorf("%v, exit code %d in %s", err, code, out)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string `xml:"name,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
					Text    string `xml:",chardata"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(raw, &suites); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	if suites.Tests != 10 || suites.Failures != 5 || len(suites.Suites) != 2 {
		t.Errorf("%d tests, %d failures, %d suites in %s", suites.Tests, suites.Failures, len(suites.Suites), raw)
	}
	for _, c := range suites.Suites[1].Cases {
		if c.Name == "20-deadlock/wrong/decoy.sh" && (c.Failure == nil || c.Failure.Message != "floor is passed, want failed" || !strings.Contains(c.Failure.Text, "decoy created")) {
			t.Errorf("the failure is %+v", c.Failure)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the file there is %v, %v", entries, err)
	}
}

func TestAnnotationsAreEscapedAsGitHubReadsThem(t *testing.T) {
	result := disagreeing()
	result.Steps[1].Answers[2].Problems = append(result.Steps[1].Answers[2].Problems, text.Text{EN: "50% :: of\r\nall", JA: "半分"})
	from := &labSet{&app.Labs{All: []*content.Lab{{ID: "11-maintenance"}}}}
	var lines []string
	for _, a := range annotations(from, result, text.English) {
		lines = append(lines, a.String())
	}
	got := strings.Join(lines, "\n")
	want := strings.Join([]string{
		"::error file=11-maintenance/20-deadlock/step.yaml,line=1,title=11-maintenance/deadlock::floor is failed, want passed",
		"::error file=11-maintenance/20-deadlock/also-right/half.sh,line=1,title=11-maintenance/deadlock::its verdict differs when it is played again",
		"::error file=11-maintenance/20-deadlock/wrong/decoy.sh,line=1,title=11-maintenance/deadlock::floor is passed, want failed%0A50%25 :: of%0D%0Aall",
		"::error file=11-maintenance/20-deadlock/step.yaml,line=1,title=11-maintenance/deadlock::the near miss off-by-one/deployment/shop/web/spec.replicas is survived: spec.replicas of deployment/web is 4 instead of 5",
		"::error file=11-maintenance/20-deadlock/step.yaml,line=61,title=11-maintenance/deadlock::no wrong answer fails never-below",
		"::error file=11-maintenance/20-deadlock/step.yaml,line=90,title=11-maintenance/deadlock::no near miss that passes is called without/*",
	}, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, errs, _ := typed(t, proving(result, nil), nil, "verify"); strings.Contains(errs, "::error") {
		t.Errorf("annotated although nobody reads it: %s", errs)
	}
}

func TestAComparisonThatEndedEarlyIsNoProofOfOneKind(t *testing.T) {
	whole := &verify.Result{Cluster: "embedded", Passed: true, Steps: []verify.StepResult{{Lab: "11-maintenance", Step: "drain", Passed: true}}}
	parts := Parts{Verify: func(_ context.Context, r verify.Runner) (*verify.Result, error) {
		if r.Cluster == "kind" {
			return nil, problem.New(problem.Cluster, text.New("no engine runs", "エンジンが動いていません"), action.Do(action.Doctor).With("cluster", "kind"))
		}
		return whole, nil
	}}
	junit := filepath.Join(t.TempDir(), "verify.xml")
	out, errs, code := typed(t, parts, nil, "verify", "--cluster", "embedded,kind", "-o", "json", "--junit", junit)
	var told struct {
		Passed  bool
		Results []verify.Result
		Parity  *verify.Parity
	}
	if err := json.Unmarshal([]byte(out), &told); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if code != exitCluster || told.Passed || len(told.Results) != 1 || told.Parity != nil || !strings.Contains(errs, "no engine runs") {
		t.Errorf("exit code %d, stdout %s, stderr %s", code, out, errs)
	}
	if written, err := os.ReadFile(junit); err != nil || !strings.Contains(string(written), `name="embedded: 11-maintenance/drain"`) {
		t.Errorf("JUnit: %s, %v", written, err)
	}
}

func TestInterruptedVerifyShowsWhatItFound(t *testing.T) {
	found := disagreeing()
	found.Steps[1].Unplayed = 3
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	junit := filepath.Join(t.TempDir(), "verify.xml")
	var out, errs bytes.Buffer
	code := Run(ctx, []string{"verify", "--junit", junit}, Streams{Out: &out, Err: &errs, Env: []string{"XDG_STATE_HOME=" + t.TempDir()}}, proving(found, context.Canceled))
	if code != exitInterrupted || !strings.Contains(errs.String(), "nothing is left") {
		t.Errorf("exit code %d, stderr %q", code, errs.String())
	}
	if !strings.Contains(out.String(), "Not played, as the run ended early: 3\nof 11-maintenance/deadlock.") || !strings.Contains(out.String(), "20-deadlock/wrong/decoy.sh") {
		t.Errorf("stdout %q", out.String())
	}
	written, err := os.ReadFile(junit)
	if err != nil || !strings.Contains(string(written), `<skipped message="not played, as the run ended early: 3">`) {
		t.Errorf("JUnit: %s, %v", written, err)
	}
}

func TestInterruptedVerifySaysThatNothingIsLeft(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	code := Run(ctx, []string{"verify"}, Streams{Out: &out, Err: &errs, Env: []string{"XDG_STATE_HOME=" + t.TempDir()}}, proving(nil, context.Canceled))
	if code != exitInterrupted || !strings.Contains(errs.String(), "nothing is left") {
		t.Errorf("exit code %d, stderr %q", code, errs.String())
	}
}
