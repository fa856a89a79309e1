package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/internal/shell"
	"github.com/k8slab/k8slab/internal/terminal"
	"github.com/k8slab/k8slab/internal/testcluster"
	"github.com/k8slab/k8slab/labs"
)

// TestSessions types whole sessions of a learner into the real program, on real clusters. Each script has a state
// folder of its own in $STATE, and the clusters that it leaves there are deleted however it ends.
func TestSessions(t *testing.T) { typeSessions(t, "cluster") }

// typeSessions runs the scripts of a folder below testdata/script.
func typeSessions(t *testing.T, folder string) {
	controlPlanes := filepath.Dir(testcluster.Executable(t, "1.37"))
	all, err := content.LoadAll(labs.FS())
	if err != nil {
		t.Fatal(err)
	}
	lastStep := all[0].Steps[len(all[0].Steps)-1].ID
	// A control plane that starts takes two processors.
	places := make(chan struct{}, 2)
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script", folder),
		Setup: func(env *testscript.Env) error {
			places <- struct{}{}
			env.Defer(func() { <-places })
			state, err := os.MkdirTemp("", "k8slab-") // not in the work folder, whose path is too long for a socket
			if err != nil {
				return err
			}
			env.Defer(func() { removeState(t, state) })
			env.Values[callersKey{}] = new(callers)
			env.Setenv("STATE", state)
			env.Setenv("LAST_STEP", lastStep)
			env.Setenv("XDG_STATE_HOME", state)
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("SHELL", "/bin/sh")
			env.Setenv(embedded.DirVariable, controlPlanes)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      exits,
			"guide":      guide,
			"eventually": eventually,
			"narrow":     narrowOutput,
			"cut-start":  cutStart,
			"cut":        cut,
			"processes":  processes,
			"pause":      pauseProcesses,
			"kill-9":     killProcess,
			"mount":      mount,
			"umount":     umount,
			"listen":     listen,
			"uncalled":   uncalled,
		},
	})
}

// removeState deletes the clusters of a script, which may have used several state folders.
func removeState(t *testing.T, state string) {
	for _, pattern := range []string{"k8slab/clusters/*", "*/k8slab/clusters/*"} {
		found, err := filepath.Glob(filepath.Join(state, pattern))
		if err != nil {
			t.Error(err)
		}
		for _, dir := range found {
			p, err := embedded.New(filepath.Dir(dir))
			if err == nil {
				err = p.Delete(context.Background(), filepath.Base(dir))
			}
			if err != nil {
				t.Errorf("deleting the cluster in %s: %v", dir, err)
			}
		}
	}
	if err := os.RemoveAll(state); err != nil {
		t.Error(err)
	}
	for pid, command := range left(t, state+"/") {
		t.Errorf("process %d is left: %s", pid, command)
	}
}

// left returns the processes of a folder that still run after Patience. Meanwhile a supervisor that was starting finds
// the folder gone and ends.
func left(t *testing.T, dir string) map[int]string {
	deadline := time.Now().Add(testcluster.Patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		running, err := testcluster.Processes(dir)
		if err != nil {
			t.Error(err)
		}
		if len(running) == 0 || time.Now().After(deadline) {
			return running
		}
		<-tick.C
	}
}

// exits runs a command and wants its exit code: exits 3 k8slab check.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitCode(ts, ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func exitCode(ts *testscript.TestScript, err error) int {
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		return ended.ExitCode()
	}
	ts.Check(err)
	return 0
}

// eventually runs a command until its stdout matches: eventually PATTERN COMMAND ... With neg, until it does not match.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: eventually PATTERN COMMAND ...")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	last := ""
	wait(ts, "stdout to match "+args[0], func() bool {
		cmd := command(ts, args[1], args[2:]...)
		var out strings.Builder
		cmd.Stdout = &out
		if err := cmd.Run(); err != nil {
			last = err.Error()
			return false
		}
		last = out.String()
		return pattern.MatchString(last) != neg
	}, &last)
}

// wait polls until done, and fails the script after testcluster.Patience.
func wait(ts *testscript.TestScript, what string, done func() bool, last *string) {
	deadline := time.NewTimer(testcluster.Patience)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline.C:
			if last != nil {
				ts.Logf("[last]\n%s", *last)
			}
			ts.Fatalf("waited %v for %s", testcluster.Patience, what)
		case <-tick.C:
		}
	}
}

// command returns a command with the variables of the script that k8slab reads.
func command(ts *testscript.TestScript, name string, args ...string) *exec.Cmd {
	path, err := shell.LookPath(name, ts.Getenv("PATH"))
	ts.Check(err)
	cmd := exec.Command(path, args...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "XDG_STATE_HOME", "LANG", "SHELL", "TMPDIR", embedded.DirVariable} {
		if value := ts.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	return cmd
}

// narrowOutput wants no line of the last stdout and stderr to be wider than so many cells, except lines that are to be
// copied: code, commands and paths.
func narrowOutput(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: narrow CELLS")
	}
	width, err := strconv.Atoi(args[0])
	ts.Check(err)
	for _, stream := range []string{"stdout", "stderr"} {
		for line := range strings.Lines(ts.ReadFile(stream)) {
			line = strings.TrimRight(line, "\n")
			code := strings.HasPrefix(strings.TrimLeft(line, "•0123456789. "), "kubectl ") || strings.HasPrefix(line, "    ") && !strings.Contains(strings.TrimSpace(line), " ")
			if terminal.Width(line) > width && !code && !copied(line) {
				ts.Fatalf("%s: %d cells, more than %d: %s", stream, terminal.Width(line), width, line)
			}
		}
	}
}

// copied reports whether the line holds a command or a path that must stay in one piece.
func copied(line string) bool {
	return strings.HasPrefix(line, "next: ") || strings.HasPrefix(line, "次: ") || strings.Contains(line, "k8slab/")
}

// cutStart starts the lab and ends the start with a signal as soon as a moment has come: cut-start KILL|INT
// pki|socket|namespace|objects
func cutStart(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cut-start KILL|INT MOMENT")
	}
	signal, ok := map[string]syscall.Signal{"KILL": syscall.SIGKILL, "INT": syscall.SIGINT}[args[0]]
	if !ok {
		ts.Fatalf("no signal %s", args[0])
	}
	come := moment(ts, args[1])
	cmd := command(ts, "k8slab", "start", "11-maintenance")
	var errs strings.Builder
	cmd.Stderr = &errs
	ts.Check(cmd.Start())
	said := ""
	wait(ts, "the moment "+args[1], come, &said)
	ts.Check(cmd.Process.Signal(signal))
	err := cmd.Wait()
	ts.Logf("[ended at %s: %v]\n%s", args[1], err, errs.String())
	code := exitCode(ts, err)
	switch {
	case signal == syscall.SIGKILL && code != -1:
		ts.Fatalf("start had ended by itself before it was killed, with exit code %d", code)
	case signal == syscall.SIGINT && code != exitInterrupted:
		ts.Fatalf("exit code %d, want %d", code, exitInterrupted)
	case signal == syscall.SIGINT && !strings.Contains(errs.String(), "The next k8slab start goes on from here"):
		ts.Fatalf("start does not say how to go on")
	}
}

// cut runs a k8slab command and kills it as soon as the command has said what it is about to do: cut reset
func cut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: cut COMMAND ...")
	}
	intent := filepath.Join(ts.Getenv("XDG_STATE_HOME"), "k8slab", "sessions", "11-maintenance", "intent.json")
	cmd := command(ts, "k8slab", args...)
	ts.Check(cmd.Start())
	wait(ts, "the intent", func() bool {
		_, err := os.Stat(intent)
		return err == nil
	}, nil)
	ts.Check(cmd.Process.Kill())
	if code := exitCode(ts, cmd.Wait()); code != -1 {
		ts.Fatalf("it had ended by itself before it was killed, with exit code %d", code)
	}
	if _, err := os.Stat(intent); err != nil {
		ts.Fatalf("it was killed too late: %v", err)
	}
}

// processes wants that many processes to belong to the script's cluster: processes 5
func processes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: processes COUNT")
	}
	last := ""
	wait(ts, args[0]+" processes", func() bool {
		running, err := testcluster.Processes(clusterDir(ts))
		ts.Check(err)
		last = fmt.Sprint(running)
		return strconv.Itoa(len(running)) == args[0]
	}, &last)
}

// pauseProcesses stops all processes of the script's cluster, as a laptop that sleeps does, and lets them go on after
// the given time: pause 70s
func pauseProcesses(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: pause DURATION")
	}
	length, err := time.ParseDuration(args[0])
	ts.Check(err)
	running, err := testcluster.Processes(clusterDir(ts))
	ts.Check(err)
	for pid := range running {
		ts.Check(syscall.Kill(pid, syscall.SIGSTOP))
	}
	<-time.After(length)
	for pid := range running {
		ts.Check(syscall.Kill(pid, syscall.SIGCONT))
	}
}

// moment returns a function that reports whether a start has come as far as the moment of that name.
func moment(ts *testscript.TestScript, name string) func() bool {
	dir := clusterDir(ts)
	exists := func(name string) func() bool {
		return func() bool {
			_, err := os.Stat(filepath.Join(dir, name))
			return err == nil
		}
	}
	switch name {
	case "pki":
		return exists("pki")
	case "socket":
		return exists("control.sock")
	case "namespace":
		return func() bool { return found(dir, func(c kubernetes.Interface) error { return namespaceShop(c) }) }
	case "objects":
		return func() bool {
			return found(dir, func(c kubernetes.Interface) error {
				_, err := c.AppsV1().DaemonSets("shop").Get(context.Background(), "node-agent", metav1.GetOptions{})
				return err
			})
		}
	}
	ts.Fatalf("no moment %s", name)
	return nil
}

func namespaceShop(c kubernetes.Interface) error {
	_, err := c.CoreV1().Namespaces().Get(context.Background(), "shop", metav1.GetOptions{})
	return err
}

// found reports whether ask succeeds on the folder's cluster, which may not answer yet.
func found(dir string, ask func(kubernetes.Interface) error) bool {
	p, err := embedded.New(filepath.Dir(dir))
	if err != nil {
		return false
	}
	cfg, err := p.Config(context.Background(), filepath.Base(dir), cluster.Operator)
	if err != nil {
		return false
	}
	cfg.Timeout = time.Second
	client, err := kubernetes.NewForConfig(cfg)
	return err == nil && ask(client) == nil
}

func clusterDir(ts *testscript.TestScript) string {
	return filepath.Join(ts.Getenv("XDG_STATE_HOME"), "k8slab", "clusters", "11-maintenance")
}

// killProcess kills the supervisor or a component of the script's cluster, and returns when that process is gone.
func killProcess(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: kill-9 supervisor|COMPONENT")
	}
	running, err := testcluster.Processes(clusterDir(ts))
	ts.Check(err)
	for pid, line := range running {
		name, rest, _ := strings.Cut(line, " ")
		if args[0] == "supervisor" {
			name, _, _ = strings.Cut(rest, " ")
			name = strings.Replace(name, "supervise", "supervisor", 1)
		}
		if filepath.Base(name) != args[0] {
			continue
		}
		ts.Check(syscall.Kill(pid, syscall.SIGKILL))
		wait(ts, "the end of "+args[0], func() bool {
			left, err := testcluster.Processes(clusterDir(ts))
			return err == nil && left[pid] == ""
		}, nil)
		return
	}
	ts.Fatalf("no process %s among %v", args[0], running)
}

// mount makes a small file system: mount DIR OPTIONS.
func mount(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mount DIR OPTIONS")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o700))
	ts.Check(exec.Command("mount", "-t", "tmpfs", "-o", args[1], "tmpfs", dir).Run())
	ts.Defer(func() {
		// The script may have unmounted it already. A process that still runs in it must not keep the test from ending.
		_ = exec.Command("umount", "-l", dir).Run()
	})
}

func umount(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: umount DIR")
	}
	ts.Check(exec.Command("umount", ts.MkAbs(args[0])).Run())
}
