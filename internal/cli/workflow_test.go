package cli

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/k8slab/k8slab/engine/problem"
)

// contentCI is the workflow that docs/authoring.md gives to authors.
const contentCI = "../../docs/examples/content-ci.yml"

type workflow struct {
	Name        string            `yaml:"name"`
	On          map[string]any    `yaml:"on"`
	Permissions map[string]string `yaml:"permissions"`
	Jobs        map[string]struct {
		RunsOn         string `yaml:"runs-on"`
		TimeoutMinutes int    `yaml:"timeout-minutes"`
		Steps          []struct {
			Name string         `yaml:"name"`
			ID   string         `yaml:"id"`
			If   string         `yaml:"if"`
			Uses string         `yaml:"uses"`
			Run  string         `yaml:"run"`
			With map[string]any `yaml:"with"`
		} `yaml:"steps"`
	} `yaml:"jobs"`
}

func TestTheWorkflowForAuthorsTypesCommandsThatThereAre(t *testing.T) {
	file, err := os.Open(contentCI)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	var w workflow
	if err := decoder.Decode(&w); err != nil {
		t.Fatal(err)
	}
	pinned := regexp.MustCompile(`^[a-z-]+/[a-z-]+@v\d+$`)
	var typed []string
	for name, job := range w.Jobs {
		if job.RunsOn == "" || job.TimeoutMinutes == 0 || len(job.Steps) == 0 {
			t.Errorf("the job %s has no machine, no time limit or no steps", name)
		}
		for _, step := range job.Steps {
			if (step.Uses == "") == (step.Run == "") || step.Uses != "" && !pinned.MatchString(step.Uses) {
				t.Errorf("step %q uses %q and runs %q: want one of them, and an action at a major version", step.Name, step.Uses, step.Run)
			}
			for line := range strings.Lines(step.Run) {
				if command, ok := strings.CutPrefix(strings.TrimSpace(line), "k8slab "); ok {
					typed = append(typed, command)
				}
			}
		}
	}
	if w.Permissions["contents"] != "read" || len(w.On) == 0 {
		t.Errorf("the workflow is allowed %v on %v", w.Permissions, w.On)
	}
	for _, want := range []string{"lint", "verify"} {
		if !slices.ContainsFunc(typed, func(command string) bool { return strings.HasPrefix(command, want) }) {
			t.Errorf("nothing runs k8slab %s among %q", want, typed)
		}
	}
	for _, command := range typed {
		if err := parses(strings.Fields(command)); err != nil {
			t.Errorf("k8slab %s: %v", command, err)
		}
	}
}

// parses types a command up to the point where it would do something.
func parses(args []string) error {
	cmd, rest, err := newRoot(&invocation{}).Find(args)
	if err != nil {
		return err
	}
	if !cmd.HasParent() {
		return errors.New("there is no such command")
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

func TestACommandOfAWorkflowIsParsedByTheRealFlags(t *testing.T) {
	for command, want := range map[string]bool{
		"lint": true, "lint labs -o json": true, "new lab 01-hello --dir labs": true, "verify --dir . --junit labs.xml": true,
		"lnit": false, "lint --juint x": false, "lint -o yaml": false, "new lab": false, "schema lab step": false,
	} {
		if err := parses(strings.Fields(command)); (err == nil) != want {
			t.Errorf("k8slab %s: %v, want it to parse: %v", command, err, want)
		}
	}
}

func TestLintEndsWithTheCodeOfBrokenContent(t *testing.T) {
	dir := t.TempDir()
	if _, _, code := run(t, newPlayed(), nil, "lint", dir); code != exitUsage {
		t.Errorf("without a lab, the exit code is %d, want %d", code, exitUsage)
	}
	if err := os.MkdirAll(dir+"/01-broken", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/01-broken/lab.yaml", []byte("id: 01-broken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code := run(t, newPlayed(), nil, "lint", dir)
	if code != exitCodeOf(problem.Content) || !strings.Contains(out, "01-broken/lab.yaml:1: title: the field is missing") || !strings.Contains(errs, "next: k8slab lint "+dir) {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, out, errs)
	}
}
