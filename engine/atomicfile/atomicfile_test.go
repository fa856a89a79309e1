package atomicfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	stopHalfWay = "K8SLAB_TEST_STOP_HALF_WAY"
	writeMuch   = "K8SLAB_TEST_WRITE_MUCH"
	writeWith   = "K8SLAB_TEST_WRITE_WITH"
)

// TestMain lets this executable be the process that is killed, and the one whose disk is full.
func TestMain(m *testing.M) {
	var err error
	switch {
	case os.Getenv(stopHalfWay) != "":
		err = Stream(os.Getenv(stopHalfWay), Private, func(w io.Writer) error {
			fmt.Fprint(w, "half")
			fmt.Println("ready")
			_, err := io.Copy(io.Discard, os.Stdin)
			return err
		})
	case os.Getenv(writeMuch) != "":
		err = writers[os.Getenv(writeWith)](os.Getenv(writeMuch), bytes.Repeat([]byte("new "), 1<<20), Private)
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// writers are the functions that replace a file by bytes.
var writers = map[string]func(string, []byte, fs.FileMode) error{"synced": Write, "unsynced": WriteUnsynced}

func oldFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("old"), Private); err != nil {
		t.Fatal(err)
	}
	return path
}

// holds fails the test if the file holds something else, or its folder something beside it.
func holds(t *testing.T, path, want string) {
	t.Helper()
	if raw, err := os.ReadFile(path); err != nil || string(raw) != want {
		t.Errorf("the file holds %q, %v; want %q", raw, err, want)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}

func TestAFileIsReplacedWithItsMode(t *testing.T) {
	for name, write := range writers {
		for _, mode := range []fs.FileMode{Private, 0o644} {
			path := oldFile(t)
			if err := os.Chmod(path, 0o666); err != nil {
				t.Fatal(err)
			}
			for _, data := range []string{"first", "second"} {
				if err := write(path, []byte(data), mode); err != nil {
					t.Fatal(err)
				}
				holds(t, path, data)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
				t.Errorf("%s: %v, %v, want mode %o", name, info.Mode(), err, mode)
			}
		}
	}
}

func TestWhoeverReadsKeepsTheOldFile(t *testing.T) {
	path := oldFile(t)
	reader, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := Write(path, []byte("new"), Private); err != nil {
		t.Fatal(err)
	}
	if raw, err := io.ReadAll(reader); err != nil || string(raw) != "old" {
		t.Errorf("read %q, %v", raw, err)
	}
}

func TestAWriterThatFailsLeavesTheOldFile(t *testing.T) {
	path := oldFile(t)
	sorry := errors.New("sorry")
	err := Stream(path, Private, func(w io.Writer) error {
		fmt.Fprint(w, "half")
		return sorry
	})
	if !errors.Is(err, sorry) {
		t.Errorf("got %v", err)
	}
	holds(t, path, "old")
}

// TestAFullDiskLeavesTheOldFile reaches the limit of a file's size, at which the kernel cuts a write short as it does
// on a full disk. A child has the limit, because it is the process's.
func TestAFullDiskLeavesTheOldFile(t *testing.T) {
	for name := range writers {
		path := oldFile(t)
		cmd := exec.Command("sh", "-c", `ulimit -f 4; trap '' XFSZ; exec "$0"`, os.Args[0])
		cmd.Env = append(os.Environ(), writeMuch+"="+path, writeWith+"="+name)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), syscall.EFBIG.Error()) {
			t.Errorf("%s: the child ended with %v and said %q", name, err, out)
		}
		holds(t, path, "old")
	}
}

func TestAKilledProcessLeavesTheOldFile(t *testing.T) {
	path := oldFile(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), stopHalfWay+"="+path)
	input, err := cmd.StdinPipe() // the child waits for its end, which does not come
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if said, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the child said %q: %v", said, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its error says that it was killed

	left, err := Unfinished(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Fatalf("left are %q, %v", left, err)
	}
	if raw, err := os.ReadFile(left[0]); err != nil || string(raw) != "half" {
		t.Errorf("the child had written %q, %v", raw, err)
	}
	if err := os.Remove(left[0]); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "old")
}

func TestASymlinkIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "link")
	for _, target := range []string{"/first", "/second"} {
		if err := Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		if to, err := os.Readlink(path); err != nil || to != target {
			t.Errorf("it points to %q, %v; want %q", to, err, target)
		}
	}
}
