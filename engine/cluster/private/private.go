package private

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// WriteFile replaces path in one step, so that a reader or a crash never sees half of it. The file has mode 0600, and folders that are
// missing are made with mode 0700.
func WriteFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(data); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// WriteJSON writes v as WriteFile does, for a person to read as well.
func WriteJSON(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(path, append(raw, '\n'))
}

// maxSocketPath leaves room below the 104 bytes that macOS allows for the path of a unix socket.
const maxSocketPath = 96

// Socket returns where the folder's unix socket of that name lives: in the folder, or for a folder whose path is too long for a
// socket, in a short private one that is derived from it.
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

// makePrivate creates dir for us alone, and refuses one that somebody else prepared.
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
