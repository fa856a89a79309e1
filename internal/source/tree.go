package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/k8slab/k8slab/content"
)

// Limits on one lab, as package content has them for the files that it reads.
const (
	maxFileBytes = 256 << 10
	maxLabFiles  = 1000
	maxLabDepth  = 8
)

// snapshot is what is kept of a commit: the files of its labs, and the reasons for the labs that are refused.
type snapshot struct {
	// files by path, with slashes. A path begins with the name of the lab's folder; if the root itself is a lab, there
	// is no such folder.
	files map[string][]byte
	// refused has the reasons for each refused lab by the name of its folder, "." for the root.
	refused map[string]content.Errors
}

// walker reads labs out of git's objects.
type walker struct {
	limits  limits
	objects storer.EncodedObjectStorer
	entries int
	bytes   int64
	kept    snapshot
}

// takeSnapshot reads the labs at the subdir of the commit.
func takeSnapshot(ctx context.Context, l limits, objects storer.EncodedObjectStorer, commit plumbing.Hash, subdir string) (snapshot, error) {
	w := &walker{limits: l, objects: objects, kept: snapshot{files: map[string][]byte{}, refused: map[string]content.Errors{}}}
	c, err := object.GetCommit(objects, commit)
	if err != nil {
		return snapshot{}, err
	}
	root, err := w.tree(c.TreeHash)
	if err != nil {
		return snapshot{}, err
	}
	for element := range strings.SplitSeq(subdir, "/") {
		if subdir == "" {
			break
		}
		entry, ok := find(root, element)
		if !ok || entry.Mode != filemode.Dir {
			return snapshot{}, errNoSubdir
		}
		if root, err = w.tree(entry.Hash); err != nil {
			return snapshot{}, err
		}
	}
	return w.kept, w.takeLabs(ctx, root)
}

var errNoSubdir = errors.New("there is no such folder in the commit")

func (w *walker) tree(hash plumbing.Hash) (*object.Tree, error) {
	size, err := w.objects.EncodedObjectSize(hash)
	if err != nil {
		return nil, err
	}
	if size > w.limits.objectBytes {
		return nil, w.limits.bigObject(size)
	}
	tree, err := object.GetTree(w.objects, hash)
	if err != nil {
		return nil, err
	}
	if w.entries += len(tree.Entries); w.entries > w.limits.entries {
		return nil, tooBig{
			fmt.Sprintf("its folders have more than %d entries", w.limits.entries),
			fmt.Sprintf("フォルダーの中のファイルが %d 個を超えています", w.limits.entries),
		}
	}
	return tree, nil
}

func find(tree *object.Tree, name string) (object.TreeEntry, bool) {
	for _, entry := range tree.Entries {
		if entry.Name == name {
			return entry, true
		}
	}
	return object.TreeEntry{}, false
}

func (w *walker) takeLabs(ctx context.Context, root *object.Tree) error {
	if _, ok := find(root, "lab.yaml"); ok {
		return w.takeLab(ctx, root, ".")
	}
	for _, entry := range root.Entries {
		if entry.Mode != filemode.Dir || strings.HasPrefix(entry.Name, ".") && entry.Name != ".." {
			continue
		}
		tree, err := w.tree(entry.Hash)
		if err != nil {
			return err
		}
		isLab, err := w.looksLikeLab(tree)
		if err != nil {
			return err
		}
		if !isLab {
			continue
		}
		if reason := badName(entry.Name); reason != "" {
			w.refuse(strconv.Quote(entry.Name), "", reason, "rename it")
			continue
		}
		if err := w.takeLab(ctx, tree, entry.Name); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) looksLikeLab(tree *object.Tree) (bool, error) {
	for _, name := range []string{"lab.yaml", "lab.yml"} {
		if _, ok := find(tree, name); ok {
			return true, nil
		}
	}
	for _, entry := range tree.Entries {
		if entry.Mode != filemode.Dir {
			continue
		}
		step, err := w.tree(entry.Hash)
		if err != nil {
			return false, err
		}
		if _, ok := find(step, "step.yaml"); ok {
			return true, nil
		}
	}
	return false, nil
}

func (w *walker) refuse(lab, name, problem, fix string) {
	at := content.Position{File: path.Join(lab, name)}
	w.kept.refused[lab] = append(w.kept.refused[lab], content.Error{Position: at, Problem: problem, Fix: fix})
}

// takeLab keeps the files of a lab, or the reasons to refuse it.
func (w *walker) takeLab(ctx context.Context, tree *object.Tree, lab string) error {
	files := map[string][]byte{}
	if err := w.takeFolder(ctx, tree, lab, "", 1, files); err != nil {
		return err
	}
	if len(w.kept.refused[lab]) > 0 {
		return nil
	}
	for name, data := range files {
		if w.bytes += int64(len(data)); w.bytes > w.limits.keptBytes {
			return tooBig{
				fmt.Sprintf("its labs are larger than %d MiB", w.limits.keptBytes>>20),
				fmt.Sprintf("ラボの大きさが %d MiB を超えています", w.limits.keptBytes>>20),
			}
		}
		w.kept.files[path.Join(lab, name)] = data
	}
	return nil
}

func (w *walker) takeFolder(ctx context.Context, tree *object.Tree, lab, dir string, depth int, files map[string][]byte) error {
	if depth > maxLabDepth {
		w.refuse(lab, dir, fmt.Sprintf("folders are nested more than %d levels deep", maxLabDepth), "make them flatter")
		return nil
	}
	seen := map[string]string{}
	for _, entry := range tree.Entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(w.kept.refused[lab]) >= maxFaults {
			return nil
		}
		name := path.Join(dir, entry.Name)
		if reason := badName(entry.Name); reason != "" {
			w.refuse(lab, dir, fmt.Sprintf("%s: %s", strconv.Quote(entry.Name), reason), "rename it")
			continue
		}
		if strings.HasPrefix(entry.Name, ".") {
			continue
		}
		folded := strings.ToLower(entry.Name)
		if before, taken := seen[folded]; taken {
			w.refuse(lab, name, fmt.Sprintf("the name differs from %q only in upper and lower case", before), "rename one of them")
			continue
		}
		seen[folded] = entry.Name
		if err := w.takeEntry(ctx, entry, lab, name, depth, files); err != nil {
			return err
		}
	}
	return nil
}

// maxFaults is how many faults of one lab are reported; more would help nobody.
const maxFaults = 20

func (w *walker) takeEntry(ctx context.Context, entry object.TreeEntry, lab, name string, depth int, files map[string][]byte) error {
	switch entry.Mode {
	case filemode.Dir:
		tree, err := w.tree(entry.Hash)
		if err != nil {
			return err
		}
		return w.takeFolder(ctx, tree, lab, name, depth+1, files)
	case filemode.Submodule:
		return nil // a submodule is another repository, which nobody asked for
	case filemode.Regular, filemode.Deprecated, filemode.Executable:
	default:
		w.refuse(lab, name, "it is neither a regular file nor a folder", "put a copy of the file here")
		return nil
	}
	size, err := w.objects.EncodedObjectSize(entry.Hash)
	switch {
	case err != nil:
		return err
	case size > maxFileBytes:
		w.refuse(lab, name, fmt.Sprintf("the file is larger than %d KiB", maxFileBytes>>10), "make it smaller")
		return nil
	case len(files) == maxLabFiles:
		w.refuse(lab, "", fmt.Sprintf("the lab has more than %d files", maxLabFiles), "divide it into several labs")
		return nil
	}
	files[name], err = w.read(entry.Hash)
	return err
}

func (w *walker) read(hash plumbing.Hash) ([]byte, error) {
	blob, err := object.GetBlob(w.objects, hash)
	if err != nil {
		return nil, err
	}
	r, err := blob.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxFileBytes))
}

// badName says why the name of a file or folder in a tree is refused. git itself writes no such names.
func badName(name string) string {
	switch {
	case name == "" || name == "." || name == "..":
		return "this is not the name of a file"
	case strings.EqualFold(name, ".git"):
		return "a lab cannot hold a repository"
	case strings.ContainsAny(name, `/\`):
		return "the name holds a slash or a backslash"
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "the name holds characters that cannot be shown"
	case len(name) > 255:
		return "the name is longer than 255 bytes"
	}
	return ""
}
