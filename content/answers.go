package content

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// loadSetup reads the Kubernetes objects of a setup folder. content knows no kinds: it only makes sure that each
// document is data, and an object with a kind and a name that tell it from others.
func (l *loader) loadSetup(dir string) ([]File, error) {
	entries, err := l.list(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range entries.dirs {
		l.fault(path.Join(dir, name), "", "a setup folder holds no folders", "put the files into "+dir)
	}
	var files []File
	for _, name := range entries.files {
		if path.Ext(name) != ".yaml" {
			l.fault(path.Join(dir, name), "", "only .yaml files can be applied", renameTo(name, ".yaml"))
			continue
		}
		file, ok, err := l.read(path.Join(dir, name))
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if !l.again {
			l.checkObjects(file)
		}
		files = append(files, file)
	}
	return files, nil
}

func renameTo(name, extension string) string {
	return fmt.Sprintf("did you mean %q?", strings.TrimSuffix(name, path.Ext(name))+extension)
}

func (l *loader) checkObjects(file File) {
	name := l.path(file.Path)
	before := len(l.found.list)
	docs := parseDocuments(name, file.Data, 1, l.found)
	if len(docs) == 0 && len(l.found.list) == before {
		l.found.add(Position{File: name}, "", "there is nothing in it", "write the objects, or remove the file")
	}
	for _, doc := range docs {
		if doc.root.Kind != yaml.MappingNode {
			l.found.add(doc.at(), "", "it is "+describe(doc.root), "write a Kubernetes object")
			continue
		}
		for _, want := range [][]any{{"apiVersion"}, {"kind"}, {"metadata", "name"}} {
			if value := lookup(doc.root, want); value == nil || value.Kind != yaml.ScalarNode || value.Tag != "!!str" || value.Value == "" {
				field := fmt.Sprint(want[0])
				if len(want) > 1 {
					field += "." + fmt.Sprint(want[1])
				}
				l.found.add(doc.at(want...), field, "the field is missing", "add it: a string")
			}
		}
	}
}

func lookup(node *yaml.Node, elements []any) *yaml.Node {
	for _, element := range elements {
		if node = child(node, element); node == nil {
			return nil
		}
	}
	return node
}

// failsLine is the first line of a wrong answer.
var failsLine = regexp.MustCompile(`^# fails: (\S+)$`)

func (l *loader) loadAnswers(entries listing, dir string, step *Step) error {
	if !slices.Contains(entries.files, "solution.sh") {
		l.fault(path.Join(dir, "solution.sh"), "", "the file is missing", "write what a learner would type"+insteadOf("solution.sh", entries.files))
	} else if file, ok, err := l.loadScript(path.Join(dir, "solution.sh")); err != nil {
		return err
	} else if ok {
		step.Solution = file
	}
	if l.again {
		return nil // the other answers are for proofs, which load a lab as new
	}
	var err error
	if step.AlsoRight, err = l.loadScripts(entries, path.Join(dir, "also-right"), "other right answers"); err != nil {
		return err
	}
	wrong, err := l.loadScripts(entries, path.Join(dir, "wrong"), "wrong answers")
	if err != nil {
		return err
	}
	ids := idsOf(step)
	for _, file := range wrong {
		step.Wrong = append(step.Wrong, WrongAnswer{File: file, Fails: l.failsOf(file, ids)})
	}
	return nil
}

func idsOf(step *Step) []string {
	var ids []string
	for _, c := range slices.Concat(step.Checks, step.Invariants) {
		if c.ID != "" {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// failsOf returns the id of the check that a wrong answer must fail.
func (l *loader) failsOf(file File, ids []string) string {
	first, _, _ := bytes.Cut(file.Data, []byte("\n"))
	at := Position{File: l.path(file.Path), Line: 1}
	match := failsLine.FindSubmatch(first)
	if match == nil {
		l.found.add(at, "", "the first line does not say which check the answer fails", "begin the file with # fails: and a check's id")
		return ""
	}
	id := string(match[1])
	if !slices.Contains(ids, id) {
		l.found.add(at, "", fmt.Sprintf("no check of the step has the id %q", id), didYouMean(id, ids))
	}
	return id
}

// loadScripts reads a folder of scripts, of which there has to be at least one.
func (l *loader) loadScripts(entries listing, dir, what string) ([]File, error) {
	if !slices.Contains(entries.dirs, path.Base(dir)) {
		l.fault(dir, "", "the folder is missing", "write at least one of the "+what)
		return nil, nil
	}
	there, err := l.list(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range there.dirs {
		l.fault(path.Join(dir, name), "", "the folder can only hold scripts", "put the scripts into "+dir)
	}
	var files []File
	for _, name := range there.files {
		if path.Ext(name) != ".sh" {
			l.fault(path.Join(dir, name), "", "only .sh files can be answers", renameTo(name, ".sh"))
			continue
		}
		file, ok, err := l.loadScript(path.Join(dir, name))
		if err != nil {
			return nil, err
		}
		if ok {
			files = append(files, file)
		}
	}
	if len(there.files) == 0 {
		l.fault(dir, "", "the folder is empty", "write at least one of the "+what)
	}
	return files, nil
}

func (l *loader) loadScript(name string) (File, bool, error) {
	file, ok, err := l.read(name)
	if err != nil || !ok || !plainText(l.path(name), file.Data, l.found) {
		return file, false, err
	}
	for line := range strings.Lines(string(file.Data)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return file, true, nil
		}
	}
	l.fault(name, "", "the script does nothing", "write its commands")
	return file, false, nil
}
