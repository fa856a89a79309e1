package content

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Limits on what is read: far above what a lab needs, far below what would hurt.
const (
	maxFileBytes = 256 << 10
	maxLabBytes  = 8 << 20
	maxLabFiles  = 1000
	// maxFolder is how many entries a folder can have, whether it holds labs or a lab's files.
	maxFolder = 1000
)

// readFolder is fs.ReadDir for a folder that may have any number of entries. It reads no more entries than it takes to
// know that there are too many, and then returns tooMany.
func readFolder(fsys fs.FS, dir string) (entries []fs.DirEntry, tooMany bool, err error) {
	f, err := fsys.Open(dir)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	folder, ok := f.(fs.ReadDirFile)
	if !ok {
		return nil, false, &fs.PathError{Op: "readdir", Path: dir, Err: errors.ErrUnsupported}
	}
	entries, err = folder.ReadDir(maxFolder + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	if len(entries) > maxFolder {
		return nil, true, nil
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, false, nil
}

// listing is what a folder of a lab holds, in order of name, without hidden entries.
type listing struct {
	// dir is relative to the lab's folder.
	dir         string
	files, dirs []string
}

func hidden(name string) bool { return name[0] == '.' }

// path returns name, which is relative to the lab's folder, relative to the file system.
func (l *loader) path(name string) string { return path.Join(l.dir, name) }

// fault adds what is wrong with a file or folder of the lab as a whole.
func (l *loader) fault(name, field, problem, fix string) {
	l.found.add(Position{File: l.path(name)}, field, problem, fix)
}

// list lists a folder of the lab. Links, sockets and the like are refused: a lab from elsewhere must not lead out of
// its folder.
func (l *loader) list(dir string) (listing, error) {
	entries, tooMany, err := readFolder(l.fsys, l.path(dir))
	if err != nil {
		return listing{}, err
	}
	all := listing{dir: dir}
	if tooMany {
		l.fault(dir, "", fmt.Sprintf("the folder has more than %d entries", maxFolder), "a lab needs far fewer; remove what is not the lab's")
		return all, nil
	}
	for _, entry := range entries {
		switch {
		case hidden(entry.Name()):
		case !plainName(entry.Name()) || strings.Contains(entry.Name(), `\`):
			l.fault(path.Join(dir, entry.Name()), "", "the name holds a control character, a backslash or what is no UTF-8", "rename it")
		case entry.IsDir():
			all.dirs = append(all.dirs, entry.Name())
		case entry.Type().IsRegular():
			all.files = append(all.files, entry.Name())
		default:
			l.fault(path.Join(dir, entry.Name()), "", "it is neither a regular file nor a folder", "put a copy of the file here")
		}
	}
	return all, nil
}

// read reads a file, and reports false if the file or the whole lab is too big.
func (l *loader) read(name string) (File, bool, error) {
	f, err := l.fsys.Open(l.path(name))
	if err != nil {
		return File{}, false, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return File{}, false, err
	}
	if len(data) > maxFileBytes {
		l.fault(name, "", fmt.Sprintf("the file is larger than %d KiB", maxFileBytes>>10), "make it smaller")
		return File{}, false, nil
	}
	within, exceeded := l.budget.spend(len(data))
	if exceeded {
		l.fault("", "", fmt.Sprintf("the lab has more than %d files or %d MiB", maxLabFiles, maxLabBytes>>20), "divide it into several labs")
	}
	if !within {
		return File{}, false, nil
	}
	return File{Path: name, Data: data}, true, nil
}
