// Package atomicfile replaces files in one step, with github.com/google/renameio, and is the only package that does. A
// reader finds the old file or the new one, even after a process was killed or a disk was full. After a power failure
// this holds only for files that [Write] and [Stream] replaced, because their content is on the disk before it gets the
// name; the old file may be back then.
//
// It must not know what is in the files, nor whose folders they are in.
//
// Start reading at Write.
package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/google/renameio/v2"
)

// Private is the mode of a file that only its user may read.
const Private fs.FileMode = 0o600

// Write replaces the file at path. The file has that mode afterwards, whatever the umask. Its folder must exist.
func Write(path string, data []byte, mode fs.FileMode) error {
	return Stream(path, mode, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// WriteUnsynced is Write for a file that is worth nothing after a power failure: it does not wait until the file is on
// the disk, which can take ten milliseconds. The state of an embedded cluster is of this kind, since the cluster's etcd
// does not wait either.
func WriteUnsynced(path string, data []byte, mode fs.FileMode) error {
	file, err := pending(path, mode)
	if err != nil {
		return err
	}
	defer cleanup(file)
	_, err = file.Write(data)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path) // renameio's own way always syncs
}

// Stream replaces the file at path by what write writes. If write fails, the old file stays.
func Stream(path string, mode fs.FileMode, write func(io.Writer) error) error {
	file, err := pending(path, mode)
	if err != nil {
		return err
	}
	defer cleanup(file)
	if err := write(file); err != nil {
		return err
	}
	return file.CloseAtomicallyReplace()
}

// pending makes the temporary file beside the file that it will replace. Renameio's default is the system's folder of
// temporary files, if that is on the same disk.
func pending(path string, mode fs.FileMode) (*renameio.PendingFile, error) {
	return renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithStaticPermissions(mode))
}

// cleanup removes the temporary file, which is no longer there after success.
func cleanup(file *renameio.PendingFile) { _ = file.Cleanup() }

// Symlink makes path a symbolic link to target, or replaces the file or link at path by one.
func Symlink(target, path string) error { return renameio.Symlink(target, path) }

// unfinished matches renameio's names of temporary files: a dot, the name of the final file, and a random number.
var unfinished = regexp.MustCompile(`^\..+[0-9]$`)

// Unfinished returns the paths of the temporary files in the folder: files that are being written, or that a killed
// process left. A caller who is sure that nobody writes there may remove them.
func Unfinished(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, e := range entries {
		if e.Type().IsRegular() && unfinished.MatchString(e.Name()) {
			found = append(found, filepath.Join(dir, e.Name()))
		}
	}
	return found, nil
}
