package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/labs"
)

// labsVariable tells the k8slab that an answer of a lab under proof calls where that lab is. It is not for learners.
const labsVariable = "K8SLAB_LABS"

// labSet is labs, and where their files are.
type labSet struct {
	labs []*content.Lab
	// dir is the folder that they were loaded from, empty for those of this executable; single says that it is a lab's own.
	dir    string
	single bool
}

// labsFrom loads the labs of a folder, which is a lab's or one of labs, and those of this executable for "".
func labsFrom(dir string) (*labSet, error) {
	if dir == "" {
		all, err := content.LoadAll(labs.FS())
		return loaded(&labSet{labs: all}, err)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, problem.New(problem.Usage, fmt.Sprintf("%s is no folder", dir), fmt.Sprintf("%s というフォルダーはありません", dir), "k8slab verify --help")
	}
	if _, err := os.Stat(filepath.Join(dir, "lab.yaml")); err == nil {
		lab, err := content.Load(os.DirFS(dir), ".")
		return loaded(&labSet{labs: []*content.Lab{lab}, dir: dir, single: true}, err)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	all, err := content.LoadAll(os.DirFS(dir))
	if err == nil && len(all) == 0 {
		return nil, problem.New(problem.Usage, fmt.Sprintf("there is no lab in %s: neither a lab.yaml nor folders with one", dir),
			fmt.Sprintf("%s にラボがありません。lab.yaml も、それを含むフォルダーもありません", dir), "k8slab verify --help")
	}
	return loaded(&labSet{labs: all, dir: dir}, err)
}

func loaded(s *labSet, err error) (*labSet, error) {
	if _, ok := errors.AsType[content.Errors](err); ok {
		return nil, brokenLabs(err)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// pick returns the labs of the ids, and all for none.
func (s *labSet) pick(ids []string) ([]*content.Lab, error) {
	if len(ids) == 0 {
		return s.labs, nil
	}
	var known []string
	for _, lab := range s.labs {
		known = append(known, lab.ID)
	}
	for _, id := range ids {
		if !slices.Contains(known, id) {
			return nil, unknown(fmt.Sprintf("there is no lab %q", id), fmt.Sprintf("ラボ %q はありません", id), id, known, "k8slab list")
		}
	}
	return slices.DeleteFunc(slices.Clone(s.labs), func(lab *content.Lab) bool { return !slices.Contains(ids, lab.ID) }), nil
}

// env is what a k8slab that an answer calls needs to find the labs.
func (s *labSet) env() []string {
	if s.dir == "" {
		return nil
	}
	return []string{labsVariable + "=" + s.dir}
}

// script returns the path of a lab's file for whoever is in the working directory, and place that of a content.Position.
func (s *labSet) script(lab, file string) string {
	if !s.single {
		file = lab + "/" + file
	}
	return s.place(file)
}

func (s *labSet) place(file string) string {
	if s.dir == "" {
		return file
	}
	path := filepath.Join(s.dir, filepath.FromSlash(file))
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	// The working directory may be written through a link.
	if real, err := filepath.EvalSymlinks(here); err == nil {
		here = real
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if rel, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return path
}
