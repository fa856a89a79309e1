package scaffold

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/k8slab/k8slab/checks/all"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/verify"
)

// files lists all below dir.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		all = append(all, strings.TrimPrefix(name, dir))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestANewLabHasNothingToComplainAboutAndKillsEachCheck(t *testing.T) {
	dir := t.TempDir()
	// YAML would take the second id for a number, and the third for a boolean.
	for _, id := range []string{"01-hello", "0x10", "true"} {
		if _, err := Lab(dir, id); err != nil {
			t.Fatal(err)
		}
		for _, step := range []string{"again", "7", "null"} {
			if _, err := Step(filepath.Join(dir, id), step); err != nil {
				t.Fatal(err)
			}
		}
		wrong, err := catalog.Lint(os.DirFS(dir), id, all.Vocabulary(), false)
		if err != nil || len(wrong) > 0 {
			t.Fatalf("lint says %v, %v", wrong, err)
		}
		lab, err := content.Load(os.DirFS(dir), id)
		if err != nil {
			t.Fatal(err)
		}
		var steps []string
		for _, step := range lab.Steps {
			steps = append(steps, step.Dir)
			if unkilled := verify.Unkilled(step); len(unkilled) > 0 || len(step.AlsoRight) == 0 {
				t.Errorf("%s: no wrong answer fails %v; %d other right answers", step.Dir, unkilled, len(step.AlsoRight))
			}
		}
		if want := []string{"10-scale", "20-again", "30-7", "40-null"}; !slices.Equal(steps, want) {
			t.Errorf("the steps are %v, want %v", steps, want)
		}
	}
}

func TestNothingIsOverwrittenOrLeftHalfDone(t *testing.T) {
	dir := t.TempDir()
	lab, err := Lab(dir, "01-hello")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a-file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	full := filepath.Join(dir, "full")
	if err := os.MkdirAll(filepath.Join(full, "99-last"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(full, "lab.yaml"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	before := files(t, dir)
	for name, c := range map[string]struct {
		make func() (string, error)
		want string
	}{
		"a lab that is there":         {func() (string, error) { return Lab(dir, "01-hello") }, "exists already"},
		"a file of that name":         {func() (string, error) { return Lab(dir, "a-file") }, "exists already"},
		"an empty folder of the name": {func() (string, error) { return Lab(dir, "empty") }, "exists already"},
		"an id with capitals":         {func() (string, error) { return Lab(dir, "Hello") }, "cannot be an id"},
		"an id that leads elsewhere":  {func() (string, error) { return Lab(dir, "../hello") }, "cannot be an id"},
		"no id":                       {func() (string, error) { return Lab(dir, "") }, "cannot be an id"},
		"an id that is too long":      {func() (string, error) { return Lab(dir, strings.Repeat("a", 64)) }, "cannot be an id"},
		"a folder that is not there":  {func() (string, error) { return Lab(filepath.Join(dir, "nowhere"), "02-lab") }, "there is no folder"},
		"a folder that is a file":     {func() (string, error) { return Lab(filepath.Join(dir, "a-file"), "02-lab") }, "there is no folder"},
		"a step that is there":        {func() (string, error) { return Step(lab, "scale") }, "10-scale exists already"},
		"a step of no lab":            {func() (string, error) { return Step(dir, "more") }, "has no lab.yaml"},
		"a step with a bad id":        {func() (string, error) { return Step(lab, "a--b") }, "cannot be an id"},
		"a step behind the last":      {func() (string, error) { return Step(full, "more") }, "rename some steps"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.make()
			if err == nil || !strings.Contains(err.Error(), c.want) || problem.KindOf(err) != problem.Usage {
				t.Errorf("the error is %v, want a usage problem that says %q", err, c.want)
			}
			if after := files(t, dir); !slices.Equal(after, before) {
				t.Errorf("there is now %v", after)
			}
		})
	}
}

func TestAFillingThatFailsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "lab")
	err := write(target, func(to string) error {
		if err := render("templates/lab", to, values{"lab"}); err != nil {
			t.Fatal(err)
		}
		return render("templates/nowhere", to, values{"lab"})
	})
	if err == nil || !strings.Contains(err.Error(), target) {
		t.Errorf("the error is %v, want one that names %s", err, target)
	}
	if left := files(t, dir); len(left) != 1 {
		t.Errorf("there is left %v", left)
	}
}
