package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/grading"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/engine/timeline"
	"github.com/k8slab/k8slab/internal/terminal"
	"github.com/k8slab/k8slab/internal/testcluster"
	"github.com/k8slab/k8slab/text"
)

var update = flag.Bool("update", false, "write the golden files again")

// TestMain makes the test binary act as k8slab if it is called by that name, and so as the supervisor of the clusters.
func TestMain(m *testing.M) {
	if err := testcluster.UseExecutables(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	testscript.Main(m, map[string]func(){"k8slab": func() { os.Exit(Main()) }})
}

// TestScripts types commands into the real program, without a cluster.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join("testdata", "script"),
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
			env.Setenv("K8SLAB_CONTROLPLANE_DIR", filepath.Join(env.WorkDir, "nothing-here"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"guide": guide},
	})
}

// played is an engine whose cluster has just answered, so that every answer can be rendered in both languages and at
// every width. The answers of a real engine are proved with the labs.
type played struct {
	Engine
	session *engine.Session
	report  *grading.Report
	err     error
	calls   []string
	damage  []progress.Damage
	// source of the lab, and the labs of sources that are left out.
	source  string
	leftOut []catalog.Offer
	// findings stand in the way of an upgrade.
	findings []engine.Obstacle
	// host is a cluster that somebody else made; nil for one of k8slab's own.
	host *cluster.Host
	// cloud runs the host.
	cloud cloud
}

func newPlayed() *played {
	step := func(id, en, ja string) *content.Step {
		lesson := func(title, intro, task, debrief, hint string) *content.Lesson {
			return &content.Lesson{Title: title, Intro: intro, Task: task, Debrief: debrief, Hints: []string{hint, hint},
				Notes: map[string]string{"embedded": hint}}
		}
		return &content.Step{ID: id, Dir: "10-" + id, Points: 10, Hints: []content.Hint{{Cost: 0}, {Cost: 2}},
			Solution: content.File{Path: "solution.sh", Data: []byte("kubectl drain worker-2\n")},
			Lessons: map[text.Lang]*content.Lesson{
				text.English:  lesson(en, "A node is due for a reboot, and everything that runs on it will go down with it.", "Empty worker-2:\n\n```sh\nkubectl get pods -o wide --field-selector spec.nodeName=worker-2 -A\n```", "A drain asks the **budget** first.", "Look at what `kubectl drain` refuses."),
				text.Japanese: lesson(ja, "ノードが再起動されます。その上で動いているものは、すべて一緒に止まります。", "worker-2を空にしてください。\n\n```sh\nkubectl get pods -o wide --field-selector spec.nodeName=worker-2 -A\n```", "drainはまず**予算**を確かめます。", "`kubectl drain`が何を拒むかを見てください。"),
			}}
	}
	lab := &content.Lab{ID: "11-maintenance", Title: text.Text{EN: "Controlling reboot impact", JA: "再起動の影響を抑える"}, Minutes: 75,
		Cluster: content.ClusterShape{Release: "1.37"},
		Steps:   []*content.Step{step("drain", "Empty a node", "ノードを空にする"), step("deadlock", "A budget that never lets go", "手放さない予算")}}
	return &played{session: &engine.Session{Lab: lab, Step: lab.Steps[0],
		Cluster: &cluster.Cluster{Name: lab.ID, Provider: "embedded", State: cluster.Running, Version: "v1.37.2", Server: "https://127.0.0.1:6443", Kubeconfig: "/state/it's here/kubeconfig",
			Components: []cluster.Component{{Name: "etcd", State: "running", PID: 41}, {Name: "kube-scheduler", State: "crashed", Restarts: 3, LastError: "exit status 1"}}},
		Attempt: &progress.Lab{ID: lab.ID, Attempt: "a", Step: "drain", Steps: map[string]*progress.Step{"drain": {ID: "drain", Hints: 1, HintsSeen: 1}}}},
		report: &grading.Report{Lab: lab.ID, Step: "drain", Max: 10, Verdicts: []grading.Verdict{
			{ID: "drained", Use: "node/drained", Title: text.Text{EN: "worker-2 is empty", JA: "worker-2 が空である"}, Result: checks.Result{
				Outcome: checks.Failed, Object: "pod/web-1", Want: text.Text{EN: "no pod", JA: "Pod がないこと"}, Got: text.Text{EN: "one pod", JA: "Pod が 1 個"}, Why: text.Text{EN: "it would go down", JA: "止まってしまいます"}}}}},
	}
}

func (p *played) pass() {
	p.report = &grading.Report{Lab: p.report.Lab, Step: p.report.Step, Max: 10, Points: 10, Passed: true, Verdicts: slices.Clone(p.report.Verdicts)}
	p.report.Verdicts[0].Result = checks.Result{Outcome: checks.Passed}
	p.session.Attempt.Steps["drain"].Passed = time.Unix(1, 0)
	p.session.Attempt.Steps["drain"].Points = 10
}

func (p *played) call(name string) error { p.calls = append(p.calls, name); return p.err }

func (p *played) Labs(context.Context) ([]engine.LabStatus, error) {
	return []engine.LabStatus{{Lab: p.session.Lab, Source: p.source, Attempt: p.session.Attempt, Points: 0, Cluster: p.session.Cluster}}, p.err
}

func (p *played) Start(ctx context.Context, lab string, opts engine.StartOptions, r cluster.Progress) (Play, error) {
	if p.host != nil {
		if err := opts.Consent(ctx, p.visit()); err != nil {
			return nil, err
		}
	}
	r(cluster.Phase{Name: "control-plane"})
	r(cluster.Phase{Name: "control-plane", Done: true, Elapsed: 2500 * time.Millisecond, Detail: "v1.37.2"})
	if err := p.call("start " + lab); err != nil {
		return nil, err
	}
	return &open{played: p}, nil
}

func (p *played) Open(context.Context, string) (Play, error) {
	if p.err != nil {
		return nil, p.err
	}
	return &open{played: p}, nil
}

// open is a play of the played engine.
type open struct {
	Play
	played *played
	// moved is the session after a change of step.
	moved *engine.Session
}

func (o *open) Session() *engine.Session {
	if o.moved != nil {
		return o.moved
	}
	return o.played.session
}

func (o *open) Provider() cluster.Provider {
	p, err := o.played.Provider("")
	if err != nil {
		panic(err) // the lab above has no errors
	}
	return p
}

func (o *open) Recover(context.Context, cluster.Progress) error { return nil }

func (o *open) Check(context.Context, func(grading.Verdict)) (*grading.Report, error) {
	return o.played.report, o.played.call("check")
}

func (o *open) Hint(context.Context) (*engine.Hint, error) {
	step := o.played.session.Step
	return &engine.Hint{Level: 1, Levels: 2, Text: text.Text{EN: step.Lessons["en"].Hints[0], JA: step.Lessons["ja"].Hints[0]}}, o.played.call("hint")
}

func (o *open) Next(context.Context, bool, cluster.Progress) error {
	next := *o.played.session
	next.Step = o.played.session.Lab.Steps[1]
	o.moved = &next
	return o.played.call("next")
}

func (o *open) Solution(context.Context) (content.File, error) {
	return o.played.session.Step.Solution, o.played.call("solution")
}

func (o *open) Finish(context.Context) error { return o.played.call("finish") }

func (o *open) PlanUpgrade(context.Context, string) (*engine.UpgradePlan, error) {
	return &engine.UpgradePlan{From: "v1.36.3", To: "1.37", Obstacles: o.played.findings}, o.played.call("plan")
}

func (o *open) Upgrade(_ context.Context, plan *engine.UpgradePlan, force bool, r cluster.Progress) (history.Upgrade, error) {
	done := history.Upgrade{Time: time.Unix(1, 0), From: plan.From, To: "v1.37.2", Outcome: history.Upgraded}
	if len(plan.Obstacles) > 0 && !force {
		return history.Upgrade{}, problem.New(problem.Cluster, text.New("the upgrade is not begun", "アップグレードは始めていません"), action.Do(action.ClusterUpgrade).With("dry-run", ""))
	}
	for _, f := range plan.Obstacles {
		done.Forced, done.Ignored = true, append(done.Ignored, f.What.EN)
	}
	for _, name := range []string{"save", "api-server", "controllers", "scheduler", "ready"} {
		r(cluster.Phase{Name: name})
		r(cluster.Phase{Name: name, Done: true, Elapsed: 700 * time.Millisecond, Detail: done.To})
	}
	return done, o.played.call("upgrade")
}

func (o *open) Follow(context.Context, func(*timeline.Story) error) error { return nil }

func (o *open) Power(context.Context, string, engine.PowerSwitch, string) error { return nil }

func (o *open) UpgradeNode(_ context.Context, node, _ string, _ bool) (history.Upgrade, error) {
	return history.Upgrade{Time: time.Unix(1, 0), Node: node, From: "v1.33.0", To: "v1.37.2", Outcome: history.Upgraded}, o.played.call("upgrade " + node)
}

func (o *open) Timeline(_ context.Context, step string) (*timeline.Story, error) {
	began := time.Date(2026, 4, 1, 9, 0, 0, 0, time.Local)
	entry := func(second int, by timeline.Actor, en, ja string) timeline.Entry {
		return timeline.Entry{Time: began.Add(time.Duration(second) * time.Second), By: by, What: "x", Text: text.Text{EN: en, JA: ja}}
	}
	return &timeline.Story{Lab: o.played.session.Lab.ID, Attempt: "a", Requests: true, Record: step != "deadlock", Visits: []timeline.Visit{
		{Step: "drain", Began: began, Entries: []timeline.Entry{
			entry(0, timeline.K8slab, "made the starting state of drain", "drain の開始状態を用意しました"),
			entry(65, timeline.You, "cordoned node/worker-2", "node/worker-2 を cordon しました"),
			entry(66, timeline.You, "could not evict pod/web-57f577d5f-vpkw7: its disruption budget did not allow it (4 times)",
				"pod/web-57f577d5f-vpkw7 を退避できませんでした (PodDisruptionBudget による拒否) (4 回)"),
			entry(4000, timeline.Cluster, "deployment/web: 2 → 1 → 2 available", "deployment/web: 利用可能 2 → 1 → 2"),
		}},
		{Step: "drain", Began: began.Add(5000 * time.Second), Entries: []timeline.Entry{
			entry(4990, timeline.Cluster, "node/worker-1 is Ready", "node/worker-1 が Ready になりました"),
		}}}}, o.played.call("timeline " + step)
}

func (p *played) Provider(string) (cluster.Provider, error) {
	if p.host != nil {
		return p.cloud, nil
	}
	return bare{}, nil
}

func (p *played) Providers() []string { return []string{"bare"} }

func (p *played) LeftOut(context.Context) ([]catalog.Offer, error) { return p.leftOut, nil }

func (p *played) Damage() ([]progress.Damage, error) { return p.damage, nil }

// Vocabulary is made for these tests, so that no golden file holds the prose of a real check.
func (p *played) Vocabulary() *checks.Vocabulary {
	type params struct {
		Namespace string `yaml:"namespace" doc:"Namespace of the budget." ja:"PodDisruptionBudget の Namespace。"`
		Healthy   int    `yaml:"healthy,omitempty" doc:"How many pods have to be healthy, from 1." ja:"健全でなければならない Pod の数。1 以上。"`
	}
	v, err := checks.New(checks.Define("pdb/keeps-floor", checks.Doc{
		Summary: text.Text{EN: "A disruption budget keeps as many pods healthy as it has to.", JA: "PodDisruptionBudget が必要な数の Pod を健全に保っている。"},
		Pass:    text.Text{EN: "The number that the controller calculated is at least the floor.", JA: "コントローラーが計算した数が下限以上である。"},
		Fail:    text.Text{EN: "The budget is gone, or its floor is lower.", JA: "PodDisruptionBudget がなくなっているか、下限が下がっている。"},
	}, func(context.Context, checks.Env, params) (checks.Result, error) { return checks.Result{}, nil }), checks.Define("pod/evicted", checks.Doc{
		Summary: text.Text{EN: "The pods were evicted.", JA: "Pod が退避されている。"},
		Pass:    text.Text{EN: "All were.", JA: "すべて退避された。"},
		Fail:    text.Text{EN: "One was deleted.", JA: "削除されたものがある。"},
	}, func(context.Context, checks.Env, struct{}) (checks.Result, error) { return checks.Result{}, nil }).Needing(checks.AuditLog))
	if err != nil {
		panic(err) // the definition above is wrong
	}
	return v
}

// bare is a provider whose workloads are simulated, and which implements no other optional interface.
type bare struct {
	cluster.Provider
	cluster.Simulator
}

func (bare) Name() string { return "bare" }

// run types a command and returns what it wrote and its exit code.
func run(t *testing.T, p *played, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	parts := Parts{
		NewEngine: func(string) (Engine, error) { return p, nil },
		Exec: func(path string, argv, env []string) error {
			fmt.Fprintf(&out, "%s %q KUBECONFIG=%s\n", path, argv, Streams{Env: env}.Getenv("KUBECONFIG"))
			return nil
		},
	}
	s := Streams{In: strings.NewReader(""), Out: &out, Err: &errs, Env: append([]string{"XDG_STATE_HOME=" + t.TempDir()}, env...)}
	code = Run(t.Context(), args, s, parts)
	return out.String(), errs.String(), code
}

func TestAnswers(t *testing.T) {
	commands := []struct {
		name   string
		args   []string
		passed bool
		code   int
	}{
		{"help", []string{"--help"}, false, 0},
		{"help-check", []string{"check", "--help"}, false, 0},
		{"help-lint", []string{"lint", "--help"}, false, 0},
		{"list", []string{"list"}, false, 0},
		{"start", []string{"start", "11-maintenance"}, false, 0},
		{"lesson", []string{"lesson"}, false, 0},
		{"check-failed", []string{"check"}, false, 3},
		{"check-passed", []string{"check"}, true, 0},
		{"hint", []string{"hint"}, false, 0},
		{"next-refused", []string{"next"}, false, 3},
		{"next", []string{"next"}, true, 0},
		{"status", []string{"status"}, true, 0},
		{"solution", []string{"solution"}, false, 0},
		{"timeline", []string{"timeline"}, false, 0},
		{"timeline-without-record", []string{"timeline", "--step", "deadlock"}, false, 0},
		{"help-timeline", []string{"timeline", "--help"}, false, 0},
		{"finish", []string{"finish"}, true, 0},
		{"cluster-status", []string{"cluster", "status"}, false, 0},
		{"checks-name", []string{"checks", "pdb/keeps-floor"}, false, 0},
		{"checks-needs", []string{"checks", "pod/evicted"}, false, 0},
		{"help-source-add", []string{"source", "add", "--help"}, false, 0},
	}
	for _, lang := range text.Langs {
		for _, width := range []int{80, 40} {
			for _, c := range commands {
				name := fmt.Sprintf("%s.%s.%d", c.name, lang, width)
				t.Run(name, func(t *testing.T) {
					p := newPlayed()
					if c.passed {
						p.pass()
					}
					out, errs, code := run(t, p, []string{"LANG=" + string(lang) + "_XX.UTF-8", fmt.Sprint("COLUMNS=", width)}, c.args...)
					if code != c.code {
						t.Errorf("exit code %d, want %d", code, c.code)
					}
					golden(t, name+".txt", "$ k8slab "+strings.Join(c.args, " ")+"\n"+out+"-- stderr --\n"+errs)
					narrow(t, out+errs, width)
				})
			}
		}
	}
}

// TestListNamesSourcesAndWhatIsLeftOut renders labs that did not come with k8slab.
func TestListNamesSourcesAndWhatIsLeftOut(t *testing.T) {
	for _, lang := range text.Langs {
		p := newPlayed()
		p.source = "course"
		wrong := problem.New(problem.Content, text.New("91-b/lab.yaml:1: first\n91-b/lab.yaml:2: second\x1b[2J", "91-b/lab.yaml:1: 最初\n91-b/lab.yaml:2: 次"), action.Action{})
		p.leftOut = []catalog.Offer{{Source: "course", ID: "91-b", Err: wrong}, {Source: "gone", Err: problem.New(problem.Usage, text.New("it cannot be read", "読めません"), action.Action{})}}
		out, errs, code := run(t, p, []string{"LANG=" + string(lang)}, "list")
		if code != 0 {
			t.Errorf("exit code %d", code)
		}
		golden(t, "list-sources."+string(lang)+".txt", "$ k8slab list\n"+out+"-- stderr --\n"+errs)
	}
}

// TestTheCommandsOfTheGuideToSourcesAreTyped finds each command of docs/sources.md in the script that plays them.
func TestTheCommandsOfTheGuideToSourcesAreTyped(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "sources.md"))
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join("testdata", "script", "cluster", "sources.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	typed := strings.Split(string(script), "\n")
	commands := 0
	for _, block := range strings.Split(string(guide), "```sh\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		for line := range strings.Lines(block) {
			commands++
			if !slices.Contains(typed, strings.TrimSpace(line)) {
				t.Errorf("sources.txtar does not type %s", line)
			}
		}
	}
	if commands < 8 {
		t.Errorf("%d commands were found", commands)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test ./internal/cli -update writes it again); got:\n%s", path, got)
	}
}

// narrow fails for a line that is too wide. Text that is to be copied is not wrapped: commands, usage lines and code.
func narrow(t *testing.T, text string, width int) {
	t.Helper()
	for line := range strings.Lines(text) {
		if terminal.Width(strings.TrimSuffix(line, "\n")) > width && !strings.Contains(line, "  k8slab ") && !strings.Contains(line, "kubectl ") && !strings.Contains(line, ": k8slab ") {
			t.Errorf("%d columns, more than %d: %s", terminal.Width(line), width, line)
		}
	}
}

func TestExitCodesFollowTheKindOfProblem(t *testing.T) {
	for kind, want := range map[problem.Kind]int{problem.Internal: 1, problem.Usage: 2, problem.Cluster: 4, problem.Content: 5} {
		p := newPlayed()
		p.err = problem.New(kind, text.New("what went wrong", "何が起きたか"), action.Do(action.Doctor))
		for lang, message := range map[string]string{"en": "what went wrong", "ja": "何が起きたか"} {
			out, errs, code := run(t, p, []string{"LANG=" + lang}, "status")
			if code != want || out != "" || !strings.Contains(errs, message) || !strings.Contains(errs, "k8slab doctor") {
				t.Errorf("kind %d in %s: exit code %d, stdout %q, stderr %q", kind, lang, code, out, errs)
			}
		}
	}
}

func TestInterruptedCommandEndsWith130(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := newPlayed()
	p.err = context.Canceled
	var out, errs bytes.Buffer
	code := Run(ctx, []string{"start", "11-maintenance"}, Streams{Out: &out, Err: &errs, Env: []string{"XDG_STATE_HOME=" + t.TempDir()}},
		Parts{NewEngine: func(string) (Engine, error) { return p, nil }})
	if code != 130 || !strings.Contains(errs.String(), "Interrupted") {
		t.Errorf("exit code %d, stderr %q", code, errs.String())
	}
}

func TestGraderThatCouldNotTellIsNotAFailedCheck(t *testing.T) {
	p := newPlayed()
	p.report.Verdicts[0].Result = checks.Result{Outcome: checks.Errored}
	if _, _, code := run(t, p, nil, "check"); code != exitCluster {
		t.Errorf("exit code %d, want %d", code, exitCluster)
	}
}

func TestJSONAnswersAreOneValueOnStdout(t *testing.T) {
	for _, args := range [][]string{{"list"}, {"status"}, {"timeline"}, {"check"}, {"checks"}, {"checks", "pdb/keeps-floor"}, {"cluster", "status"}, {"version"}, {"env"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			out, _, _ := run(t, newPlayed(), nil, append(args, "-o", "json")...)
			var v any
			if err := json.Unmarshal([]byte(out), &v); err != nil {
				t.Errorf("%v in %s", err, out)
			}
		})
	}
}

func TestNextAtTheLastStepSaysToFinish(t *testing.T) {
	p := newPlayed()
	p.session.Step = p.session.Lab.Steps[1]
	_, errs, code := run(t, p, nil, "next", "--skip")
	if code != 0 || !strings.Contains(errs, "k8slab finish") || len(p.calls) != 0 {
		t.Errorf("exit code %d, calls %v, stderr %q", code, p.calls, errs)
	}
}

func TestKubectlGetsItsFlagsAndNeverTheUsersKubeconfig(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "kubectl"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	out, errs, code := run(t, newPlayed(), []string{"KUBECONFIG=/my/own", "PATH=" + bin}, "kubectl", "--lab", "11-maintenance", "get", "pods", "-o", "json", "--help")
	want := filepath.Join(bin, "kubectl") + ` ["kubectl" "get" "pods" "-o" "json" "--help"] KUBECONFIG=/state/it's here/kubeconfig` + "\n"
	if code != 0 || out != want {
		t.Errorf("exit code %d, got %q, want %q, stderr %q", code, out, want, errs)
	}
}

func TestEnvIsQuotedForEachShell(t *testing.T) {
	for shell, want := range map[string]string{
		"sh":         `export KUBECONFIG='/state/it'"'"'s here/kubeconfig'`,
		"fish":       `set -gx KUBECONFIG '/state/it\'s here/kubeconfig';`,
		"powershell": `$env:KUBECONFIG = '/state/it''s here/kubeconfig'`,
	} {
		out, _, code := run(t, newPlayed(), nil, "env", "--shell", shell)
		if code != 0 || !strings.HasPrefix(out, want+"\n") {
			t.Errorf("%s: exit code %d, got %q, want %q", shell, code, out, want)
		}
	}
}

func TestStoppedClusterHasNoShell(t *testing.T) {
	p := newPlayed()
	p.session.Cluster.State = cluster.Stopped
	for _, command := range []string{"shell", "env", "kubectl"} {
		if _, errs, code := run(t, p, nil, command); code != exitCluster || !strings.Contains(errs, "k8slab start 11-maintenance") {
			t.Errorf("%s: exit code %d, stderr %q", command, code, errs)
		}
	}
}

func TestLanguageOfTheEnvironment(t *testing.T) {
	tests := []struct {
		name string
		env  []string
		args []string
		want text.Lang
	}{
		{"nothing is English", nil, nil, text.English},
		{"LANG", []string{"LANG=ja_JP.UTF-8"}, nil, text.Japanese},
		{"LC_ALL goes before LANG", []string{"LANG=ja_JP.UTF-8", "LC_ALL=C"}, nil, text.English},
		{"LC_MESSAGES goes before LANG", []string{"LANG=en_US.UTF-8", "LC_MESSAGES=ja_JP.UTF-8"}, nil, text.Japanese},
		{"K8SLAB_LANG goes before all of them", []string{"LC_ALL=C", "K8SLAB_LANG=ja"}, nil, text.Japanese},
		{"the flag goes before the environment", []string{"K8SLAB_LANG=ja"}, []string{"list", "--lang", "en"}, text.English},
		{"the flag with an equals sign", nil, []string{"--lang=ja", "list"}, text.Japanese},
		{"what follows -- is not ours", nil, []string{"kubectl", "--", "--lang=ja"}, text.English},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := languageOf(Streams{Env: tt.env}, tt.args); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
