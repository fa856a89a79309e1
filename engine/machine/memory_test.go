package machine

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAvailableMemory(t *testing.T) {
	const meminfo = "MemTotal:        8000000 kB\nMemFree:          500000 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		bytes uint64
		ok    bool
	}{
		"what the kernel says is available":       {map[string]string{"meminfo": meminfo + "MemAvailable:    2097152 kB\n"}, 2 << 30, true},
		"a kernel that does not say":              {map[string]string{"meminfo": meminfo}, 0, false},
		"a system that has no such file":          {nil, 0, false},
		"a number that is none is not taken as 0": {map[string]string{"meminfo": "MemAvailable: much kB\n"}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			proc := t.TempDir()
			for file, text := range c.files {
				if err := os.WriteFile(filepath.Join(proc, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if bytes, ok := AvailableMemory(proc); bytes != c.bytes || ok != c.ok {
				t.Errorf("got %d, %t, want %d, %t", bytes, ok, c.bytes, c.ok)
			}
		})
	}
	if _, ok := AvailableMemory(filepath.Join(t.TempDir(), "none")); ok {
		t.Error("a machine without a proc file system says how much memory it has")
	}
}
