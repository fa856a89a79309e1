package architecture

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// textPath is the package whose function New fills the same values into a sentence of each language.
const textPath = modulePath + "/text"

// Sentences reads every Go file of the module in fsys and returns one line for each call of text.New whose two
// sentences do not use the same values with the same verbs, or leave a value out. It compares the sentences that stand
// in the call; those in variables it cannot see.
func Sentences(fsys fs.FS) ([]string, error) {
	var found []string
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return enter(fsys, name)
		case path.Ext(name) != ".go":
			return nil
		}
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		wrong, err := sentencesOf(name, src)
		found = append(found, wrong...)
		return err
	})
	return found, err
}

func sentencesOf(name string, src []byte) ([]string, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, src, 0)
	if err != nil {
		return nil, fmt.Errorf("read the sentences of %s: %w", name, err)
	}
	pkg := importedAs(file, textPath)
	if pkg == "" {
		return nil, nil
	}
	var wrong []string
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || !isCallOf(call, pkg, "New") || len(call.Args) < 2 {
			return true
		}
		en, known := literal(call.Args[0])
		ja, alsoKnown := literal(call.Args[1])
		if !known || !alsoKnown {
			return true
		}
		values := len(call.Args) - 2
		if call.Ellipsis.IsValid() {
			values = unknown
		}
		for _, fault := range compareVerbs(en, ja, values) {
			wrong = append(wrong, fmt.Sprintf("%s: %q and %q: %s", files.Position(call.Pos()), en, ja, fault))
		}
		return true
	})
	return wrong, nil
}

// importedAs returns the name that the file has for a package, and nothing where it does not import the package.
func importedAs(file *ast.File, importPath string) string {
	for _, spec := range file.Imports {
		if spec.Path.Value != strconv.Quote(importPath) {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(importPath)
	}
	return ""
}

// isCallOf reports whether the call is of a function of an imported package.
func isCallOf(call *ast.CallExpr, pkg, function string) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != function {
		return false
	}
	x, ok := selector.X.(*ast.Ident)
	return ok && x.Name == pkg
}

// literal returns the string that stands in the code, in one piece or in several that are added.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil && e.Kind == token.STRING
	case *ast.ParenExpr:
		return literal(e.X)
	case *ast.BinaryExpr:
		left, ok := literal(e.X)
		right, alsoOK := literal(e.Y)
		return left + right, ok && alsoOK && e.Op == token.ADD
	}
	return "", false
}

// unknown is the number of values of a call that passes a slice.
const unknown = -1

// compareVerbs says what two sentences do differently with their values, and which of so many values they leave out or
// lack.
func compareVerbs(en, ja string, values int) []string {
	var faults []string
	inEN, inJA := verbsOf(en), verbsOf(ja)
	used := map[int]bool{}
	for n := range inEN {
		used[n] = true
	}
	for n := range inJA {
		used[n] = true
	}
	for _, n := range slices.Sorted(maps.Keys(used)) {
		switch first, second := strings.Join(inEN[n], " and "), strings.Join(inJA[n], " and "); {
		case values != unknown && n > values:
			faults = append(faults, fmt.Sprintf("there is no value %d", n))
		case second == "":
			faults = append(faults, fmt.Sprintf("value %d is in the English sentence only", n))
		case first == "":
			faults = append(faults, fmt.Sprintf("value %d is in the Japanese sentence only", n))
		case first != second:
			faults = append(faults, fmt.Sprintf("value %d is %s in English and %s in Japanese", n, first, second))
		}
	}
	for n := 1; n <= values; n++ {
		if !used[n] {
			faults = append(faults, fmt.Sprintf("value %d is in neither sentence", n))
		}
	}
	return faults
}

// verbsOf returns, for each value by its number from 1 on, the verbs with which a format uses it, as fmt.Sprintf reads
// formats: with flags, width and precision, but without the index that only says which value it is.
func verbsOf(format string) map[int][]string {
	verbs := map[int][]string{}
	use := func(n int, as string) {
		if !slices.Contains(verbs[n], as) {
			verbs[n] = append(verbs[n], as)
			slices.Sort(verbs[n])
		}
	}
	next := 1
	for {
		_, rest, found := strings.Cut(format, "%")
		if !found {
			return verbs
		}
		verb, length := '%', 0
		var as strings.Builder
		as.WriteByte('%')
	read:
		for i, r := range rest {
			switch {
			case i < length: // the index in brackets, which was read already
			case r == '[':
				index, _, closed := strings.Cut(rest[i+1:], "]")
				if n, err := strconv.Atoi(index); err == nil && closed {
					next = n
				}
				length = i + len("[") + len(index) + len("]")
			case r == '*':
				use(next, "*")
				as.WriteRune(r)
				next++
			case strings.ContainsRune("+-# 0123456789.", r):
				as.WriteRune(r)
			default:
				verb, length = r, i+len(string(r))
				break read
			}
		}
		if verb != '%' {
			as.WriteRune(verb)
			use(next, as.String())
			next++
		}
		format = rest[length:]
	}
}
