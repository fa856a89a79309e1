package architecture

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
)

// clusterFolder is the folder of package cluster, whose optional interfaces only cluster.As asks for.
const clusterFolder = "engine/cluster"

// whyAs is the second half of the sentence "a.go:3 asserts cluster.Stopper: …".
const whyAs = "a provider may stand behind a decorator; ask with cluster.As, which sees through it"

// Assertions returns one line for each type assertion, and each case of a type switch, by which a file outside of
// engine/cluster asks a value for a type of that package. The lines are sorted. It reads the same files as Read.
func Assertions(fsys fs.FS) ([]string, error) {
	var found []string
	err := eachFile(fsys, func(name string) error {
		if path.Dir(name) == clusterFolder {
			return nil
		}
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, src, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		for _, a := range assertionsIn(file) {
			found = append(found, fmt.Sprintf("%s:%d asserts cluster.%s: %s", name, files.Position(a.Pos()).Line, a.Sel.Name, whyAs))
		}
		return nil
	})
	slices.Sort(found)
	return found, err
}

// assertionsIn returns the types of package cluster that the file asserts.
func assertionsIn(file *ast.File) (found []*ast.SelectorExpr) {
	local := localName(file, path.Join(modulePath, clusterFolder))
	if local == "" {
		return nil
	}
	add := func(asserted ast.Expr) {
		ast.Inspect(asserted, func(n ast.Node) bool {
			if selector, ok := n.(*ast.SelectorExpr); ok {
				if pkg, ok := selector.X.(*ast.Ident); ok && pkg.Name == local {
					found = append(found, selector)
				}
			}
			return true
		})
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.TypeAssertExpr:
			if n.Type != nil { // not the x.(type) of a switch
				add(n.Type)
			}
		case *ast.TypeSwitchStmt:
			for _, clause := range n.Body.List {
				for _, asserted := range clause.(*ast.CaseClause).List {
					add(asserted)
				}
			}
		}
		return true
	})
	return found
}

// localName returns the file's own name for the package, or "" if the file does not import it. A package without a name
// of its own in the file is called as its folder is.
func localName(file *ast.File, importPath string) string {
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		switch {
		case err != nil || imported != importPath:
		case spec.Name != nil:
			return spec.Name.Name
		default:
			return path.Base(importPath)
		}
	}
	return ""
}
