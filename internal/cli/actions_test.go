package cli

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/internal/present"
)

// TestEveryVerbIsACommandThatThereIs types each verb of package action: on the learner's current lab, on a named lab,
// and as a request for help.
func TestEveryVerbIsACommandThatThereIs(t *testing.T) {
	needs := map[action.Verb]action.Arg{
		action.ClusterLogs:     {Name: "log", Value: "etcd"},
		action.StartNode:       {Name: "node", Value: "worker-1"},
		action.RestoreSnapshot: {Name: "snapshot", Value: "lunch"},
	}
	// These verbs are about labs that are yet to be written or found: only the request for help can be typed.
	helpOnly := []action.Verb{action.AddSource, action.NewLab, action.NewStep}
	withoutLab := []action.Verb{action.List, action.ListSources, action.UpdateSource, action.Lint, action.Verify, action.ListChecks, action.Doctor, action.Version}
	for _, verb := range verbs(t) {
		if verb == action.Type {
			continue
		}
		t.Run(string(verb), func(t *testing.T) {
			if !slices.Contains(present.Verbs(), verb) {
				t.Fatal("nothing says how it is typed")
			}
			canBeTyped(t, action.HelpOn(verb))
			if slices.Contains(helpOnly, verb) {
				return
			}
			do := action.Do(verb)
			if arg, ok := needs[verb]; ok {
				do = do.With(arg.Name, arg.Value)
			}
			if verb == action.Goto {
				do = do.At("drain")
			}
			canBeTyped(t, do)
			if !slices.Contains(withoutLab, verb) {
				canBeTyped(t, do.On("11-maintenance"))
			}
		})
	}
}

// canBeTyped types the action up to the point where it would do something. Its values need no quotes.
func canBeTyped(t *testing.T, a action.Action) {
	t.Helper()
	line := present.Command(a)
	words := strings.Fields(line)
	words = words[slices.Index(words, "k8slab")+1:]
	root := newRoot(&invocation{})
	cmd, rest, err := root.Find(words)
	if err == nil && cmd == root {
		err = fmt.Errorf("there is no such command")
	}
	if err == nil && !cmd.DisableFlagParsing {
		err = cmd.ParseFlags(rest)
	}
	if err == nil && !a.Help {
		err = cmd.ValidateArgs(cmd.Flags().Args())
	}
	if err != nil {
		t.Errorf("%s: %s: %v", a, line, err)
	}
}

// verbs returns the constants of package action.
func verbs(t *testing.T) []action.Verb { return slices.Sorted(maps.Values(verbConstants(t))) }

// verbConstants reads the verbs by the names of their constants.
func verbConstants(t *testing.T) map[string]action.Verb {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../engine/action/action.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]action.Verb{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Verb" {
				all[spec.Names[0].Name] = action.Verb(literal(spec.Values[0]))
			}
		}
		return true
	})
	if len(all) == 0 {
		t.Fatal("there are no verbs")
	}
	return all
}

// literal returns the value of a string literal, and "" of anything else.
func literal(e ast.Expr) string {
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		if value, err := strconv.Unquote(lit.Value); err == nil {
			return value
		}
	}
	return ""
}

// TestEveryActionOfTheCodeCanBeTyped finds the actions that the code builds, with their arguments, and types each.
func TestEveryActionOfTheCodeCanBeTyped(t *testing.T) {
	names := verbConstants(t)
	found := 0
	eachFile(t, []string{"content", "checks", "engine", "internal"}, func(name string, file *ast.File) {
		inner := map[ast.Node]bool{} // links of a longer chain
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || inner[call] {
				return true
			}
			for link := call; link != nil; {
				sel, ok := link.Fun.(*ast.SelectorExpr)
				if !ok {
					break
				}
				link, _ = sel.X.(*ast.CallExpr)
				inner[link] = link != nil
			}
			if a, ok := built(call, names); ok {
				found++
				canBeTyped(t, a)
			}
			return true
		})
	})
	if found < 50 {
		t.Errorf("only %d actions were found in the code", found)
	}
}

// built returns the action of a chain such as action.Do(action.Start).On(lab).With("from", source), with possible
// values. It returns false for a chain that begins with anything else.
func built(call *ast.CallExpr, names map[string]action.Verb) (action.Action, bool) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return action.Action{}, false
	}
	if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "action" && len(call.Args) == 1 {
		verb, _ := call.Args[0].(*ast.SelectorExpr)
		switch {
		case verb == nil || names[verb.Sel.Name] == "":
			return action.Action{}, false
		case sel.Sel.Name == "HelpOn":
			return action.HelpOn(names[verb.Sel.Name]), true
		case sel.Sel.Name == "Do":
			return action.Do(names[verb.Sel.Name]), true
		}
		return action.Action{}, false
	}
	before, ok := sel.X.(*ast.CallExpr)
	if !ok {
		return action.Action{}, false
	}
	a, ok := built(before, names)
	if !ok {
		return action.Action{}, false
	}
	switch sel.Sel.Name {
	case "On":
		return a.On("11-maintenance"), true
	case "At":
		return a.At("drain"), true
	case "With", "WithGiven":
		value := "embedded"
		if lit, ok := call.Args[1].(*ast.BasicLit); ok {
			value = literal(lit)
		}
		return a.With(literal(call.Args[0]), value), true
	}
	return action.Action{}, false
}

// TestAStartThatIsAddedToCanBeTyped is about arguments that are added to an action built elsewhere.
func TestAStartThatIsAddedToCanBeTyped(t *testing.T) {
	start := action.Do(action.Start).On("11-maintenance").With("cluster", "aks")
	for _, name := range []string{"admin", "allow-nodes", "dry-run", "yes"} {
		canBeTyped(t, start.With(name, ""))
	}
	canBeTyped(t, action.Do(action.Lint).With("path", "labs").With("path", "course"))
}

// eachFile parses the Go files of the module's folders that are part of the program.
func eachFile(t *testing.T, folders []string, f func(name string, file *ast.File)) {
	t.Helper()
	root := os.DirFS("../..")
	for _, folder := range folders {
		err := fs.WalkDir(root, folder, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && (path.Base(name) == "testdata" || isModule(root, name)):
				return fs.SkipDir
			case entry.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
				return nil
			}
			src, err := fs.ReadFile(root, name)
			if err != nil {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
			if err == nil {
				f(name, file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func isModule(fsys fs.FS, dir string) bool {
	_, err := fs.Stat(fsys, path.Join(dir, "go.mod"))
	return err == nil
}

// TestNoCommandLinesBelowTheFaces keeps the engine from saying how anything is typed: the engine says an action, and
// each face shows it.
func TestNoCommandLinesBelowTheFaces(t *testing.T) {
	allowed := []string{
		// Schemas and errors for the authors of labs, who type commands.
		"Near misses of k8slab verify that are right answers.", "k8slab verify のニアミスのうち",
		"A name of the vocabulary; k8slab checks lists it.", "k8slab checks で一覧を表示できる。", "k8slab checks lists them",
		// The background process tells this to a person who starts it by hand.
		"usage: k8slab supervise ",
		// These name a further command, for which the problem or the finding has no second action.
		"k8slab cluster status leaves that out", "k8slab cluster status では省きます", "`k8slab cluster logs kubeadm`",
	}
	const suite = "k8slab verify" // the name of the proof in a JUnit file
	var words []string
	for _, c := range newRoot(&invocation{}).Commands() {
		words = append(words, c.Name())
	}
	command := regexp.MustCompile(`\bk8slab (` + strings.Join(words, "|") + `)\b`)
	eachFile(t, []string{"content", "checks", "engine"}, func(name string, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text := literal(lit)
			for _, words := range allowed {
				text = strings.ReplaceAll(text, words, "")
			}
			if command.MatchString(text) && text != suite {
				t.Errorf("%s holds the command line %q: return an action.Action", name, text)
			}
			return true
		})
	})
}
