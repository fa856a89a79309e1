package private

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFileIsForTheUserAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "file")
	for _, write := range []func(string, []byte) error{WriteFile, WriteUnsynced} {
		for _, data := range []string{"first", "second"} {
			if err := write(path, []byte(data)); err != nil {
				t.Fatal(err)
			}
			if raw, err := os.ReadFile(path); err != nil || string(raw) != data {
				t.Errorf("read %q, %v", raw, err)
			}
		}
	}
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want mode %o", name, info.Mode(), err, want)
		}
	}
}

func TestASocketsPathIsShort(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	if path, err := Socket("/short", "a.sock"); err != nil || path != "/short/a.sock" {
		t.Errorf("got %s, %v", path, err)
	}
	long := "/" + strings.Repeat("long/", 30)
	path, err := Socket(long, "a.sock")
	if err != nil || strings.HasPrefix(path, long) || filepath.Base(path) != "a.sock" {
		t.Errorf("got %s, %v", path, err)
	}
	if again, err := Socket(long, "a.sock"); err != nil || again != path {
		t.Errorf("got %s, %v, want %s", again, err, path)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
