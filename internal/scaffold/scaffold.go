package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"text/template"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

//go:embed templates
var templates embed.FS

const (
	// firstStep is the step of a new lab, and between the distance between the numbers of two steps.
	firstStep = "10-scale"
	between   = 10
	// lastNumber is the largest number that fits into the two digits of a step's folder.
	lastNumber = 99
)

// values are what the templates may use.
type values struct{ ID string }

// Lab writes a new lab with one step into the folder dir/id and returns that folder. The folder dir has to exist, and
// dir/id must not. An error that a person can fix is a Problem.
func Lab(dir, id string) (string, error) {
	if !content.IsID(id) {
		return "", badID(id, action.HelpOn(action.NewLab))
	}
	if err := isFolder(dir); err != nil {
		return "", err
	}
	target := filepath.Join(dir, id)
	return target, write(target, func(to string) error {
		if err := render("templates/lab", to, values{id}); err != nil {
			return err
		}
		return render("templates/step", filepath.Join(to, firstStep), values{"scale"})
	})
}

// Step writes a new step with the id behind the last one of the lab in the folder lab, and returns the step's folder.
// An error that a person can fix is a Problem.
func Step(lab, id string) (string, error) {
	if !content.IsID(id) {
		return "", badID(id, action.HelpOn(action.NewStep))
	}
	if _, err := os.Stat(filepath.Join(lab, "lab.yaml")); err != nil {
		return "", problem.New(problem.Usage,
			text.New("%s is not the folder of a lab: it has no lab.yaml", "%s はラボのフォルダーではありません。lab.yaml がありません", lab), action.HelpOn(action.NewLab)).From(err)
	}
	number, err := nextNumber(lab, id)
	if err != nil {
		return "", err
	}
	target := filepath.Join(lab, fmt.Sprintf("%02d-%s", number, id))
	return target, write(target, func(to string) error { return render("templates/step", to, values{id}) })
}

func badID(id string, next action.Action) error {
	return problem.New(problem.Usage,
		text.New("%q cannot be an id: use lower-case letters, digits and single hyphens, at most 63 characters", "%q は id にできません。英小文字、数字、連続しないハイフンで、63 文字以内にしてください", id), next)
}

func isFolder(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && info.IsDir() {
		return nil
	}
	return problem.New(problem.Usage, text.New("there is no folder %s", "%s というフォルダーはありません", dir), action.InTerminal("mkdir -p "+dir)).From(err)
}

var stepDir = regexp.MustCompile(`^(\d{2})-(.+)$`)

// nextNumber returns the number for a step behind all others.
func nextNumber(lab, id string) (int, error) {
	entries, err := os.ReadDir(lab)
	if err != nil {
		return 0, fmt.Errorf("read the lab %s: %w", lab, err)
	}
	last := 0
	for _, entry := range entries {
		match := stepDir.FindStringSubmatch(entry.Name())
		if match == nil {
			continue
		}
		if match[2] == id {
			return 0, exists(filepath.Join(lab, entry.Name()))
		}
		if n, err := strconv.Atoi(match[1]); err == nil {
			last = max(last, n)
		}
	}
	if last == lastNumber {
		return 0, problem.New(problem.Usage,
			text.New("the lab %s has a step %d already, and there is no number after it: rename some steps first", "ラボ %s にはすでに番号 %d のステップがあり、その後ろに番号がありません。先にステップの番号を付け直してください", lab, last), action.InTerminal("ls "+lab))
	}
	return min(last+between, lastNumber), nil
}

func exists(target string) error {
	return problem.New(problem.Usage,
		text.New("%s exists already, and nothing is overwritten: choose another id", "%s はすでにあります。上書きはしないので、ほかの id を選んでください", target), action.InTerminal("ls "+target))
}

// write makes the folder target, whole or not at all: the folder is filled under a hidden name beside its place.
// Loading labs passes over hidden names.
func write(target string, fill func(dir string) error) error {
	if _, err := os.Lstat(target); err == nil {
		return exists(target)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for %s: %w", target, err)
	}
	hidden, err := os.MkdirTemp(filepath.Dir(target), ".k8slab-new-*")
	if err != nil {
		return cannotWrite(target, err)
	}
	defer os.RemoveAll(hidden) // the folder has its own name now if all went well
	if err := errors.Join(fill(hidden), os.Chmod(hidden, 0o755)); err != nil {
		return cannotWrite(target, err)
	}
	if err := os.Rename(hidden, target); err != nil {
		return cannotWrite(target, err)
	}
	return nil
}

func cannotWrite(target string, err error) error {
	return problem.New(problem.Usage,
		text.New("%s cannot be written: %v", "%s に書き込めません: %v", target, err), action.InTerminal("ls -ld "+filepath.Dir(target))).From(err)
}

// render writes the templates of a folder into the folder to.
func render(from, to string, v values) error {
	return fs.WalkDir(templates, from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, filepath.FromSlash(name[len(from):]))
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		parsed, err := template.New(path.Base(name)).Option("missingkey=error").ParseFS(templates, name)
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if err := parsed.Execute(&out, v); err != nil {
			return err
		}
		return os.WriteFile(target, out.Bytes(), 0o644)
	})
}
