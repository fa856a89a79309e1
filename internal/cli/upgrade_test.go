package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/internal/testcluster"
	"github.com/k8slab/k8slab/text"
)

// seconds finds the times in the output: how long a phase took, and how long ago something was.
var seconds = regexp.MustCompile(` +\d+\.\d s`)

func blockedUpgrade() []engine.Obstacle {
	return []engine.Obstacle{
		{Kind: engine.Skew, Node: "worker-2", What: text.Text{
			EN: "worker-2 has kubelet v1.33.0, 4 minor releases older than an API server of 1.37; 3 are supported",
			JA: "worker-2 の kubelet v1.33.0 は、API サーバー 1.37 より 4 マイナーバージョン古くなります。サポートされるのは 3 までです",
		}},
		{Kind: engine.DeprecatedAPI, User: "system:serviceaccount:ci:ci-bot", What: text.Text{
			EN: "system:serviceaccount:ci:ci-bot (ci-bot/1.0) wrote volumeattributesclasses/gold as storage.k8s.io/v1beta1 4 s ago, which 1.37 does not serve any more",
			JA: "system:serviceaccount:ci:ci-bot (ci-bot/1.0) が 4 秒前に volumeattributesclasses/gold を storage.k8s.io/v1beta1 で書き込みました。1.37 ではもう提供されない API です",
		}},
	}
}

func TestUpgradesAreTold(t *testing.T) {
	for _, c := range []struct {
		name     string
		args     []string
		findings []engine.Obstacle
		code     int
	}{
		{"upgrade", []string{"cluster", "upgrade"}, nil, 0},
		{"upgrade-refused", []string{"cluster", "upgrade"}, blockedUpgrade(), 4},
		{"upgrade-dry-run", []string{"cluster", "upgrade", "--dry-run"}, blockedUpgrade(), 0},
		{"upgrade-forced", []string{"cluster", "upgrade", "--force"}, blockedUpgrade(), 0},
	} {
		for _, lang := range text.Langs {
			for _, width := range []int{80, 40} {
				name := fmt.Sprintf("%s.%s.%d", c.name, lang, width)
				t.Run(name, func(t *testing.T) {
					p := newPlayed()
					p.findings = c.findings
					out, errs, code := run(t, p, []string{"LANG=" + string(lang) + "_XX.UTF-8", fmt.Sprint("COLUMNS=", width)}, c.args...)
					if code != c.code {
						t.Errorf("exit code %d, want %d", code, c.code)
					}
					errs = seconds.ReplaceAllString(errs, " 0.7 s")
					golden(t, name+".txt", "$ k8slab "+strings.Join(c.args, " ")+"\n"+out+"-- stderr --\n"+errs)
					narrow(t, out+errs, width)
				})
			}
		}
	}
}

func TestAnUpgradeAnswersAProgramWithOneValue(t *testing.T) {
	for _, args := range [][]string{{"cluster", "upgrade"}, {"cluster", "upgrade", "--dry-run"}, {"cluster", "upgrade", "--force"}} {
		p := newPlayed()
		p.findings = blockedUpgrade()
		out, _, _ := run(t, p, nil, append(args, "-o", "json")...)
		var answer struct {
			Plan struct {
				Findings []struct{ Kind string }
			}
			Result *struct{ Forced bool }
		}
		if err := json.Unmarshal([]byte(out), &answer); err != nil {
			t.Fatalf("%v: %v in %s", args, err, out)
		}
		if forced := answer.Result != nil && answer.Result.Forced; len(answer.Plan.Findings) != 2 || forced != (args[len(args)-1] == "--force") {
			t.Errorf("%v: %s", args, out)
		}
	}
}

// upgradeLab has a client that writes to an API which 1.37 does not serve, and a step that starts on 1.37.
func upgradeLab(t *testing.T) *content.Lab {
	t.Helper()
	lesson := func(title string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("---\ntitle: " + title + "\n---\n\nA.\n\n## Task {#task}\n\nB.\n\n## Debrief {#debrief}\n\nC.\n")}
	}
	step := "points: 1\nchecks:\n  - {id: upgraded, use: test/upgraded, title: {en: up, ja: 済}}\n"
	setup, err := os.ReadFile(filepath.Join("testdata", "upgrade", "ci-bot.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{
		"90-upgrade/lab.yaml": {Data: []byte(`id: 90-upgrade
title: {en: Upgrade, ja: 更新}
summary: {en: An upgrade., ja: 更新です。}
minutes: 10
cluster:
  release: "1.36"
  runtimeConfig: [storage.k8s.io/v1beta1]
  nodes:
    - {name: worker-1, zone: z1, pool: apps}
    - {name: worker-2, zone: z2, pool: apps, version: "1.33"}
requires: [audit-log, upgrades]
`)},
		"90-upgrade/10-calls/step.yaml":         {Data: []byte(step)},
		"90-upgrade/10-calls/setup/ci-bot.yaml": {Data: setup},
		"90-upgrade/20-after/step.yaml":         {Data: []byte("cluster:\n  release: \"1.37\"\n  kubelets: {worker-2: \"1.36\"}\n" + step)},
	}
	for _, dir := range []string{"10-calls", "20-after"} {
		files["90-upgrade/"+dir+"/en.md"], files["90-upgrade/"+dir+"/ja.md"] = lesson("Up"), lesson("更新")
		files["90-upgrade/"+dir+"/solution.sh"] = &fstest.MapFile{Data: []byte("true\n")}
		files["90-upgrade/"+dir+"/also-right/also.sh"] = &fstest.MapFile{Data: []byte("true\n")}
		files["90-upgrade/"+dir+"/wrong/not.sh"] = &fstest.MapFile{Data: []byte("# fails: upgraded\ntrue\n")}
	}
	lab, err := content.Load(files, "90-upgrade")
	if err != nil {
		t.Fatal(err)
	}
	return lab
}

// typing types commands into k8slab on real clusters, with a lab of its own.
type typing struct {
	t     *testing.T
	env   []string
	parts Parts
}

func newTyping(t *testing.T, lab *content.Lab) *typing {
	t.Helper()
	vocabulary, err := checks.New(checks.Define("test/upgraded", checks.Doc{
		Summary: text.Text{EN: "a", JA: "a"}, Pass: text.Text{EN: "a", JA: "a"}, Fail: text.Text{EN: "a", JA: "a"},
	}, func(ctx context.Context, env checks.Env, _ struct{}) (checks.Result, error) {
		upgrades, err := env.Upgrades(ctx)
		if err != nil {
			return checks.Result{}, err
		}
		for _, u := range upgrades {
			if u.Node == "" && u.Forced {
				return checks.Result{Outcome: checks.Passed, Object: u.Ignored[0]}, nil
			}
		}
		return checks.Result{Outcome: checks.Failed}, nil
	}).Needing(checks.Upgrades))
	if err != nil {
		t.Fatal(err)
	}
	state, err := os.MkdirTemp("", "k8slab-")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "k8slab")
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeState(t, state) })
	return &typing{t: t, env: []string{"XDG_STATE_HOME=" + state, "LANG=C"}, parts: Parts{NewEngine: func(dir string) (Engine, error) {
		local, err := embedded.New(filepath.Join(dir, "clusters"), program, "supervise")
		if err != nil {
			return nil, err
		}
		e, err := engine.New(engine.Config{Labs: catalog.Loaded(lab), Vocabulary: vocabulary, Providers: []cluster.Provider{local}, StateDir: dir})
		return opened{e}, err
	}}}
}

func (k *typing) types(want int, args ...string) (stdout, stderr string) {
	k.t.Helper()
	var out, errs bytes.Buffer
	began := time.Now()
	code := Run(k.t.Context(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs, Env: k.env}, k.parts)
	k.t.Logf("$ k8slab %s  # %v\n%s%s", strings.Join(args, " "), time.Since(began).Round(time.Millisecond), out.String(), errs.String())
	if code != want {
		k.t.Fatalf("%v: exit code %d, want %d", args, code, want)
	}
	return out.String(), errs.String()
}

// kubectl runs the cluster's own kubectl.
func (k *typing) kubectl(args ...string) (string, error) {
	k.t.Helper()
	clusters := filepath.Join(strings.TrimPrefix(k.env[0], "XDG_STATE_HOME="), "k8slab", "clusters", "90-upgrade")
	p, err := embedded.New(filepath.Dir(clusters))
	if err != nil {
		k.t.Fatal(err)
	}
	path, err := p.Kubectl(k.t.Context(), "90-upgrade")
	if err != nil {
		k.t.Fatal(err)
	}
	out, err := exec.CommandContext(k.t.Context(), path, append([]string{"--kubeconfig", filepath.Join(clusters, "kubeconfig")}, args...)...).CombinedOutput()
	return string(out), err
}

func (k *typing) eventuallyKubectl(want string, args ...string) {
	k.t.Helper()
	testcluster.Eventually(k.t, func() error {
		out, err := k.kubectl(args...)
		if err == nil && !strings.Contains(out, want) {
			err = fmt.Errorf("kubectl %v: no %q in %s", args, want, out)
		}
		return err
	})
}

// TestAnUpgradeIsRefusedForcedAndReset does what a learner in a hurry does.
func TestAnUpgradeIsRefusedForcedAndReset(t *testing.T) {
	k := newTyping(t, upgradeLab(t))
	contains := func(text string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("no %q in %s", w, text)
			}
		}
	}
	k.types(0, "start", "90-upgrade")
	k.eventuallyKubectl("volumeattributesclasses.storage.k8s.io/gold serverside-applied", "logs", "-n", "ci", "deploy/ci-bot")
	k.eventuallyKubectl("unavailable in v1.37+", "logs", "-n", "ci", "deploy/ci-bot")
	k.eventuallyKubectl("is forbidden", "logs", "-n", "ci", "deploy/ci-bot") // the bot may not write ConfigMaps

	var out string
	testcluster.Eventually(t, func() error { // the bot's requests from before the step do not count
		out, _ = k.types(0, "cluster", "upgrade", "--dry-run")
		if !strings.Contains(out, "ci-bot") {
			return errors.New("the bot has not called since")
		}
		return nil
	})
	contains(out, "system:serviceaccount:ci:ci-bot", "ci-bot/1.0", "volumeattributesclasses/gold", "storage.k8s.io/v1beta1", "worker-2", "v1.33.0")
	k.types(4, "cluster", "upgrade")
	k.types(2, "cluster", "upgrade", "--to", "1.38")
	k.types(2, "cluster", "upgrade", "--to", "1.35")
	k.types(2, "node", "upgrade", "worker-1", "--to", "1.37")
	_, errs := k.types(4, "node", "upgrade", "worker-2")
	contains(errs, "ci/ci-bot-")
	k.types(3, "check")
	_, errs = k.types(0, "cluster", "upgrade", "--force")
	contains(errs, "API server", "Controllers", "Scheduler", "It was forced", "ci-bot")
	out, _ = k.types(0, "check", "-o", "json")
	contains(out, "worker-2 has kubelet v1.33.0")
	version, err := k.kubectl("version")
	if err != nil || strings.Count(version, "v1.37.") != 2 {
		t.Errorf("%v: %s", err, version)
	}
	k.eventuallyKubectl("no matches for kind", "logs", "-n", "ci", "deploy/ci-bot")

	t.Log("a node follows when it has been drained")
	if out, err := k.kubectl("drain", "worker-2", "--ignore-daemonsets"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	k.types(0, "node", "upgrade", "worker-2")
	out, _ = k.types(0, "node", "list")
	contains(out, "v1.36.3", "v1.37.2")

	t.Log("the next step starts on the release that it names")
	k.types(0, "goto", "after")
	k.eventuallyKubectl("v1.36.0", "get", "node", "worker-2", "-o", "wide")
	version, err = k.kubectl("version")
	if err != nil || strings.Count(version, "v1.37.") != 2 {
		t.Errorf("%v: %s", err, version)
	}
	k.types(0, "reset")

	t.Log("and the first one on the lab's")
	k.types(0, "goto", "calls")
	version, err = k.kubectl("version")
	if err != nil || strings.Count(version, "v1.36.") != 2 {
		t.Errorf("%v: %s", err, version)
	}
	k.eventuallyKubectl("v1.33.0", "get", "node", "worker-2", "-o", "wide")
	k.types(3, "check")

	t.Log("a bot without pods is silent")
	if out, err := k.kubectl("scale", "-n", "ci", "deploy/ci-bot", "--replicas=0"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	testcluster.Eventually(t, func() error {
		out, err := k.kubectl("get", "pods", "-n", "ci", "-o", "name")
		if err == nil && out != "" {
			err = fmt.Errorf("there is %s", out)
		}
		return err
	})
	if out, err := k.kubectl("delete", "volumeattributesclass", "gold"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lease := []string{"get", "lease", "-n", "kube-node-lease", "worker-1", "-o", "jsonpath={.spec.renewTime}"}
	before, err := k.kubectl(lease...)
	if err != nil {
		t.Fatalf("%v: %s", err, before)
	}
	testcluster.Eventually(t, func() error { // the lease is renewed every ten seconds: five of the bot's rounds
		if now, err := k.kubectl(lease...); err != nil || now == before {
			return fmt.Errorf("the lease is still of %s: %w", before, err)
		}
		return nil
	})
	if out, err := k.kubectl("get", "volumeattributesclass", "gold"); err == nil {
		t.Errorf("the bot still applies it: %s", out)
	}
	if out, err := k.kubectl("scale", "-n", "ci", "deploy/ci-bot", "--replicas=1"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	k.eventuallyKubectl("gold", "get", "volumeattributesclass", "gold")
	k.types(0, "delete", "--lab", "90-upgrade")
}
