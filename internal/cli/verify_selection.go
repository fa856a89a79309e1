package cli

import (
	"os"
	"path"
	"path/filepath"
	"regexp"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/verify"
	"github.com/k8slab/k8slab/internal/source"
	"github.com/k8slab/k8slab/text"
)

// selection is what a person said about which answers verify is to play.
type selection struct {
	// since is the commit, branch or tag behind --changed-since.
	since  string
	sample int
	// asked: --sample was given.
	asked bool
}

// from returns the selection among the labs; nil means all answers.
func (s selection) from(labs *labSet) (*verify.Selection, error) {
	if s.since == "" && !s.asked {
		return nil, nil
	}
	dir := labs.Dir
	if dir == "" {
		dir = "."
	}
	tree, err := source.OpenWorkTree(dir)
	if err != nil && s.since == "" {
		return &verify.Selection{Sample: s.sample}, nil // the same sample each time, where there are no commits
	}
	if err != nil {
		return nil, err
	}
	chosen := &verify.Selection{Sample: s.sample, Commit: tree.Head}
	if s.since == "" {
		return chosen, nil
	}
	folder, err := folderIn(tree.Root, labs)
	if err != nil {
		return nil, err
	}
	files, err := tree.ChangedSince(s.since)
	if err != nil {
		return nil, err
	}
	chosen.Change = &verify.Change{Since: s.since, Files: files, Folder: folder}
	if isOwn(tree.Root) {
		chosen.Change.Own = os.DirFS(tree.Root)
	}
	return chosen, nil
}

// folderIn returns a function that says where a lab is below root. Labs that come with k8slab are in its own
// repository.
func folderIn(root string, labs *labSet) (func(lab string) string, error) {
	if labs.Dir == "" {
		if !isOwn(root) {
			return nil, problem.New(problem.Usage, text.New("the labs that come with k8slab are not in %s, so that no change of it touches them", "k8slab 付属のラボは %s にないため、変更を調べられません", root),
				action.Do(action.Verify).With("dir", "DIR"))
		}
		return func(lab string) string { return path.Join("labs", lab) }, nil
	}
	dir, err := filepath.EvalSymlinks(labs.Dir)
	if err != nil {
		return nil, err
	}
	below, err := filepath.Rel(root, dir)
	if err != nil {
		return nil, err
	}
	below = filepath.ToSlash(below)
	return func(lab string) string {
		if labs.Single {
			return below
		}
		return path.Join(below, lab)
	}, nil
}

var ownModule = regexp.MustCompile(`(?m)^module github\.com/k8slab/k8slab$`)

// isOwn reports whether the folder is the root of k8slab's own repository.
func isOwn(root string) bool {
	raw, err := os.ReadFile(filepath.Join(root, "go.mod"))
	return err == nil && ownModule.Match(raw)
}
