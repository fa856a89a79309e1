package releases

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// requirement is one line of a .mod file: a module's path and its version.
var requirement = regexp.MustCompile(`(?m)^(?:require)?\s+(\S+) (v\S+)(?: // indirect)?$`)

// release is one .mod file.
type release struct {
	file     string
	requires map[string]string
}

// kubernetes is the version that the release pins: "v1.37.2".
func (r release) kubernetes() string { return r.requires["k8s.io/kubernetes"] }

// minor is the 37 of v1.37.2.
func (r release) minor(t *testing.T) int {
	t.Helper()
	var minor, patch int
	if _, err := fmt.Sscanf(r.kubernetes(), "v1.%d.%d", &minor, &patch); err != nil {
		t.Fatalf("Kubernetes %s: %v", r.kubernetes(), err)
	}
	return minor
}

// built returns the path of the executable, and fails the test if it is missing.
func (r release) built(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../../bin/k8slab-controlplane-" + r.kubernetes())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: run `make build`", err)
	}
	return path
}

// eachRelease runs f for every .mod file.
func eachRelease(t *testing.T, f func(t *testing.T, r release)) {
	t.Helper()
	files, err := filepath.Glob("../*.mod")
	if err != nil || len(files) == 0 {
		t.Fatalf("no .mod files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			r := release{file: filepath.Base(file), requires: map[string]string{}}
			for _, m := range requirement.FindAllStringSubmatch(string(raw), -1) {
				r.requires[m[1]] = m[2]
			}
			if r.kubernetes() == "" {
				t.Fatal("k8s.io/kubernetes is not required")
			}
			f(t, r)
		})
	}
}

// separate lists the modules below k8s.io that are released on their own.
var separate = []string{"k8s.io/klog/v2", "k8s.io/kube-openapi", "k8s.io/utils", "k8s.io/gengo/v2", "k8s.io/kubernetes"}

func TestAModFilePinsOneReleaseOfKubernetes(t *testing.T) {
	eachRelease(t, func(t *testing.T, r release) {
		staging := strings.Replace(r.kubernetes(), "v1.", "v0.", 1)
		pinned := 0
		for module, got := range r.requires {
			if !strings.HasPrefix(module, "k8s.io/") || slices.Contains(separate, module) {
				continue
			}
			pinned++
			if got != staging {
				t.Errorf("%s is %s; with Kubernetes %s it must be %s", module, got, r.kubernetes(), staging)
			}
			if strings.HasPrefix(module, "k8s.io/sample-") {
				t.Errorf("%s is required, and nothing of it is used", module)
			}
		}
		for _, module := range []string{"k8s.io/api", "k8s.io/apiserver", "k8s.io/client-go", "k8s.io/component-base", "k8s.io/kubectl"} {
			if r.requires[module] == "" {
				t.Errorf("%s is not pinned", module)
			}
		}
		if pinned < 20 {
			t.Errorf("%d staging modules are pinned; Kubernetes has more", pinned)
		}
	})
}

func TestTheNameOfAModFileIsItsRelease(t *testing.T) {
	newest, newestFile := -1, ""
	eachRelease(t, func(t *testing.T, r release) {
		if minor := r.minor(t); minor > newest {
			newest, newestFile = minor, r.file
		}
		if want := fmt.Sprintf("v1.%d.mod", r.minor(t)); r.file != "go.mod" && r.file != want {
			t.Errorf("it pins %s; its name should be %s", r.kubernetes(), want)
		}
	})
	if newestFile != "go.mod" {
		t.Errorf("the newest release is in %s; it should be in go.mod, which a plain `go build` uses", newestFile)
	}
}

func TestEtcdIsOneReleaseToo(t *testing.T) {
	eachRelease(t, func(t *testing.T, r release) {
		server := r.requires["go.etcd.io/etcd/server/v3"]
		for module, got := range r.requires {
			if strings.HasPrefix(module, "go.etcd.io/etcd/") && got != server {
				t.Errorf("%s is %s, the server %s", module, got, server)
			}
		}
	})
}

func TestTheExecutableSaysWhatIsInside(t *testing.T) {
	eachRelease(t, func(t *testing.T, r release) {
		out, err := exec.CommandContext(t.Context(), r.built(t), "version").Output()
		if err != nil {
			t.Fatal(err)
		}
		var inside struct{ Kubernetes, Etcd string }
		if err := json.Unmarshal(out, &inside); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		if inside.Kubernetes != r.kubernetes() || inside.Etcd != r.requires["go.etcd.io/etcd/server/v3"] {
			t.Errorf("got %+v, want %s with etcd %s", inside, r.kubernetes(), r.requires["go.etcd.io/etcd/server/v3"])
		}
	})
}

func TestTheExecutableExplainsItselfUnderItsOwnName(t *testing.T) {
	eachRelease(t, func(t *testing.T, r release) {
		for _, args := range [][]string{nil, {"--help"}, {"version", "now"}} {
			var stdout, stderr strings.Builder
			cmd := exec.CommandContext(t.Context(), r.built(t), args...)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			exit, ok := errors.AsType[*exec.ExitError](cmd.Run())
			if !ok || exit.ExitCode() != 2 {
				t.Errorf("with arguments %q: %v, want exit code 2", args, exit)
			}
			if stdout.Len() > 0 || !strings.Contains(stderr.String(), "k8slab-controlplane "+r.kubernetes()) {
				t.Errorf("with arguments %q: stdout %q, stderr %q", args, stdout.String(), stderr.String())
			}
		}
	})
}

func TestEachServerAnswersToItsName(t *testing.T) {
	eachRelease(t, func(t *testing.T, r release) {
		kubernetes := "Kubernetes " + r.kubernetes()
		for name, want := range map[string]string{
			"etcd":                    "etcd Version: " + strings.TrimPrefix(r.requires["go.etcd.io/etcd/server/v3"], "v"),
			"kube-apiserver":          kubernetes,
			"kube-controller-manager": kubernetes,
			"kube-scheduler":          kubernetes,
		} {
			cmd := exec.CommandContext(t.Context(), r.built(t), "--version")
			cmd.Args[0] = name
			if out, err := cmd.CombinedOutput(); err != nil || !strings.HasPrefix(string(out), want) {
				t.Errorf("%s --version: %v, want %q at the beginning of %.80q", name, err, want, out)
			}
		}
	})
}

func TestKubectlAnswersThroughALinkAndReportsACleanBuild(t *testing.T) {
	eachRelease(t, func(t *testing.T, r release) {
		link := filepath.Join(t.TempDir(), "kubectl")
		if err := os.Symlink(r.built(t), link); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), link, "version", "--client", "--output=json")
		cmd.Env = append(os.Environ(), "KUBECONFIG=/dev/null")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ ClientVersion map[string]string }
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		for field, want := range map[string]string{
			"gitVersion": r.kubernetes(), "major": "1", "minor": strconv.Itoa(r.minor(t)), "gitTreeState": "clean",
		} {
			if got.ClientVersion[field] != want {
				t.Errorf("%s is %q, want %q", field, got.ClientVersion[field], want)
			}
		}
	})
}
