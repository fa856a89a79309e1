package content

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"regexp"
	"slices"
)

// nodeWord is a word that could be the name of a node: what a DNS label is made of.
var nodeWord = regexp.MustCompile(`[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?`)

// Renamed returns the lab as if its author had called the nodes by other names: in the cluster's shape, in set-ups, in
// the parameters of checks and in lessons. names holds the new names by the lab's own. A name is replaced wherever it
// stands as a word.
func Renamed(lab *Lab, names map[string]string) (*Lab, error) {
	renamed, err := Load(renamedFiles{lab.FS, names}, ".")
	if err != nil {
		return nil, err
	}
	renamed.ID, renamed.Origin, renamed.dir = lab.ID, lab.Origin, lab.dir
	return renamed, nil
}

// renamedFiles is a file system in whose regular files the names are replaced.
type renamedFiles struct {
	fs.FS
	names map[string]string
}

// Open implements fs.FS.
func (r renamedFiles) Open(name string) (fs.File, error) {
	file, err := r.FS.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return file, err
	}
	raw, err := io.ReadAll(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	return &renamedFile{Reader: bytes.NewReader(r.replace(raw)), info: info}, nil
}

// ReadLink implements fs.ReadLinkFS, so that a link stays one for whoever reads the lab.
func (r renamedFiles) ReadLink(name string) (string, error) { return fs.ReadLink(r.FS, name) }

// Lstat implements fs.ReadLinkFS.
func (r renamedFiles) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(r.FS, name) }

func (r renamedFiles) replace(raw []byte) []byte {
	return nodeWord.ReplaceAllFunc(slices.Clone(raw), func(word []byte) []byte {
		if name, ok := r.names[string(word)]; ok {
			return []byte(name)
		}
		return word
	})
}

// renamedFile is a file whose contents are in memory.
type renamedFile struct {
	*bytes.Reader
	info fs.FileInfo
}

func (f *renamedFile) Stat() (fs.FileInfo, error) { return renamedInfo{f.info, f.Reader.Size()}, nil }

func (f *renamedFile) Close() error { return nil }

type renamedInfo struct {
	fs.FileInfo
	size int64
}

func (i renamedInfo) Size() int64 { return i.size }
