package machine

import (
	"os"
	"path/filepath"
	"testing"
)

func TestProcessors(t *testing.T) {
	proc := t.TempDir()
	if err := os.WriteFile(filepath.Join(proc, "stat"), []byte("cpu  200 100 300 1000 400 0 0 0 50 0\ncpu0 200 100 300 1000 400 0 0 0 50 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if spent, ok := Processors(proc); !ok || spent != (ProcessorTime{Idle: 14, All: 20}) {
		t.Errorf("got %+v, %t", spent, ok)
	}
	if _, ok := Processors(filepath.Join(proc, "none")); ok {
		t.Error("a machine without a proc file system says what its processors do")
	}
}
