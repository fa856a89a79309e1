package kind

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/flock"
)

func TestTheNodeImageIsChosenByRelease(t *testing.T) {
	cases := []struct {
		name, variable string
		spec           cluster.Spec
		want           map[string]string // nil: there is no image
	}{
		{
			name: "kind's own where nothing is said", spec: cluster.Spec{Release: "1.37"},
			want: map[string]string{"1.37": "kindest/node:v1.37.2"},
		},
		{
			name: "one for each release", variable: "local/node:v1.36.3-aa, local/node:v1.37.2-bb",
			spec: cluster.Spec{Release: "1.37", Nodes: []cluster.Node{{Name: "old", Version: "1.36"}}},
			want: map[string]string{"1.37": "local/node:v1.37.2-bb", "1.36": "local/node:v1.36.3-aa"},
		},
		{
			name: "a tag without a version is for every release", variable: "local/node:mine", spec: cluster.Spec{Release: "1.37"},
			want: map[string]string{"1.37": "local/node:mine"},
		},
		{
			name: "1.3 is not 1.37", variable: "local/node:v1.3.0", spec: cluster.Spec{Release: "1.37"},
		},
		{
			name: "a digest is not part of the tag", variable: "local/node:v1.37.2@sha256:aa", spec: cluster.Spec{Release: "1.37"},
			want: map[string]string{"1.37": "local/node:v1.37.2@sha256:aa"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(ImageVariable, c.variable)
			got, err := nodeImages(c.spec)
			if (err != nil) != (c.want == nil) || !maps.Equal(got, c.want) {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestTheConfigurationHasTheShapeOfTheLab(t *testing.T) {
	f := folder("/home/mia/.local/state/k8slab/kind/lab")
	spec := cluster.Spec{
		Name: "lab", Release: "1.37", APIPort: 6443, RuntimeConfig: []string{"storage.k8s.io/v1beta1", "made-up.example/v1"},
		Nodes: []cluster.Node{{Name: "blue-1", Zone: "z1", Pool: "blue"}, {Name: "bare", Version: "1.36"}},
	}
	cfg, err := f.config(spec, map[string]string{"1.37": "new", "1.36": "old"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Name != "k8slab-lab" || cfg.Networking.APIServerAddress != "127.0.0.1" || cfg.Networking.APIServerPort != 6443 {
		t.Errorf("got %+v", cfg)
	}
	var shape []string
	for _, n := range cfg.Nodes {
		shape = append(shape, fmt.Sprint(n.Role, " ", n.Image, " ", n.Labels))
		if len(n.ExtraMounts) == 0 || n.ExtraMounts[0].HostPath != f.machine() || !n.ExtraMounts[0].Readonly {
			t.Errorf("mounts %+v", n.ExtraMounts)
		}
	}
	want := []string{
		"control-plane new map[]", "worker new map[agentpool:blue topology.kubernetes.io/zone:z1]", "worker old map[]",
	}
	if !slices.Equal(shape, want) {
		t.Errorf("got %q, want %q", shape, want)
	}
	if patches := strings.Join(cfg.Nodes[1].KubeadmConfigPatches, ""); !strings.Contains(patches, "name: blue-1") {
		t.Errorf("the node is not called by its name:\n%s", patches)
	}
	patches := strings.Join(cfg.KubeadmConfigPatches, "---\n")
	for _, wanted := range []string{
		"failCgroupV1: false", "syncFrequency: 5s", "name: audit-policy-file\n    value: /k8slab/audit-policy.yaml", "value: made-up.example/v1=true",
	} {
		if !strings.Contains(patches, wanted) {
			t.Errorf("%q is not in\n%s", wanted, patches)
		}
	}
	spec.Begin = cluster.Beginning{Release: "1.38", Kubelets: map[string]string{"bare": "1.38"}}
	cfg, err = f.config(spec.Begun(), map[string]string{"1.38": "newest", "1.37": "new", "1.36": "old"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if images := []string{cfg.Nodes[0].Image, cfg.Nodes[1].Image, cfg.Nodes[2].Image}; !slices.Equal(images, []string{"newest", "new", "newest"}) {
		t.Errorf("a cluster that begins later has the images %q", images)
	}
	if spec.Release != "1.37" || spec.Nodes[1].Version != "1.36" {
		t.Errorf("the spec itself was changed: %+v", spec)
	}
	cfg, err = f.config(spec, nil, 2)
	if err != nil || strings.Contains(strings.Join(cfg.KubeadmConfigPatches, ""), "failCgroupV1") {
		t.Errorf("control groups of version 2 need no permission: %v", err)
	}
}

func TestKindsWordsBecomePhases(t *testing.T) {
	var out bytes.Buffer
	var heard []string
	s := newStory(&out, func(p cluster.Phase) { heard = append(heard, fmt.Sprint(p.Name, " ", p.Done)) })
	for _, line := range []string{
		"Creating cluster \"k8slab-lab\" ...", " • Ensuring node image (x)  ...", " • Preparing nodes 📦  ...", " ✓ Preparing nodes 📦",
		" • Writing configuration 📜  ...", " • Starting control-plane 🕹️  ...", " • Something new  ...", " • Joining worker nodes 🚜  ...",
	} {
		s.V(0).Info(line)
	}
	s.V(quietLevel).Info("token: secret")
	s.end()
	want := []string{
		"containers false", "containers true", "control-plane false", "control-plane true", "join false", "join true",
	}
	if !slices.Equal(heard, want) {
		t.Errorf("heard %q, want %q", heard, want)
	}
	if !strings.Contains(out.String(), "Something new") || strings.Contains(out.String(), "secret") {
		t.Errorf("the story is\n%s", out.String())
	}
}

func TestAMachineThatIsOffIsStartedUnlessItsPowerWasTaken(t *testing.T) {
	f := folder(filepath.Join(t.TempDir(), usual, "lab"))
	d := &description{Spec: cluster.Spec{Name: "lab", Nodes: []cluster.Node{{Name: "one"}, {Name: "two"}, {Name: "three"}}}}
	if err := os.MkdirAll(filepath.Dir(f.power("two")), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.power("two"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	containers := []container{
		{name: "k8slab-lab-worker3"}, {name: "k8slab-lab-worker", running: true, pid: 7, since: time.Now()},
		{name: "k8slab-lab-worker2"}, {name: "k8slab-lab-control-plane", running: true},
	}
	states := func() (all []string) {
		for _, c := range f.components(d, containers) {
			all = append(all, c.Name+" "+c.State)
		}
		return all
	}
	if got, want := states(), []string{"control-plane running", "one running", "two stopped", "three stopped"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if off := f.toStart(d, containers); len(off) != 1 || off[0].name != "k8slab-lab-worker3" {
		t.Errorf("to be started: %+v", off)
	}
	containers[1].running, containers[3].running = false, false
	if off := f.toStart(d, containers); len(off) != 4 {
		t.Errorf("to be started of a cluster that is off: %+v", off)
	}
	if gone := f.missing(d, containers[1:]); !slices.Equal(gone, []string{"three"}) {
		t.Errorf("gone: %v", gone)
	}
}

func TestAnUpgradeIsLeftWhenNobodyIsAtIt(t *testing.T) {
	f := folder(filepath.Join(t.TempDir(), usual, "lab"))
	unlock, err := flock.Wait(t.Context(), f.lock())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.transitionFile(), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if f.leftUpgrading() {
		t.Error("an upgrade that somebody is at counts as left")
	}
	unlock()
	if !f.leftUpgrading() {
		t.Error("an upgrade that was cut short does not count as left")
	}
	if err := os.Remove(f.transitionFile()); err != nil {
		t.Fatal(err)
	}
	if f.leftUpgrading() {
		t.Error("an upgrade that has ended counts as left")
	}
}

func TestAMachineThatCannotEndIsThawed(t *testing.T) {
	dir := t.TempDir()
	docker := filepath.Join(dir, "docker")
	// Machine two is frozen until the engine is told to run something.
	script := `#!/bin/sh
cd "` + dir + `" && echo "$*" >>said
case $1 in
rm) [ -e thawed ] || { echo "Error: tried to kill container, but did not receive an exit event" >&2; exit 1; } ;;
ps) [ -e thawed ] || echo two; echo of-somebody-else ;;
run) touch thawed ;;
esac
`
	if err := os.WriteFile(docker, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	machines := []container{{id: "one", image: "sha256:node"}, {id: "two", image: "sha256:node"}}
	e := &engine{command: docker, info: info{cgroup: 2}}
	if err := e.remove(t.Context(), machines); err == nil || !strings.Contains(err.Error(), "did not receive an exit event") {
		t.Errorf("removed what stays: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "said")); err != nil {
		t.Fatal(err)
	}
	e.info.cgroup = 1
	if err := e.remove(t.Context(), machines); err != nil {
		t.Error(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "said"))
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Split(strings.TrimSpace(string(raw)), "\n")
	if len(said) != 4 || said[0] != "rm --force --volumes one two" || !strings.HasPrefix(said[2], "run --rm --privileged") ||
		!strings.HasSuffix(said[2], "thaw two") || said[3] != "rm --force --volumes two" {
		t.Errorf("the engine was told %q", said)
	}
}

func TestPodmansVolumesGoWithTheirMachine(t *testing.T) {
	said := filepath.Join(t.TempDir(), "said")
	command(t, "podman", `echo "$*" >>`+said+`
case "$*" in
"volume ls --quiet --filter label=lab-worker") echo one ;;
"volume ls --quiet --filter label=lab-worker2") echo two ;;
esac
`)
	e := &engine{command: "podman"}
	if err := e.remove(t.Context(), []container{{id: "1", name: "lab-worker"}, {id: "2", name: "lab-worker2"}, {id: "3"}}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(said)
	if err != nil || !strings.HasSuffix(string(raw), "rm --force --volumes 1 2 3\nvolume rm --force one two\n") {
		t.Errorf("the engine was told %q, %v", raw, err)
	}
}

func TestEachStateFolderHasContainersOfItsOwn(t *testing.T) {
	plain := folder("/home/mia/.local/state/k8slab/kind/11-maintenance").name()
	one, other := folder("/tmp/one/k8slab/kind/11-maintenance").name(), folder("/tmp/two/k8slab/kind/11-maintenance").name()
	if plain != "k8slab-11-maintenance" {
		t.Errorf("in the usual folder it is called %s", plain)
	}
	if one == other || one == plain || !strings.HasPrefix(one, plain+"-") {
		t.Errorf("elsewhere it is called %s and %s", one, other)
	}
}

func TestTheAuditLogsCopyGrows(t *testing.T) {
	f := folder(t.TempDir())
	grow := func(news string) {
		t.Helper()
		copies, err := f.auditCopies()
		if err != nil {
			t.Fatal(err)
		}
		if err := f.addAudit([]byte(news), copies); err != nil {
			t.Fatal(err)
		}
	}
	grow("77 4\none\n")
	grow("77 4\ntwo\n78 6\nthree\n")
	grow("")
	grow("78 5\nfour\n")
	paths, err := f.auditPaths()
	if err != nil || len(paths) != 2 {
		t.Fatalf("%v, %v", paths, err)
	}
	var all []string
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(raw))
	}
	if want := []string{"one\ntwo\n", "three\nfour\n"}; !slices.Equal(all, want) {
		t.Errorf("got %q, want %q", all, want)
	}
}

func TestAKubeconfigIsTheIdentitysOwn(t *testing.T) {
	raw, err := kubeconfig([]byte(`
apiVersion: v1
kind: Config
clusters: [{name: k8slab-lab, cluster: {server: "https://k8slab-lab-control-plane:6443", certificate-authority-data: Q0E=}}]
contexts: [{name: x, context: {cluster: k8slab-lab, user: learner}}]
users: [{name: learner, user: {client-certificate-data: Q1JU, client-key-data: S0VZ}}]
`), "lab", "learner", "https://127.0.0.1:4711")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := clientcmd.RESTConfigFromKubeConfig(raw)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Host != "https://127.0.0.1:4711" || string(cfg.CAData) != "CA" || string(cfg.CertData) != "CRT" || string(cfg.KeyData) != "KEY" {
		t.Errorf("got %+v", cfg)
	}
	if _, err := kubeconfig([]byte("apiVersion: v1\nkind: Config\n"), "lab", "learner", "x"); err == nil {
		t.Error("what holds no certificate is no kubeconfig")
	}
}

func TestWhatKubeadmSaidIsKept(t *testing.T) {
	dir := t.TempDir()
	docker := filepath.Join(dir, "docker")
	// kubeadm has ended before its output is read, and each run begins its log again, as on a machine.
	script := `#!/bin/sh
cd "` + dir + `"
case "$*" in
*systemd-run*) echo run >>runs; echo "error: run $(wc -l <runs) timed out" ;;
*"is-active"*) exit 3 ;;
*"cat ` + upgradeEnded + `") echo 1 ;;
*"cat ` + upgradeLog + `") echo "[upgrade] begun"; echo "error: run $(wc -l <runs) timed out" ;;
esac
`
	if err := os.WriteFile(docker, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	f := folder(dir)
	if err := os.Mkdir(f.path("logs"), 0o700); err != nil {
		t.Fatal(err)
	}
	e := &engine{command: docker}
	for _, run := range []string{"1", "2"} {
		if err := e.runKubeadm(t.Context(), f, "control-plane", "v1.37.2", nil); err == nil || err.Error() != "kubeadm: error: run "+run+" timed out" {
			t.Errorf("run %s: %v", run, err)
		}
	}
	kept, err := os.ReadFile(f.kubeadmLog())
	if err != nil || string(kept) != "[upgrade] begun\nerror: run 1 timed out\n[upgrade] begun\nerror: run 2 timed out\n" {
		t.Errorf("kept %q, %v", kept, err)
	}
}

func TestKubeadmsComplaintIsFound(t *testing.T) {
	for output, want := range map[string]string{
		"[upgrade] x\nerror: error execution phase control-plane: timed out\nTo see the stack trace of this error execute with --v=5\n": "error: error execution phase control-plane: timed out",
		"[preflight] Some fatal errors occurred:\n\t[ERROR ImagePull]: no\n[preflight] If you know\n":                                   "[ERROR ImagePull]: no",
		"one\ntwo\n": "two",
	} {
		if got := complaint(output); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestKubeadmsWordsBecomePhases(t *testing.T) {
	var heard []string
	w := phaseWatch{progress: func(p cluster.Phase) { heard = append(heard, fmt.Sprint(p.Name, " ", p.Done)) }}
	said := `Preparing for "kube-apiserver" upgrade`
	w.read("")
	w.read(said)
	w.read(said)
	w.read(said + "\n" + `Preparing for "kube-controller-manager" upgrade` + "\n" + `Preparing for "kube-scheduler" upgrade`)
	w.end()
	want := []string{"api-server false", "api-server true", "controllers false", "controllers true", "scheduler false", "scheduler true"}
	if !slices.Equal(heard, want) {
		t.Errorf("heard %q, want %q", heard, want)
	}
}
