package source

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/atomicfile"
)

// A snapshot is kept as one zip file: the file appears whole or not at all, and no name in it ever becomes a name on
// the disk. The labs are below keptLabs in it; keptRefused has the reasons for the labs that are refused.
const (
	keptLabs    = "labs"
	keptRefused = "refused.json"
)

// keptFile names the file of an origin.
func (s *Store) keptFile(o content.Origin) string {
	sum := sha256.Sum256([]byte(o.Source + "\x00" + o.Commit))
	return filepath.Join(s.dir, hex.EncodeToString(sum[:16])+".zip")
}

// keep writes the snapshot of the origin and returns when it is on the disk.
func (s *Store) keep(o content.Origin, taken snapshot) error {
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	add := func(name string, data []byte) error {
		f, err := w.Create(name)
		if err != nil {
			return err
		}
		_, err = f.Write(data)
		return err
	}
	if _, err := w.Create(keptLabs + "/"); err != nil { // also where no lab is kept
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(taken.files)) {
		if err := add(keptLabs+"/"+name, taken.files[name]); err != nil {
			return err
		}
	}
	refused, err := json.Marshal(taken.refused)
	if err != nil {
		return err
	}
	if err := errors.Join(add(keptRefused, refused), w.Close()); err != nil {
		return err
	}
	return atomicfile.Write(s.keptFile(o), packed.Bytes(), atomicfile.Private)
}

// kept reads the snapshot of the origin. It returns fs.ErrNotExist if no snapshot is kept.
func (s *Store) kept(o content.Origin) (fs.FS, map[string]content.Errors, error) {
	data, err := os.ReadFile(s.keptFile(o))
	if err != nil {
		return nil, nil, err
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, nil, err
	}
	f, err := r.Open(keptRefused)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(f)
	if err != nil {
		return nil, nil, err
	}
	refused := map[string]content.Errors{}
	if err := json.Unmarshal(raw, &refused); err != nil {
		return nil, nil, err
	}
	labs, err := fs.Sub(r, keptLabs)
	return labs, refused, err
}
