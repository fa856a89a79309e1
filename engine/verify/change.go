package verify

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
)

// Change is what differs from a commit in the repository that labs are in.
type Change struct {
	// Since is the commit as a person names it.
	Since string
	// Files are the paths that differ, relative to the repository's root, with slashes.
	Files []string
	// Folder returns where a lab is in the repository.
	Folder func(lab string) string
	// Own is the work tree of k8slab's own repository, whose checks and engine decide verdicts, too. It is nil for any
	// other repository: there, k8slab is the one that is installed.
	Own fs.FS
}

// module is the path of k8slab's own module, as the names of its packages begin.
const module = "github.com/k8slab/k8slab"

// harmless are folders and files of k8slab's own repository of which no verdict comes: what only shows, what is only
// for tests, what plays on other kinds of cluster than verify makes. Whatever is not here, nor a lab's or a check's,
// touches everything.
var harmless = []string{
	".ci/", ".github/", ".gitignore", ".golangci.yaml", "CONTRIBUTING.md", "LICENSE", "README.md", "docs/", "testdata/", "tools/",
	"engine/cluster/aks/", "engine/cluster/clustertest/", "engine/cluster/existing/",
	"internal/architecture/", "internal/bench/", "internal/githubactions/", "internal/present/", "internal/scaffold/", "internal/source/",
	"internal/terminal/", "internal/testcluster/", "internal/tui/", "internal/web/",
}

func isHarmless(file string) bool {
	if strings.HasSuffix(file, "_test.go") || strings.Contains(file, "/testdata/") {
		return true
	}
	return slices.ContainsFunc(harmless, func(h string) bool { return file == h || strings.HasSuffix(h, "/") && strings.HasPrefix(file, h) })
}

// touched returns for each lab that the change touches what is the reason: the lab's own folder, the package of a check
// that it uses, or a file on which every verdict depends.
func (c *Change) touched(labs []*content.Lab, vocabulary *checks.Vocabulary) (because map[*content.Lab]string, err error) {
	because = map[*content.Lab]string{}
	everything := ""
	packages := map[string]bool{}
	for _, file := range c.Files {
		if lab := c.labOf(file, labs); lab != nil {
			because[lab] = c.Folder(lab.ID)
			continue
		}
		if c.Own == nil || isHarmless(file) || c.ofALab(file) {
			continue
		}
		if strings.HasPrefix(file, "checks/") {
			packages[path.Dir(file)] = true
		} else if everything == "" {
			everything = file
		}
	}
	if len(packages) == 0 && everything == "" {
		return because, nil
	}
	imports := importsOf{tree: c.Own, known: map[string][]string{}}
	for _, lab := range labs {
		if because[lab] != "" {
			continue
		}
		if everything != "" {
			because[lab] = everything
			continue
		}
		found, err := imports.reached(lab, vocabulary, packages)
		if err != nil {
			return nil, err
		}
		if found != "" {
			because[lab] = found
		}
	}
	return because, nil
}

// labOf returns the lab in whose folder the file is, or nil.
func (c *Change) labOf(file string, labs []*content.Lab) *content.Lab {
	for _, lab := range labs {
		if folder := c.Folder(lab.ID); folder == "." || strings.HasPrefix(file, folder+"/") {
			return lab
		}
	}
	return nil
}

// ofALab reports a file in the folder of a lab of k8slab's own that is not proved now.
func (c *Change) ofALab(file string) bool {
	parts := strings.Split(file, "/")
	if len(parts) < 3 || parts[0] != "labs" {
		return false
	}
	_, err := fs.Stat(c.Own, path.Join("labs", parts[1], "lab.yaml"))
	return err == nil
}

// importsOf knows which packages below checks import which others of them.
type importsOf struct {
	tree  fs.FS
	known map[string][]string
}

// reached returns one of the packages on which a check of the lab depends, or "".
func (i importsOf) reached(lab *content.Lab, vocabulary *checks.Vocabulary, packages map[string]bool) (string, error) {
	for _, step := range lab.Steps {
		for _, c := range slices.Concat(step.Checks, step.Invariants) {
			definition, err := vocabulary.Lookup(c.Use)
			if err != nil {
				continue // linking says so
			}
			dir, own := strings.CutPrefix(definition.Package, module+"/")
			if !own {
				continue
			}
			all, err := i.below(dir)
			if err != nil {
				return "", err
			}
			for _, one := range all {
				if packages[one] {
					return one, nil
				}
			}
		}
	}
	return "", nil
}

// below returns the folder of the package and those of the packages below checks that it imports, also by way of
// others.
func (i importsOf) below(dir string) ([]string, error) {
	if all, ok := i.known[dir]; ok {
		return all, nil
	}
	i.known[dir] = []string{dir}
	files, err := fs.Glob(i.tree, dir+"/*.go")
	if err != nil {
		return nil, err
	}
	all := []string{dir}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		imported, err := i.imports(file)
		if err != nil {
			return nil, err
		}
		for _, one := range imported {
			further, err := i.below(one)
			if err != nil {
				return nil, err
			}
			all = append(all, further...)
		}
	}
	slices.Sort(all)
	i.known[dir] = slices.Compact(all)
	return i.known[dir], nil
}

// imports returns the folders of the packages below checks that the file imports.
func (i importsOf) imports(file string) (dirs []string, err error) {
	source, err := fs.ReadFile(i.tree, file)
	if err != nil {
		return nil, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ImportsOnly)
	if err != nil {
		return nil, fmt.Errorf("read the imports of %s: %w", file, err)
	}
	for _, one := range parsed.Imports {
		imported, err := strconv.Unquote(one.Path.Value)
		if err != nil {
			return nil, err
		}
		dir, own := strings.CutPrefix(imported, module+"/")
		if own && (dir == "checks" || strings.HasPrefix(dir, "checks/")) {
			dirs = append(dirs, dir)
		}
	}
	return dirs, nil
}
