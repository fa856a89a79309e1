package scaffold

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/engine/verify"
	"github.com/k8slab/k8slab/internal/testcluster"
)

func TestMain(m *testing.M) { testcluster.Main(m) }

// TestANewLabProvesItself plays every answer and every near miss of both steps on a real control plane.
func TestANewLabProvesItself(t *testing.T) {
	dir := t.TempDir()
	if _, err := Lab(dir, "01-hello"); err != nil {
		t.Fatal(err)
	}
	if _, err := Step(filepath.Join(dir, "01-hello"), "more"); err != nil {
		t.Fatal(err)
	}
	lab, err := content.Load(os.DirFS(dir), "01-hello")
	if err != nil {
		t.Fatal(err)
	}
	r := verify.Runner{Labs: []*content.Lab{lab}, Vocabulary: checks.Default(), NearMisses: true, Parallel: 1,
		Providers: func(dir string) ([]cluster.Provider, error) {
			p, err := embedded.New(dir)
			return []cluster.Provider{p}, err
		}}
	result, err := r.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range result.Steps {
		for _, answer := range step.Answers {
			for _, p := range answer.Problems {
				t.Errorf("%s: %s\n%s", answer.Name, p.EN, answer.Transcript)
			}
		}
		for _, n := range step.NearMisses {
			if !n.Good() {
				t.Errorf("%s: the near miss %s is %s", step.Dir, n.ID, n.Outcome)
			}
		}
		if !step.Passed {
			t.Errorf("%s does not pass: %v %v", step.Dir, step.Unkilled, step.Unused)
		}
	}
}
