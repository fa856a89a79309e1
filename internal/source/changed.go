package source

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// WorkTree is a folder that git looks after, as it stands.
type WorkTree struct {
	// Root is its absolute path.
	Root string
	// Head is the full id of the commit that is checked out.
	Head string

	repository *git.Repository
}

// OpenWorkTree returns the work tree that the folder is in. The error is a problem of usage where there is none, or no
// commit in it.
func OpenWorkTree(dir string) (*WorkTree, error) {
	repository, err := git.PlainOpenWithOptions(dir, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if errors.Is(err, git.ErrRepositoryNotExists) {
		return nil, problem.New(problem.Usage, text.New("%s is in no git repository, so nobody knows what has changed in it",
			"%s は git リポジトリの中にないため、変更点がわかりません", dir), action.HelpOn(action.Verify)).From(err)
	}
	if err != nil {
		return nil, fmt.Errorf("open the git repository of %s: %w", dir, err)
	}
	tree, err := repository.Worktree()
	if err != nil {
		return nil, fmt.Errorf("open the work tree of %s: %w", dir, err)
	}
	head, err := repository.Head()
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return nil, problem.New(problem.Usage, text.New("the git repository of %s has no commit yet", "%s の git リポジトリにはまだコミットがありません", dir),
			action.HelpOn(action.Verify)).From(err)
	}
	if err != nil {
		return nil, fmt.Errorf("read HEAD of %s: %w", dir, err)
	}
	root, err := filepath.EvalSymlinks(tree.Filesystem.Root())
	if err != nil {
		return nil, err
	}
	return &WorkTree{Root: root, Head: head.Hash().String(), repository: repository}, nil
}

// ChangedSince returns the files that were made, changed or removed since the commit that ref names, with those that
// are not committed, as sorted paths below the root with slashes. The error is a problem of usage where ref names no
// commit that is here: a shallow clone does not have every one.
func (w *WorkTree) ChangedSince(ref string) ([]string, error) {
	hash, err := w.repository.ResolveRevision(plumbing.Revision(ref))
	if err != nil {
		return nil, w.noCommit(ref, err)
	}
	before, err := w.treeOf(*hash)
	if err != nil {
		return nil, w.noCommit(ref, err)
	}
	after, err := w.treeOf(plumbing.NewHash(w.Head))
	if err != nil {
		return nil, fmt.Errorf("read the commit %s: %w", w.Head, err)
	}
	changes, err := object.DiffTree(before, after)
	if err != nil {
		return nil, fmt.Errorf("compare %s with HEAD: %w", ref, err)
	}
	files := map[string]bool{}
	for _, c := range changes {
		for _, name := range []string{c.From.Name, c.To.Name} {
			if name != "" {
				files[name] = true
			}
		}
	}
	if err := w.addUncommitted(files); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(files)), nil
}

// addUncommitted adds what differs from HEAD, in the index or in the folder, and what git does not know and does not
// ignore.
func (w *WorkTree) addUncommitted(files map[string]bool) error {
	tree, err := w.repository.Worktree()
	if err != nil {
		return err
	}
	status, err := tree.Status()
	if err != nil {
		return fmt.Errorf("look for what is not committed in %s: %w", w.Root, err)
	}
	for name, s := range status {
		if s.Staging != git.Unmodified || s.Worktree != git.Unmodified {
			files[name] = true
		}
	}
	return nil
}

func (w *WorkTree) treeOf(commit plumbing.Hash) (*object.Tree, error) {
	hash, err := peel(w.repository.Storer, commit)
	if err != nil {
		return nil, err
	}
	c, err := w.repository.CommitObject(hash)
	if err != nil {
		return nil, err
	}
	return c.Tree()
}

func (w *WorkTree) noCommit(ref string, err error) error {
	shallow, shallowErr := w.repository.Storer.Shallow()
	if shallowErr == nil && len(shallow) > 0 {
		return problem.New(problem.Usage, text.New("git knows no commit %q here; this clone is shallow, and has only the last commits",
			"コミット %q がここにありません。履歴を省いたクローン (shallow clone) なので、最近のコミットしかありません", ref), action.InTerminal("git fetch --unshallow")).From(err)
	}
	return problem.New(problem.Usage, text.New("git knows no commit %q here", "コミット %q がここにありません", ref), action.InTerminal("git log --oneline")).From(err)
}
