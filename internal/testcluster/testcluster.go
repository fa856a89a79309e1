package testcluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/procfs"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/k8slab/k8slab/engine/cluster/embedded"
)

// Patience is how long Eventually waits: longer than the 82 seconds after which a controller that has backed off tries
// again.
const Patience = 2 * time.Minute

// Main runs the tests of a package that uses embedded clusters. The provider starts this same binary as its supervisor.
func Main(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "supervise" {
		os.Exit(embedded.RunSupervisor(context.Background(), os.Args[2:]))
	}
	if err := UseExecutables(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// UseExecutables points the embedded provider at the module's bin folder, unless the environment names another folder.
func UseExecutables() error {
	if os.Getenv(embedded.DirVariable) != "" {
		return nil
	}
	dir, err := binDir()
	if err != nil {
		return err
	}
	return os.Setenv(embedded.DirVariable, dir)
}

// binDir returns the module's bin folder.
func binDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "bin"), nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod above the working directory")
		}
		dir = parent
	}
}

// Executable returns the path of the control plane executable of a release such as "1.37".
func Executable(t testing.TB, release string) string {
	t.Helper()
	dir := os.Getenv(embedded.DirVariable)
	found, err := filepath.Glob(filepath.Join(dir, "k8slab-controlplane-v"+release+".*"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no control plane of release %s in %s: run `make build`", release, dir)
	}
	return found[0]
}

// Eventually waits until f returns nil and fails the test with f's last error when Patience ends.
func Eventually(t testing.TB, f func() error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, Patience, true, func(context.Context) (bool, error) {
		last = f()
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("after %v: %v", Patience, last)
	}
}

// Parent returns the id of the process that started pid.
func Parent(t testing.TB, pid int) int {
	t.Helper()
	proc, err := procfs.NewProc(pid)
	if err != nil {
		t.Fatal(err)
	}
	stat, err := proc.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return stat.PPID
}

// ProcessesOf returns the command lines of the processes that name the folder in their arguments.
func ProcessesOf(t testing.TB, dir string) map[int]string {
	t.Helper()
	found, err := Processes(dir)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Processes is ProcessesOf for callers without a test.
func Processes(dir string) (map[int]string, error) {
	procs, err := procfs.AllProcs()
	if err != nil {
		return nil, err
	}
	found := map[int]string{}
	for _, proc := range procs {
		words, err := proc.CmdLine()
		if err != nil {
			continue // it ended meanwhile
		}
		if command := strings.Join(words, " "); strings.Contains(command, dir) {
			found[proc.PID] = command
		}
	}
	return found, nil
}

// Pause stops a process with SIGSTOP, and returns when each of its threads has stopped: a signal is sent before it
// takes effect.
func Pause(t testing.TB, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	Eventually(t, func() error {
		threads, err := procfs.AllThreads(pid)
		if err != nil {
			return err
		}
		for _, thread := range threads {
			stat, err := thread.Stat()
			if err != nil {
				return err
			}
			if stat.State != "T" {
				return fmt.Errorf("thread %d of process %d is %s still", thread.PID, pid, stat.State)
			}
		}
		return nil
	})
}
