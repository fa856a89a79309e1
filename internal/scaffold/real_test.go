package scaffold

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/engine/verify"
	"github.com/k8slab/k8slab/internal/testcluster"
)

func TestMain(m *testing.M) { testcluster.Main(m) }

// TestANewLabProvesItself plays every answer of both steps on a real control plane.
func TestANewLabProvesItself(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
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
	p, err := embedded.New(filepath.Join(state, "clusters"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Delete(context.Background(), lab.ID); err != nil {
			t.Error(err)
		}
	})
	e, err := engine.New(engine.Config{Labs: []*content.Lab{lab}, Vocabulary: checks.Default(), Providers: []cluster.Provider{p}, StateDir: state})
	if err != nil {
		t.Fatal(err)
	}
	s, err := e.Start(t.Context(), lab.ID, engine.StartOptions{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	verifier := &verify.Verifier{Engine: e}
	for _, step := range lab.Steps {
		if s, err = e.Goto(t.Context(), s, step.ID, nil); err != nil {
			t.Fatal(err)
		}
		for _, answer := range verify.Answers(step) {
			t.Run(step.ID+" "+answer.Name(), func(t *testing.T) {
				proof, err := verifier.Prove(t.Context(), s, answer)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range proof.Problems {
					t.Errorf("%s\n%s", p, proof.Transcript)
				}
			})
		}
	}
}
