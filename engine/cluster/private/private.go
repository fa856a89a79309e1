package private

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/k8slab/k8slab/engine/atomicfile"
)

// WriteFile replaces the file as atomicfile.Write does, with mode 0600, and makes missing folders with mode 0700.
func WriteFile(path string, data []byte) error { return write(atomicfile.Write, path, data) }

// WriteUnsynced is WriteFile for files that a power failure may take (atomicfile.WriteUnsynced).
func WriteUnsynced(path string, data []byte) error {
	return write(atomicfile.WriteUnsynced, path, data)
}

func write(replace func(string, []byte, fs.FileMode) error, path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return replace(path, data, atomicfile.Private)
}

// WriteJSON writes v as WriteFile does, with indents for a person who reads it.
func WriteJSON(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(path, append(raw, '\n'))
}

// maxSocketPath leaves room below the 104 bytes that macOS allows for the path of a unix socket.
const maxSocketPath = 96

// Socket returns the path of the folder's unix socket of that name: in the folder or, if its path would be too long, in
// a short private folder whose name is derived from it.
func Socket(folder, name string) (string, error) {
	if p := filepath.Join(folder, name); len(p) <= maxSocketPath {
		return p, nil
	}
	sum := sha256.Sum256([]byte(folder))
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("k8slab-%d-%s", os.Getuid(), hex.EncodeToString(sum[:6])))
	if err := makePrivate(dir); err != nil {
		return "", err
	}
	return filepath.Join(dir, name), nil
}

// makePrivate makes the folder dir for this user alone, and refuses a folder that somebody else has prepared.
func makePrivate(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(st.Uid) != os.Getuid() {
		return fmt.Errorf("%s is not a folder of this user", dir)
	}
	return os.Chmod(dir, 0o700)
}
