package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/internal/app"
)

// labsVariable names the folder of the labs to a k8slab that is called by an answer under proof. It is not for
// learners.
const labsVariable = "K8SLAB_LABS"

// labSet is the labs, with the names of their files as the command line shows them.
type labSet struct{ *app.Labs }

func labsFrom(dir string) (*labSet, error) {
	labs, err := app.LoadLabs(dir)
	if err != nil {
		return nil, err
	}
	return &labSet{labs}, nil
}

// pick returns the labs of the ids, or all labs if there are no ids.
func (s *labSet) pick(ids []string) ([]*content.Lab, error) {
	if len(ids) == 0 {
		return s.All, nil
	}
	var known []string
	for _, lab := range s.All {
		known = append(known, lab.ID)
	}
	for _, id := range ids {
		if !slices.Contains(known, id) {
			return nil, unknown(fmt.Sprintf("there is no lab %q", id), fmt.Sprintf("ラボ %q はありません", id), id, known, action.Do(action.List))
		}
	}
	return slices.DeleteFunc(slices.Clone(s.All), func(lab *content.Lab) bool { return !slices.Contains(ids, lab.ID) }), nil
}

// env returns the variable by which a k8slab that is called by an answer finds the labs.
func (s *labSet) env() []string {
	if s.Dir == "" {
		return nil
	}
	return []string{labsVariable + "=" + s.Dir}
}

// script returns the path of a lab's file, relative to the working directory if it is below that; place does so for a
// file of a content.Position.
func (s *labSet) script(lab, file string) string {
	if !s.Single {
		file = lab + "/" + file
	}
	return s.place(file)
}

func (s *labSet) place(file string) string {
	if s.Dir == "" {
		return file
	}
	path := filepath.Join(s.Dir, filepath.FromSlash(file))
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
