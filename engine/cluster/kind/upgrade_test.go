package kind

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
)

// nodeImage are Docker's answers about a node image.
const nodeImage = `"image inspect"*) echo sha256:abc ;;
"run --rm"*) echo v1.37.2 ;;
`

func TestAnUpgradeBringsItsPartsToMachinesThatAreOn(t *testing.T) {
	l := labOn(t, nodeImage+`
"exec k8slab-lab-worker2"*) echo "Container is not running" >&2; exit 1 ;;
"exec "*" test -e "*) exit 1 ;;
"run --detach"*) echo "no space left on device" >&2; exit 125 ;;
`, "control-plane", "worker")
	_, err := l.p.Upgrade(t.Context(), "lab", cluster.UpgradeOrder{Release: "1.37"}, nil)
	if err == nil || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("got %v", err)
	}
	if said := l.said(t); !strings.Contains(said, "exec k8slab-lab-worker test") || strings.Contains(said, "worker2") {
		t.Errorf("Docker was told %s", said)
	}
}

func TestWhatWasTakenApartDoesNotStay(t *testing.T) {
	// A killed command has left the container "left". The next container cannot be opened.
	const script = nodeImage + `
"exec "*" test -e "*) exit 1 ;;
"run --detach"*) touch opened; echo new ;;
"exec new"*) exit 1 ;;
"ps "*` + partsLabel + `=*) [ -e removed ] || echo left kindest/node:v1; [ ! -e opened ] || echo new kindest/node:v1 ;;
"rm --force --volumes left") touch removed ;;
`
	l := labOn(t, script, "control-plane", "worker")
	if err := os.MkdirAll(l.f.takenApart(), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := l.p.Upgrade(t.Context(), "lab", cluster.UpgradeOrder{Release: "1.37"}, nil); err == nil {
		t.Error("an image that cannot be opened was taken apart")
	}
	var told []string
	for line := range strings.Lines(l.said(t)) {
		if strings.HasPrefix(line, "rm ") || strings.HasPrefix(line, "run --detach") {
			told = append(told, strings.TrimSpace(line))
		}
	}
	if len(told) != 3 || told[0] != "rm --force --volumes left" || told[2] != "rm --force --volumes new" ||
		!strings.HasPrefix(told[1], "run --detach --label "+partsLabel+"="+string(l.f)+" ") || strings.Contains(told[1], clusterLabel) {
		t.Errorf("Docker was told %q", told)
	}
	if _, err := os.Stat(l.f.takenApart()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the parts stay: %v", err)
	}

	l = labOn(t, script)
	if err := l.p.Delete(t.Context(), "lab"); err != nil || !strings.HasSuffix(l.said(t), "rm --force --volumes left\n") {
		t.Errorf("Delete: %v; Docker was told %s", err, l.said(t))
	}
}

func TestAnUpgradeThatDoesNotBeginLeavesNoNote(t *testing.T) {
	l := labOn(t, nodeImage, "control-plane", "worker", "worker2")
	d, err := l.f.readDescription()
	if err != nil {
		t.Fatal(err)
	}
	d.Spec.RuntimeConfig = []string{"storage.k8s.io/v1beta1"} // the API server has to be asked about them, and there is none
	if err := l.f.writeDescription(d); err != nil {
		t.Fatal(err)
	}
	if _, err := l.p.Upgrade(t.Context(), "lab", cluster.UpgradeOrder{Release: "1.37"}, nil); err == nil || !strings.Contains(err.Error(), "nothing was upgraded") {
		t.Errorf("got %v", err)
	}
	if l.f.leftUpgrading() {
		t.Error("the next command takes up what was not begun")
	}
}

func TestAnUpgradeThatStopsHalfWayHasItsNextStep(t *testing.T) {
	l := labOn(t, "", "control-plane")
	d, err := l.f.readDescription()
	if err != nil {
		t.Fatal(err)
	}
	upgrade := func(ctx context.Context) error {
		_, err := l.p.carryOut(ctx, &engine{command: "docker"}, l.f, d, &transition{From: "v1.36.3", To: "v1.37.2"}, nil, false)
		return err
	}
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	err = upgrade(late)
	wantNext(t, "too late", err, "start lab")
	if err == nil || !strings.Contains(err.Error(), "k8slab cluster logs kubeadm") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	if err := upgrade(interrupted); err == nil || strings.Contains(err.Error(), "half-way") || !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// onThisMachine runs a machine's script below root, with a systemctl that writes down its arguments.
func onThisMachine(t *testing.T, root, script string) error {
	t.Helper()
	if err := os.WriteFile(filepath.Join(root, "systemctl"), []byte("#!/bin/sh\necho \"$*\" >>\""+root+"/asked\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	script = strings.NewReplacer("/usr/bin/", root+"/usr/bin/", "/kind/", root+"/kind/").Replace(script)
	cmd := exec.CommandContext(t.Context(), "bash", "-euc", script, "replace", root+"/parts", "v1.37.2")
	cmd.Env = []string{"PATH=" + root + ":/usr/bin:/bin"}
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	return err
}

func TestAKubeletIsReplacedAsAWholeAndRunsAgain(t *testing.T) {
	root := t.TempDir()
	for path, content := range map[string]string{
		"usr/bin/kubelet": "old", "usr/bin/kubectl": "old", "usr/bin/kubeadm": "old", "kind/version": "v1.36.3", "parts/kubelet": "new", "parts/kubeadm": "new",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, path), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	look := func() (all []string) {
		t.Helper()
		for _, path := range []string{"usr/bin/kubelet", "usr/bin/kubectl", "usr/bin/kubeadm", "kind/version"} {
			raw, err := os.ReadFile(filepath.Join(root, path))
			if err != nil {
				t.Error(err)
			}
			all = append(all, string(raw))
		}
		left, err := filepath.Glob(filepath.Join(root, "*", ".*"))
		if err != nil || len(left) > 0 {
			t.Errorf("%v is left, %v", left, err)
		}
		return all
	}
	asked := func() string {
		t.Helper()
		raw, err := os.ReadFile(filepath.Join(root, "asked"))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	if err := onThisMachine(t, root, replaceKubelet); err == nil {
		t.Error("a kubectl that there is not was installed")
	}
	if got, want := look(), []string{"old", "old", "old", "v1.36.3"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := asked(); !strings.HasSuffix(got, "start kubelet\n") || strings.Contains(got, "stop") {
		t.Errorf("systemctl was asked %q", got)
	}
	if err := os.WriteFile(filepath.Join(root, "parts", "kubectl"), []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, script := range []string{replaceKubelet, replaceKubeadm} {
		if err := onThisMachine(t, root, script); err != nil {
			t.Error(err)
		}
	}
	if got, want := look(), []string{"new", "new", "new", "v1.37.2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := asked(); !strings.HasSuffix(got, "stop kubelet\ndaemon-reload\nstart kubelet\n") {
		t.Errorf("systemctl was asked %q", got)
	}
	// Whatever fails once the kubelet is stopped, the kubelet is started again.
	if err := os.Remove(filepath.Join(root, "kind", "version")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "kind", "version", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := onThisMachine(t, root, strings.ReplaceAll(replaceKubelet, "mv -f", "mv -fT")); err == nil || !strings.HasSuffix(asked(), "stop kubelet\nstart kubelet\n") {
		t.Errorf("%v; systemctl was asked %q", err, asked())
	}
}

func TestReleasesAreThoseThatAClusterCanHave(t *testing.T) {
	for variable, want := range map[string]string{
		"":                           "1.36 1.37",
		"local/node:v1.37.2":         "1.37",
		"local/node:mine":            "1.37", // the release of the version in the image
		"local/node:away":            "",
		"mine:v1.36.3,local/node:x":  "1.36 1.37",
		"mine:v1.37.1, local/node:x": "1.37",
	} {
		l := labOn(t, `*local/node:away*) exit 1 ;;`+"\n"+nodeImage)
		t.Setenv(ImageVariable, variable)
		got, err := l.p.Releases(t.Context())
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: got %v, %v, want %s", variable, got, err, want)
		}
	}
}

func TestAnUpgradeDoesNotWaitForAMachineThatHasGoneOff(t *testing.T) {
	l := labOn(t, nodeImage+`
"exec "*" is-active "*) exit 1 ;;
"exec "*" cat "`+upgradeLog+`) [ ! -e read ] && touch read && echo "its last words" ;;
"exec "*" cat "*) exit 1 ;;
"exec "*" systemd-run "*) sed -i 's/"Running":true/"Running":false/' inspect.json ;;
`, "control-plane", "worker", "worker2")
	if err := os.MkdirAll(filepath.Dir(l.f.kubeadmLog()), 0o700); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, err := l.p.Upgrade(t.Context(), "lab", cluster.UpgradeOrder{Release: "1.37"}, nil)
	wantNext(t, "upgrade", err, "start lab")
	gone := hasGoneOff("lab", "", "").(*problem.Problem).What
	if p, ok := errors.AsType[*problem.Problem](err); !ok || !strings.Contains(p.What.EN, gone.EN) || !strings.Contains(p.What.JA, gone.JA) {
		t.Errorf("got %#v, want it to say %v", err, gone)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("the machine was waited for, for %s", took)
	}
	if kept, err := os.ReadFile(l.f.kubeadmLog()); string(kept) != "its last words\n" {
		t.Errorf("of kubeadm's words is kept %q (%v)", kept, err)
	}
	if !l.f.leftUpgrading() {
		t.Error("the note is gone from which the next start takes the upgrade up")
	}
	if said := l.said(t); !strings.Contains(said, "systemd-run") {
		t.Errorf("kubeadm was never begun; Docker was told %s", said)
	}
}

func TestAMachineIsGivenUpOnceItStaysOff(t *testing.T) {
	l := labOn(t, "")
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
	for _, tt := range []struct {
		name  string
		on    []string
		watch powerWatch
		want  bool
		// off says that the machine counts as off after the look.
		off bool
	}{
		{"off at the first look", nil, powerWatch{asked: ago(time.Minute)}, false, true},
		{"off for a moment", nil, powerWatch{asked: ago(time.Minute), off: ago(backByItself / 2)}, false, true},
		{"off for long", nil, powerWatch{asked: ago(time.Minute), off: ago(2 * backByItself)}, true, true},
		{"back after long", []string{"control-plane"}, powerWatch{asked: ago(time.Minute), off: ago(2 * backByItself)}, false, false},
		{"off for long and looked at just now", nil, powerWatch{asked: time.Now(), off: ago(2 * backByItself)}, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l.power(t, tt.on...)
			if got := tt.watch.goneOff(t.Context(), l.f); got != tt.want || tt.watch.off.IsZero() == tt.off {
				t.Errorf("gone off: %t, want %t; off since %s", got, tt.want, tt.watch.off)
			}
		})
	}
	err := l.f.hasGoneOff()
	wantNext(t, "a start", err, "docker logs --tail 20 k8slab-lab-control-plane")
}
