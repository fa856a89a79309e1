package architecture

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Package is what one folder's Go files import.
type Package struct {
	// Imports of the package itself, and those that only its tests have.
	Imports, TestImports []string
}

// Graph maps import paths of the module's packages to what they import.
type Graph map[string]*Package

// Read reads the import clauses of every Go file of the module in fsys, whatever its build constraints. Folders that
// hold another module are left out, as are testdata, hidden ones, and bin, which go.mod ignores.
func Read(fsys fs.FS) (Graph, error) {
	g := Graph{}
	err := eachFile(fsys, func(name string) error { return g.readFile(fsys, name) })
	for _, p := range g {
		slices.Sort(p.Imports)
		p.Imports = slices.Compact(p.Imports)
		slices.Sort(p.TestImports)
		p.TestImports = slices.Compact(p.TestImports)
	}
	return g, err
}

// eachFile calls f for every Go file of the module.
func eachFile(fsys fs.FS, f func(name string) error) error {
	return fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return enter(fsys, name)
		case path.Ext(name) != ".go":
			return nil
		}
		return f(name)
	})
}

// enter returns fs.SkipDir for a folder that is not part of the module.
func enter(fsys fs.FS, dir string) error {
	switch dir {
	case ".":
		return nil
	case "bin": // its files come and go while executables are built
		return fs.SkipDir
	}
	base := path.Base(dir)
	if base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return fs.SkipDir
	}
	if _, err := fs.Stat(fsys, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func (g Graph) readFile(fsys fs.FS, name string) error {
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
	if err != nil {
		return fmt.Errorf("read the imports of %s: %w", name, err)
	}
	self := path.Join(modulePath, path.Dir(name))
	if g[self] == nil {
		g[self] = &Package{}
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return fmt.Errorf("read the imports of %s: %w", name, err)
		}
		if strings.HasSuffix(name, "_test.go") {
			g[self].TestImports = append(g[self].TestImports, imported)
		} else {
			g[self].Imports = append(g[self].Imports, imported)
		}
	}
	return nil
}

// Violations returns one line for each import that a rule forbids, sorted.
func (g Graph) Violations(rules []Rule) []string {
	var found []string
	for _, name := range slices.Sorted(maps.Keys(g)) {
		for _, rule := range rules {
			if matches(rule.Of, name) && !matches(rule.Except, name) {
				found = append(found, g.broken(rule, name)...)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// broken returns where the package breaks the rule.
func (g Graph) broken(rule Rule, name string) []string {
	var found []string
	report := func(who string, way []string) {
		var through string
		if len(way) > 2 {
			through = " (through " + strings.Join(locals(way[1:len(way)-1]), " and ") + ")"
		}
		found = append(found, fmt.Sprintf("%s must not import %s%s: %s", who, local(way[len(way)-1]), through, rule.Why))
	}
	g.visit(name, rule.Reach, func(way []string) {
		if rule.forbids(way[len(way)-1]) {
			report(local(name), way)
		}
	})
	for _, imported := range g[name].TestImports {
		if imported != name && rule.forbids(imported) && !matches(rule.Tests, imported) {
			report("a test of "+local(name), []string{name, imported})
		}
	}
	return found
}

func (r Rule) forbids(imported string) bool {
	return matches(r.Never, imported) && !matches(r.But, imported)
}

// visit calls f with the way to every import of the package and, with reach, to the imports of the module's packages
// below it. Each import is reported once, by the shortest way.
func (g Graph) visit(name string, reach bool, f func(way []string)) {
	seen := map[string]bool{name: true}
	for queue := [][]string{{name}}; len(queue) > 0; queue = queue[1:] {
		way := queue[0]
		p := g[way[len(way)-1]]
		if p == nil || len(way) > 1 && !reach {
			continue
		}
		for _, imported := range p.Imports {
			if seen[imported] {
				continue
			}
			seen[imported] = true
			next := append(slices.Clone(way), imported)
			f(next)
			queue = append(queue, next)
		}
	}
}

// matches reports whether one of the patterns names the import path. See Rule.
func matches(patterns []string, importPath string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if below, ok := strings.CutPrefix(pattern, "./"); ok {
			pattern = modulePath + "/" + below
		}
		tree, all := strings.CutSuffix(pattern, "/...")
		return importPath == tree || all && strings.HasPrefix(importPath, tree+"/")
	})
}

func local(importPath string) string { return strings.TrimPrefix(importPath, modulePath+"/") }

func locals(importPaths []string) []string {
	short := make([]string, len(importPaths))
	for i, p := range importPaths {
		short[i] = local(p)
	}
	return short
}
