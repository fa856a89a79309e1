package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/labs"
	"github.com/k8slab/k8slab/text"
)

// Labs are the labs of a folder or of this executable.
type Labs struct {
	All []*content.Lab
	// Dir is the folder from which the labs were loaded; empty for the labs of this executable. Single says that Dir is
	// the folder of one lab.
	Dir    string
	Single bool
}

// Shelf returns the labs of a folder, which is the folder of one lab or of several; "" means the labs of this
// executable. A lab is read when it is asked for.
func Shelf(dir string) (catalog.Shelf, error) {
	if dir == "" {
		return catalog.Folder(labs.FS()), nil
	}
	if _, err := os.Stat(filepath.Join(dir, "lab.yaml")); err == nil {
		one, err := LoadLabs(dir)
		if err != nil {
			return nil, err
		}
		return catalog.Loaded(one.All...), nil
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, noFolder(dir)
	}
	return catalog.Folder(os.DirFS(dir)), nil
}

func noFolder(dir string) error {
	return problem.New(problem.Usage, text.New("%s is no folder", "%s というフォルダーはありません", dir), action.HelpOn(action.Verify))
}

// LoadLabs loads the labs of a folder, which is the folder of one lab or of several; "" means the labs of this
// executable.
func LoadLabs(dir string) (*Labs, error) {
	if dir == "" {
		all, err := content.LoadAll(labs.FS())
		return loaded(&Labs{All: all}, err)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, noFolder(dir)
	}
	if _, err := os.Stat(filepath.Join(dir, "lab.yaml")); err == nil {
		lab, err := content.Load(os.DirFS(dir), ".")
		return loaded(&Labs{All: []*content.Lab{lab}, Dir: dir, Single: true}, err)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	all, err := content.LoadAll(os.DirFS(dir))
	if err == nil && len(all) == 0 {
		return nil, problem.New(problem.Usage, text.New("there is no lab in %s: neither a lab.yaml nor folders with one", "%s にラボがありません。lab.yaml も、それを含むフォルダーもありません", dir), action.HelpOn(action.Verify))
	}
	return loaded(&Labs{All: all, Dir: dir}, err)
}

// loaded turns content's list of errors, each with file, line and fix, into one problem.
func loaded(l *Labs, err error) (*Labs, error) {
	if _, ok := errors.AsType[content.Errors](err); ok {
		return nil, problem.New(problem.Content, text.Plain(err.Error()), action.Action{}).From(err)
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}
