package source

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/k8slab/k8slab/engine/catalog"
)

// labFiles returns the files of a complete lab with the id.
func labFiles(t *testing.T, id string) map[string]string {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", "lab.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.Files {
		files[f.Name] = strings.ReplaceAll(string(f.Data), "id: ID\n", "id: "+id+"\n")
	}
	return files
}

// folderNode is a folder of a tree that is to be written; names and modes are whatever a test wants.
type folderNode map[string]any

type (
	// linkTo is a symbolic link.
	linkTo string
	// submodule is a commit of another repository.
	submodule struct{}
)

// labTree returns a whole lab as a tree.
func labTree(t *testing.T, id string) folderNode {
	t.Helper()
	root := folderNode{}
	for name, data := range labFiles(t, id) {
		root.put(name, data)
	}
	return root
}

// put writes a node at a path with ordinary names.
func (f folderNode) put(path string, node any) {
	dir, rest, nested := strings.Cut(path, "/")
	if !nested {
		f[path] = node
		return
	}
	if f[dir] == nil {
		f[dir] = folderNode{}
	}
	f[dir].(folderNode).put(rest, node)
}

// edit replaces a part of a file.
func (f folderNode) edit(t *testing.T, path, old, text string) {
	t.Helper()
	dir, rest, nested := strings.Cut(path, "/")
	if nested {
		f[dir].(folderNode).edit(t, rest, old, text)
		return
	}
	before := f[path].(string)
	if !strings.Contains(before, old) {
		t.Fatalf("%s does not hold %q", path, old)
	}
	f[path] = strings.Replace(before, old, text, 1)
}

// store writes the tree, even one that git would not write.
func (f folderNode) store(t *testing.T, objects storer.EncodedObjectStorer) plumbing.Hash {
	t.Helper()
	var encoded bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(f)) {
		mode, hash := f.storeEntry(t, objects, name)
		fmt.Fprintf(&encoded, "%o %s\x00", uint32(mode), name)
		encoded.Write(hash[:])
	}
	return storeObject(t, objects, plumbing.TreeObject, encoded.Bytes())
}

func (f folderNode) storeEntry(t *testing.T, objects storer.EncodedObjectStorer, name string) (filemode.FileMode, plumbing.Hash) {
	t.Helper()
	switch node := f[name].(type) {
	case folderNode:
		return filemode.Dir, node.store(t, objects)
	case string:
		return filemode.Regular, storeObject(t, objects, plumbing.BlobObject, []byte(node))
	case linkTo:
		return filemode.Symlink, storeObject(t, objects, plumbing.BlobObject, []byte(node))
	case submodule:
		return filemode.Submodule, plumbing.NewHash(strings.Repeat("a", 40))
	case plumbing.Hash: // a folder that was stored before
		return filemode.Dir, node
	default:
		t.Fatalf("%s: no way to store %T", name, node)
		return 0, plumbing.ZeroHash
	}
}

func storeObject(t *testing.T, objects storer.EncodedObjectStorer, kind plumbing.ObjectType, data []byte) plumbing.Hash {
	t.Helper()
	o := objects.NewEncodedObject()
	o.SetType(kind)
	w, err := o.Writer()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	hash, err := objects.SetEncodedObject(o)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func storeCommit(t *testing.T, objects storer.EncodedObjectStorer, tree plumbing.Hash) plumbing.Hash {
	t.Helper()
	o := objects.NewEncodedObject()
	commit := &object.Commit{TreeHash: tree, Message: "labs\n"}
	if err := commit.Encode(o); err != nil {
		t.Fatal(err)
	}
	hash, err := objects.SetEncodedObject(o)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// repository is a bare repository on the disk.
type repository struct {
	dir     string
	storage *filesystem.Storage
}

func newRepository(t *testing.T) repository {
	t.Helper()
	r := repository{dir: filepath.Join(t.TempDir(), "course.git")}
	r.storage = filesystem.NewStorage(osfs.New(r.dir), cache.NewObjectLRUDefault())
	if _, err := git.Init(r.storage, nil); err != nil {
		t.Fatal(err)
	}
	r.point(t, "HEAD", plumbing.ZeroHash)
	return r
}

// commit writes the tree as the newest commit of the branch main.
func (r repository) commit(t *testing.T, root folderNode) plumbing.Hash {
	t.Helper()
	hash := storeCommit(t, r.storage, root.store(t, r.storage))
	r.point(t, "refs/heads/main", hash)
	return hash
}

// point sets a reference to a commit; HEAD always leads to main.
func (r repository) point(t *testing.T, name string, hash plumbing.Hash) {
	t.Helper()
	ref := plumbing.NewHashReference(plumbing.ReferenceName(name), hash)
	if name == "HEAD" {
		ref = plumbing.NewSymbolicReference(plumbing.HEAD, "refs/heads/main")
	}
	if err := r.storage.SetReference(ref); err != nil {
		t.Fatal(err)
	}
}

func newStore(t *testing.T) *Store {
	t.Helper()
	return New(filepath.Join(t.TempDir(), "sources"), "v0.5.0")
}

// add adds a source and returns its labs by id.
func add(t *testing.T, s *Store, address string) map[string]catalog.Offer {
	t.Helper()
	added, _, err := s.Add(t.Context(), "", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return offersOf(t, s, added.Name)
}

func offersOf(t *testing.T, s *Store, name string) map[string]catalog.Offer {
	t.Helper()
	_, offers, err := s.Resolve(t.Context(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]catalog.Offer{}
	for _, o := range offers {
		byID[o.ID] = o
	}
	return byID
}

// writeLab writes a lab to a folder of labs on the disk.
func writeLab(t *testing.T, labs, id string) {
	t.Helper()
	for name, data := range labFiles(t, id) {
		path := filepath.Join(labs, id, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// wantError fails unless err says all of these, in one paragraph without anything that a terminal would act on.
func wantError(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("there is no error, want one with %q", want)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("got  %v\nwant %q in it", err, w)
		}
	}
	if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' && r != '\n' || r == '\u202e' }) {
		t.Errorf("the error holds a control character: %q", err.Error())
	}
}
