package source

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/k8slab/k8slab/engine/problem"
)

func TestWhatHasChangedSinceACommit(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	repository, err := git.PlainInit(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := repository.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, data string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	commit := func() string {
		t.Helper()
		if err := tree.AddGlob("."); err != nil {
			t.Fatal(err)
		}
		hash, err := tree.Commit("x", &git.CommitOptions{All: true, Author: &object.Signature{Name: "a", Email: "a@example.com", When: time.Unix(1, 0)}})
		if err != nil {
			t.Fatal(err)
		}
		return hash.String()
	}
	if _, err := OpenWorkTree(dir); problem.KindOf(err) != problem.Usage {
		t.Errorf("without a commit: %v", err)
	}
	for _, name := range []string{"labs/a/lab.yaml", "labs/b/lab.yaml", "labs/c/lab.yaml", "moved", "same"} {
		write(name, name+" holds this")
	}
	write(".gitignore", "/bin/\n")
	first := commit()
	write("labs/a/lab.yaml", "changed")
	if err := os.Rename(filepath.Join(dir, "moved"), filepath.Join(dir, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	second := commit()
	write("labs/b/lab.yaml", "changed and not committed")
	write("new/file", "not known to git")
	write("bin/built", "ignored")
	if err := os.Remove(filepath.Join(dir, "labs/c/lab.yaml")); err != nil {
		t.Fatal(err)
	}
	w, err := OpenWorkTree(filepath.Join(dir, "labs"))
	if err != nil || w.Root != dir || w.Head != second {
		t.Fatalf("got %+v, %v", w, err)
	}
	uncommitted := []string{"labs/b/lab.yaml", "labs/c/lab.yaml", "new/file"}
	committed := []string{"elsewhere", "labs/a/lab.yaml", "moved"}
	for ref, want := range map[string][]string{
		first: slices.Sorted(slices.Values(slices.Concat(committed, uncommitted))), "HEAD~1": slices.Sorted(slices.Values(slices.Concat(committed, uncommitted))),
		"HEAD": uncommitted, "master": uncommitted,
	} {
		if got, err := w.ChangedSince(ref); err != nil || !slices.Equal(got, want) {
			t.Errorf("since %s: %q, %v, want %q", ref, got, err, want)
		}
	}
	for _, ref := range []string{"mian", "HEAD~9", "", "-x", "refs/heads/none"} {
		if _, err := w.ChangedSince(ref); problem.KindOf(err) != problem.Usage {
			t.Errorf("since %q: %v", ref, err)
		}
	}
	if _, err := OpenWorkTree(t.TempDir()); problem.KindOf(err) != problem.Usage {
		t.Errorf("in no repository: %v", err)
	}
}
