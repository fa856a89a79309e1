package flock

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const (
	hold   = "K8SLAB_TEST_HOLD"
	parent = "K8SLAB_TEST_PARENT"
)

// TestMain lets this executable be a process that holds a lock until its input ends. As a parent it also has a child
// with the same input, which lives on when the parent is killed.
func TestMain(m *testing.M) {
	path := os.Getenv(hold)
	if path == "" {
		os.Exit(m.Run())
	}
	if err := holdLock(path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

func holdLock(path string) error {
	if _, err := Exclusive(path); err != nil {
		return err
	}
	if os.Getenv(parent) == "" {
		return nil
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), hold+"="+path+".child", parent+"=")
	child.Stdin = os.Stdin
	out, err := child.StdoutPipe()
	if err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return err
	}
	_, err = bufio.NewReader(out).ReadString('\n')
	return err
}

// other starts a process that lives until its input is closed, and returns when it is ready.
func other(t *testing.T, env ...string) (p *exec.Cmd, input io.Closer) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	if said, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the other process said %q: %v", said, err)
	}
	return cmd, in
}

func held(t *testing.T, path string) bool {
	t.Helper()
	held, err := Held(path)
	if err != nil {
		t.Fatal(err)
	}
	return held
}

func TestALockIsHeldUntilItIsReleased(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "lock")
	release, ok, err := Try(path)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	for name, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want mode %o", name, info.Mode(), err, want)
		}
	}
	if _, ok, err := Try(path); ok || err != nil {
		t.Errorf("a second one: %v, %v", ok, err)
	}
	if !held(t, path) {
		t.Error("is not held")
	}
	release()
	release()
	if held(t, path) {
		t.Error("is held after its release")
	}
	if release, ok, err := Try(path); !ok || err != nil {
		t.Errorf("after the release: %v, %v", ok, err)
	} else {
		release()
	}
}

func TestWhoAsksMakesNoFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if held(t, path) || held(t, filepath.Join(path, "below")) {
		t.Error("a missing file is held")
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
	if _, err := Shared(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Shared: %v", err)
	}
}

func TestThoseWhoAskDoNotSeeEachOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	release, err := Shared(path) // as Held does for a moment
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if held(t, path) {
		t.Error("somebody who asks counts as a holder")
	}
	if again, err := Shared(path); err != nil {
		t.Error(err)
	} else {
		again()
	}
}

func TestAKilledProcessLeavesNoLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	holder, _ := other(t, hold+"="+path)
	if !held(t, path) {
		t.Fatal("the other process does not hold it")
	}
	if _, ok, err := Try(path); ok || err != nil {
		t.Fatalf("%v, %v", ok, err)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	release, err := Wait(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	release()
}

func TestWaitTakesWhatAnotherProcessReleases(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	_, input := other(t, hold+"="+path)
	for _, wait := range []func() (func(), error){
		func() (func(), error) { return Wait(t.Context(), path) },
		func() (func(), error) { return Exclusive(path) },
		func() (func(), error) { return Shared(path) },
	} {
		got := make(chan error, 1)
		go func() {
			release, err := wait()
			if err == nil {
				release()
			}
			got <- err
		}()
		input.Close() // the first time lets the holder go
		if err := <-got; err != nil {
			t.Error(err)
		}
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	_, input := other(t, hold+"="+path)
	ended, end := context.WithTimeout(t.Context(), time.Millisecond)
	defer end()
	if _, err := Wait(ended, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	input.Close()
	release, err := Wait(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	release()
	if release, err := Wait(ended, path); err != nil {
		t.Errorf("a free lock: %v", err)
	} else {
		release()
	}
}

// TestAChildDoesNotInheritALock is about supervisors: after one is killed, another may start while its children end.
func TestAChildDoesNotInheritALock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	holder, _ := other(t, hold+"="+path, parent+"=1")
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	waiting, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	release, err := Wait(waiting, path)
	if err != nil {
		t.Fatalf("the child holds it: %v", err)
	}
	release()
	if !held(t, path+".child") {
		t.Error("the child has ended")
	}
}

func TestAFolderThatCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(file, "lock")
	if _, ok, err := Try(path); ok || err == nil {
		t.Errorf("Try: %v, %v", ok, err)
	}
	if _, err := Wait(t.Context(), path); err == nil {
		t.Error("Wait: no error")
	}
	if _, err := Exclusive(path); err == nil {
		t.Error("Exclusive: no error")
	}
	if _, err := Held(path); err == nil {
		t.Error("Held: no error")
	}
}
