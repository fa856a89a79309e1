package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/internal/app"
	"github.com/k8slab/k8slab/internal/githubactions"
	"github.com/k8slab/k8slab/internal/terminal"
	"github.com/k8slab/k8slab/labs"
	"github.com/k8slab/k8slab/text"
)

// lintAnswer is what lint -o json prints.
type lintAnswer struct {
	// Labs are the folders of the labs that were looked at.
	Labs     []string    `json:"labs"`
	Problems []lintFault `json:"problems"`
}

type lintFault struct {
	// File is relative to the working directory. Line and Column count from 1; zero means the file as a whole.
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Field   string `json:"field"`
	Problem string `json:"problem"`
	Fix     string `json:"fix"`
}

// lintTarget is the folder of a lab.
type lintTarget struct {
	fsys fs.FS
	dir  string
	// shown is the folder's path as a person names it.
	shown string
	// ships says that the lab comes with k8slab.
	ships bool
}

func newLint(inv *invocation) *cobra.Command {
	cmd := inv.command("lint [DIR|LAB ...] [-o json]",
		text.Text{EN: "Say what is wrong with the files of a lab", JA: "ラボのファイルの誤りを指摘します"},
		text.Text{
			EN: "Print everything that is wrong with labs, one fault on each line: file:line: field: problem; fix. No cluster is needed and nothing is run. DIR is the folder of a lab or a folder of labs (default: the current one), LAB a lab of k8slab itself. In GitHub Actions, each line becomes an annotation, too.",
			JA: "ラボの誤りをすべて、ファイル:行: フィールド: 問題; 直し方 の形で 1 行ずつ表示します。クラスターは要らず、何も実行しません。DIR はラボのフォルダー、またはラボを集めたフォルダーです (既定は今のフォルダー)。LAB は k8slab に付属するラボです。GitHub Actions の中では、アノテーションも付けます。",
		})
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			args = []string{"."}
		}
		targets, err := lintTargets(args)
		if err != nil {
			return err
		}
		answer, err := lint(targets, app.Vocabulary())
		if err != nil {
			return err
		}
		if err := inv.showLint(answer); err != nil {
			return err
		}
		return inv.lintVerdict(answer, args)
	}
	return inv.withOutput(cmd)
}

func lint(targets []lintTarget, vocabulary *checks.Vocabulary) (*lintAnswer, error) {
	answer := &lintAnswer{Labs: []string{}, Problems: []lintFault{}}
	for _, t := range targets {
		wrong, err := catalog.Lint(t.fsys, t.dir, vocabulary, t.ships)
		if err != nil {
			return nil, problem.New(problem.Usage, text.Plain(err.Error()), action.InTerminal("ls -l "+t.shown)).From(err)
		}
		answer.Labs = append(answer.Labs, t.shown)
		for _, e := range wrong {
			// Within the file system, the file's name begins with the lab's folder.
			inner := strings.TrimPrefix(strings.TrimPrefix(e.File, t.dir), "/")
			answer.Problems = append(answer.Problems, lintFault{
				File: filepath.Join(t.shown, filepath.FromSlash(inner)), Line: e.Line, Column: e.Column, Field: e.Field, Problem: e.Problem, Fix: e.Fix,
			})
		}
	}
	return answer, nil
}

// String formats the fault as content.Error does, with the file's path from the working directory.
func (f lintFault) String() string {
	return content.Error{Position: content.Position{File: f.File, Line: f.Line, Column: f.Column}, Field: f.Field, Problem: f.Problem, Fix: f.Fix}.Error()
}

func (inv *invocation) showLint(answer *lintAnswer) error {
	if runner := githubactions.RunnerOf(inv.Getenv); runner.Active {
		if err := inv.annotateLint(runner, answer.Problems); err != nil {
			return err
		}
	}
	if inv.asJSON() {
		return inv.printJSON(answer)
	}
	var b strings.Builder
	for _, f := range answer.Problems {
		// One line each, however long, so that an editor finds its way.
		b.WriteString(terminal.Plain(strings.ReplaceAll(f.String(), "\n", " ")) + "\n")
	}
	return inv.print(b.String())
}

// annotateLint writes annotations to stderr, which GitHub reads as well, so that stdout holds the answer alone.
func (inv *invocation) annotateLint(runner githubactions.Runner, faults []lintFault) error {
	here, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("find the working directory: %w", err)
	}
	for _, f := range faults {
		message := content.Error{Field: f.Field, Problem: f.Problem, Fix: f.Fix}.Error()
		fmt.Fprintln(inv.Err, githubactions.Annotation{File: runner.Path(here, f.File), Line: f.Line, Column: f.Column, Message: message})
	}
	return nil
}

func (inv *invocation) lintVerdict(answer *lintAnswer, args []string) error {
	number := len(answer.Labs)
	if len(answer.Problems) == 0 {
		inv.narrate(fmt.Sprintf("Nothing is wrong with %s.", count(number, "lab")), fmt.Sprintf("%d 個のラボに誤りはありませんでした。", number))
		return nil
	}
	return problem.New(problem.Content,
		text.Text{EN: fmt.Sprintf("%s in %s; fix them and look again", count(len(answer.Problems), "problem"), count(number, "lab")), JA: fmt.Sprintf("%d 個のラボに %d 個の誤りがあります。直してから、もう一度確かめてください", number, len(answer.Problems))},
		lintAgain(args))
}

// lintAgain is the action of linting the same paths again. The working directory need not be named.
func lintAgain(paths []string) action.Action {
	again := action.Do(action.Lint)
	if slices.Equal(paths, []string{"."}) {
		return again
	}
	for _, path := range paths {
		again = again.With("path", path)
	}
	return again
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// lintTargets finds the labs that the arguments name, each once.
func lintTargets(args []string) ([]lintTarget, error) {
	var all []lintTarget
	for _, arg := range args {
		found, err := lintTargetsOf(arg)
		if err != nil {
			return nil, err
		}
		for _, t := range found {
			if !slices.ContainsFunc(all, func(one lintTarget) bool { return one.shown == t.shown }) {
				all = append(all, t)
			}
		}
	}
	return all, nil
}

func lintTargetsOf(arg string) ([]lintTarget, error) {
	info, err := os.Stat(arg)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return embeddedLab(arg)
	case err != nil:
		return nil, problem.New(problem.Usage, text.Plain(err.Error()), action.InTerminal("ls -ld "+arg)).From(err)
	case !info.IsDir():
		return nil, problem.New(problem.Usage, text.New("%s is a file; name the folder of its lab", "%s はファイルです。ラボのフォルダーを指定してください", arg), action.Do(action.Lint).With("path", filepath.Dir(arg)))
	}
	if _, err := os.Stat(filepath.Join(arg, "step.yaml")); err == nil {
		arg = filepath.Join(arg, "..") // the folder of a step: a lab is the smallest thing that can be linted
	}
	return labsIn(arg)
}

// labsIn returns the folder's own lab, or else the labs in the folder.
func labsIn(dir string) ([]lintTarget, error) {
	real, shown, err := placeOf(dir)
	if err != nil {
		return nil, fmt.Errorf("find the folder %s: %w", dir, err)
	}
	if parent, base := os.DirFS(filepath.Dir(real)), filepath.Base(real); content.LooksLikeLab(parent, base) {
		return []lintTarget{{fsys: parent, dir: base, shown: shown}}, nil
	}
	fsys := os.DirFS(real)
	dirs, err := content.Find(fsys)
	if err != nil {
		return nil, problem.New(problem.Usage, text.Plain(err.Error()), action.InTerminal("ls -ld "+dir)).From(err)
	}
	var all []lintTarget
	for _, name := range dirs {
		all = append(all, lintTarget{fsys: fsys, dir: name, shown: filepath.Join(shown, name)})
	}
	if len(all) == 0 {
		return nil, problem.New(problem.Usage,
			text.New("there is no lab in %s: a lab is a folder with a lab.yaml", "%s にラボはありません。ラボは lab.yaml のあるフォルダーです", dir), action.HelpOn(action.NewLab))
	}
	return all, nil
}

// placeOf returns the folder behind all links, whose name is the lab's id, and its path as seen from here.
func placeOf(dir string) (real, shown string, err error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return "", "", err
	}
	here, err := os.Getwd()
	if err != nil {
		return "", "", err
	}
	if shown, err = filepath.Rel(here, absolute); err != nil {
		return "", "", err
	}
	real, err = filepath.EvalSymlinks(absolute)
	return real, shown, err
}

// embeddedLab is one of this program's own labs.
func embeddedLab(id string) ([]lintTarget, error) {
	ids, err := content.Find(labs.FS())
	if err != nil {
		return nil, err
	}
	if slices.Contains(ids, id) {
		return []lintTarget{{fsys: labs.FS(), dir: id, shown: id, ships: true}}, nil
	}
	return nil, unknown(fmt.Sprintf("there is neither a folder nor a lab %s", id), fmt.Sprintf("%s というフォルダーもラボもありません", id), id, ids, action.HelpOn(action.Lint))
}
