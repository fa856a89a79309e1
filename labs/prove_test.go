package labs_test

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
	"github.com/k8slab/k8slab/internal/cli"
	"github.com/k8slab/k8slab/internal/testcluster"
	"github.com/k8slab/k8slab/labs"
)

// TestMain makes the test binary be k8slab, too, where an answer calls it by that name.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "k8slab" {
		os.Exit(cli.Main())
	}
	testcluster.Main(m)
}

// TestEveryAnswerGetsTheVerdictThatItsAuthorSays plays every answer of every step of every lab on a real control plane.
func TestEveryAnswerGetsTheVerdictThatItsAuthorSays(t *testing.T) {
	all, err := content.LoadAll(labs.FS())
	if err != nil {
		t.Fatal(err)
	}
	for _, lab := range all {
		t.Run(lab.ID, func(t *testing.T) {
			t.Parallel()
			for _, step := range lab.Steps {
				t.Run(step.ID, func(t *testing.T) { proveStep(t, lab, step) })
			}
		})
	}
}

// proveStep has a cluster of its own: most of the time that some steps take is waiting, in which another one can be proved.
func proveStep(t *testing.T, lab *content.Lab, step *content.Step) {
	t.Parallel()
	if ids := verify.Unkilled(step); len(ids) > 0 {
		t.Errorf("no wrong answer fails %v", ids)
	}
	stateHome := t.TempDir()
	e := newEngine(t, lab, stateHome)
	verifier := newVerifier(t, e, stateHome)
	s, err := e.Start(t.Context(), lab.ID, engine.StartOptions{Step: step.ID}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, answer := range verify.Answers(step) {
		t.Run(answer.Name(), func(t *testing.T) { prove(t, verifier, s, answer) })
	}
}

func prove(t *testing.T, v *verify.Verifier, s *engine.Session, answer verify.Answer) {
	proof, err := v.Prove(t.Context(), s, answer)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range proof.Problems {
		t.Error(p)
	}
	if t.Failed() {
		t.Logf("transcript:\n%s", proof.Transcript)
	}
	t.Logf("took %v", proof.Elapsed)
}

// newVerifier lets answers call this test binary as k8slab.
func newVerifier(t *testing.T, e *engine.Engine, stateHome string) *verify.Verifier {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &verify.Verifier{Engine: e, Program: program, Env: []string{
		"XDG_STATE_HOME=" + stateHome, embedded.DirVariable + "=" + os.Getenv(embedded.DirVariable),
	}}
}

// newEngine keeps its state where k8slab does below XDG_STATE_HOME.
func newEngine(t *testing.T, lab *content.Lab, stateHome string) *engine.Engine {
	t.Helper()
	state := filepath.Join(stateHome, "k8slab")
	p, err := embedded.New(state + "/clusters")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Delete(context.Background(), lab.ID); err != nil {
			t.Error(err)
		}
	})
	e, err := engine.New(engine.Config{
		Labs: []*content.Lab{lab}, Vocabulary: checks.Default(), Providers: []cluster.Provider{p}, StateDir: state,
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}
