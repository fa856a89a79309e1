package kind

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
)

// command puts one program on PATH, with that name, and nothing else. The program is the shell script.
func command(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	t.Setenv(EngineVariable, "")
	if name == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
}

func answer(json string) string { return "echo '" + json + "'\n" }

func TestAnEngineThatCannotBeUsedIsAProblemWithANextStep(t *testing.T) {
	cases := []struct {
		name            string
		command, script string
		variable        string
		want, next      string
	}{
		{name: "neither Docker nor Podman is installed", want: "neither docker nor podman is on the PATH", next: "start 11-maintenance --cluster embedded"},
		{
			name: "Docker's engine does not run", command: "docker",
			script: "echo 'Cannot connect to the Docker daemon' >&2; exit 1", want: "does not answer", next: startEngine("docker", runtime.GOOS).String(),
		},
		{
			name: "Docker's engine says so in its answer", command: "docker",
			script: answer(`{"ServerErrors":["Cannot connect to the Docker daemon"]}`), want: "does not answer", next: startEngine("docker", runtime.GOOS).String(),
		},
		{
			name: "the user may not speak to it", command: "docker",
			script: "echo 'permission denied while trying to connect' >&2; exit 1", want: "may not speak to it", next: "sudo usermod -aG docker $USER",
		},
		{
			name: "Docker is too old", command: "docker", script: answer(`{"ServerVersion":"19.03.15","CgroupVersion":"1","MemTotal":8000000000}`),
			want: "Docker 19.03.15 is too old", next: "start 11-maintenance --cluster embedded",
		},
		{
			name: "Podman is too old", command: "podman", script: answer(`{"host":{"cgroupVersion":"v2"},"version":{"Version":"3.4.4"}}`),
			want: "Podman 3.4.4 is too old", next: "start 11-maintenance --cluster embedded",
		},
		{
			name: "a version that cannot be read counts as too old", command: "docker", script: answer(`{"ServerVersion":"devel"}`),
			want: "Docker devel is too old", next: "start 11-maintenance --cluster embedded",
		},
		{name: "an engine that nobody knows is asked for", command: "docker", variable: "lxc", want: `names "lxc"`, next: "unset " + EngineVariable},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			command(t, c.command, c.script)
			t.Setenv(EngineVariable, c.variable)
			_, err := findEngine(t.Context(), "11-maintenance")
			p, ok := errors.AsType[*problem.Problem](err)
			if !ok {
				t.Fatalf("got %v, want a problem", err)
			}
			if !strings.Contains(p.What.EN, c.want) || p.What.JA == "" || p.What.JA == p.What.EN || p.Next.String() != c.next {
				t.Errorf("got %q / %q, next %q; want %q, next %q", p.What.EN, p.What.JA, p.Next, c.want, c.next)
			}
		})
	}
}

func TestAnImageThatIsNoneIsToldFromAnEngineThatRunsNothing(t *testing.T) {
	for script, want := range map[string]string{
		"echo 'cat: /kind/version: No such file' >&2; exit 1":                    "web:1 is not a node image of kind",
		"echo 'exec: \"cat\": executable file not found in $PATH' >&2; exit 127": "web:1 is not a node image of kind",
		"echo 'crun: setrlimit: Operation not permitted' >&2; exit 126":          "Podman cannot run a container of web:1",
		"echo 'no space left on device' >&2; exit 125":                           "Podman cannot run a container of web:1",
	} {
		command(t, "podman", script)
		e := &engine{command: "podman"}
		_, err := e.imageVersion(t.Context(), "web:1")
		p, ok := errors.AsType[*problem.Problem](err)
		if !ok || !strings.HasPrefix(p.What.EN, want) || !strings.HasPrefix(p.Next.String(), "podman run --rm") == strings.Contains(want, "cannot run") {
			t.Errorf("%s: %v", script, err)
		}
	}
}

func TestTheNextStepOfASilentEngineIsTheSystemsOwn(t *testing.T) {
	for _, c := range []struct{ command, goos, said, want string }{
		{"docker", "linux", "cannot connect", "sudo systemctl start docker"},
		{"docker", "linux", "permission denied", "sudo usermod -aG docker $USER"},
		{"docker", "darwin", "cannot connect", "open -a Docker"},
		{"docker", "darwin", "permission denied", "open -a Docker"},
		{"podman", "linux", "cannot connect", "podman info"},
		{"podman", "linux", "permission denied", "podman info"},
		{"podman", "darwin", "cannot connect", "podman machine start"},
	} {
		wantNext(t, fmt.Sprint(c), noAnswer(c.command, c.goos, errors.New(c.said)), c.want)
	}
	wantNext(t, "wrong image", wrongImage("podman", "web:1", "v1.36.3", "1.37"), "podman pull web:1")
}

func TestAnEngineThatAcceptsAndSaysNothingIsNotWaitedFor(t *testing.T) {
	l := labOn(t, "")
	// The process that the command has started still holds the command's output when the command is killed.
	command(t, "docker", "/bin/sleep 600 &\necho $! >>\"${0%/*}/pids\"\nwait\n")
	t.Cleanup(func() {
		raw, err := os.ReadFile(filepath.Join(os.Getenv("PATH"), "pids"))
		if err != nil {
			t.Error(err)
		}
		for _, said := range strings.Fields(string(raw)) {
			if pid, err := strconv.Atoi(said); err != nil || syscall.Kill(pid, syscall.SIGKILL) != nil {
				t.Errorf("process %s was not ended: %v", said, err)
			}
		}
	})
	var both sync.WaitGroup
	both.Go(func() {
		if c, err := l.p.Find(t.Context(), "lab"); err != nil || c.State != cluster.Stopped {
			t.Errorf("Find: %+v, %v", c, err)
		}
	})
	both.Go(func() {
		_, err := findEngine(t.Context(), "lab")
		wantNext(t, "findEngine", err, startEngine("docker", runtime.GOOS).String())
	})
	both.Wait()
}

func TestWhatTakesTooLongHasANextStep(t *testing.T) {
	l := labOn(t, "")
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	wantNext(t, "awaitAPI", inTime("lab", l.p.awaitAPI(late, l.f, 1)), "start lab")
	if err := inTime("lab", notReady("lab", []string{"one"}, context.DeadlineExceeded)); !strings.Contains(err.Error(), "did not become Ready in time: one") {
		t.Errorf("a problem has not kept its words: %v", err)
	}
	other := errors.New("other")
	if inTime("lab", other) != other || inTime("lab", nil) != nil || inTime("lab", context.Canceled) != context.Canceled {
		t.Error("what has nothing to do with time is told as if it had")
	}
}

func TestAnEngineThatAnswersIsUsed(t *testing.T) {
	cases := []struct {
		command, script string
		want            engine
	}{
		{"docker", answer(`{"ServerVersion":"20.10.24+dfsg1","CgroupVersion":"1","MemTotal":8000000000}`),
			engine{"docker", info{version: "20.10.24+dfsg1", cgroup: 1, memory: 8000000000}}},
		{"podman", answer(`{"host":{"cgroupVersion":"v2","memTotal":4000000000},"version":{"Version":"5.4.1"}}`),
			engine{"podman", info{version: "5.4.1", cgroup: 2, memory: 4000000000}}},
	}
	for _, c := range cases {
		t.Run(c.command, func(t *testing.T) {
			command(t, c.command, c.script)
			got, err := findEngine(t.Context(), "lab")
			if err != nil || *got != c.want {
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

func TestAnInterruptedQuestionIsNoProblemOfTheEngine(t *testing.T) {
	command(t, "docker", "exit 1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := findEngine(ctx, "lab"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestLittleMemoryIsFoundBeforeAnythingIsMade(t *testing.T) {
	e := &engine{"docker", info{version: "28.0.0", cgroup: 2, memory: 512 << 20}}
	spec := cluster.Spec{Name: "lab", Release: "1.37", Nodes: make([]cluster.Node, 4)}
	err := e.checkResources(t.Context(), spec)
	if p, ok := errors.AsType[*problem.Problem](err); !ok || !strings.Contains(p.What.EN, "512 MB of memory") {
		t.Errorf("got %v", err)
	}
}

func TestAClusterOfSomebodyElseIsLeftAlone(t *testing.T) {
	command(t, "docker", `case $1 in
info) echo '{"ServerVersion":"28.0.0","CgroupVersion":"2","MemTotal":8000000000}';;
ps) case "$*" in *`+clusterLabel+`=*) echo abc;; esac;;
inspect) echo '[{"Id":"abc","Name":"/k8slab-lab-control-plane","State":{"Running":true},"Mounts":[{"Source":"/elsewhere/machine"}]}]';;
*) echo "$@" >>"${0%/*}/touched";;
esac
`)
	p, err := New(t.TempDir(), "true")
	if err != nil {
		t.Fatal(err)
	}
	spec := cluster.Spec{Name: "lab", Release: "1.37", Nodes: []cluster.Node{{Name: "worker-1"}}}
	_, err = p.Ensure(t.Context(), spec, nil)
	if found, ok := errors.AsType[*problem.Problem](err); !ok || !strings.Contains(found.What.EN, "that k8slab did not make") {
		t.Errorf("Ensure: %v", err)
	}
	if _, err := p.Find(t.Context(), "lab"); !errors.Is(err, cluster.ErrNotFound) {
		t.Errorf("Find: %v", err)
	}
	if err := p.Delete(t.Context(), "lab"); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if touched, err := os.ReadFile(filepath.Join(os.Getenv("PATH"), "touched")); err == nil {
		t.Errorf("it was touched: %s", touched)
	}
}

func TestAClusterOfAnotherStateFolderSaysWhereItBelongs(t *testing.T) {
	e := &engine{command: "docker"}
	err := foreign(e, "lab", "k8slab-lab", []container{{name: "k8slab-lab-worker", mounted: []string{"/lib/modules", "/home/mia/.state/k8slab/kind/lab/machine"}}})
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok || p.Next.String() != "delete lab --state-home /home/mia/.state" {
		t.Errorf("got %+v", p)
	}
}

func TestDoctorSaysWhatAKindClusterLacks(t *testing.T) {
	told := func() (all []string) {
		p, err := New(t.TempDir(), "true")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range p.Examine(t.Context(), cluster.Place{}) {
			if f.Found.JA == "" || f.Found.JA == f.Found.EN {
				t.Errorf("%s is not told in Japanese: %+v", f.Name, f)
			}
			all = append(all, f.Name+" "+f.State+" "+f.Next.String())
		}
		return all
	}
	command(t, "", "")
	if got := strings.Join(told(), "; "); got != "engine problem doctor" {
		t.Errorf("without an engine: %s", got)
	}
	command(t, "docker", `case "$1 $2 $5" in
"info "*) echo '{"ServerVersion":"28.0.0","CgroupVersion":"2","MemTotal":8000000000}';;
"image inspect mine:v1.37.2") echo sha256:abc;;
"image "*) exit 1;;
"run "*) echo v1.37.2;;
esac
`)
	t.Setenv(ImageVariable, "mine:v1.37.2,mine:v1.36.3")
	want := "engine ok ; resources ok ; node image ok ; node image note docker pull mine:v1.36.3"
	if got := strings.Join(told(), "; "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
