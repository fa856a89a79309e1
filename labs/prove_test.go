package labs_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
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

// TestEveryAnswerGetsTheVerdictThatItsAuthorSays is k8slab verify for every lab: it plays all answers and all near misses on real
// control planes.
func TestEveryAnswerGetsTheVerdictThatItsAuthorSays(t *testing.T) {
	all, err := content.LoadAll(labs.FS())
	if err != nil {
		t.Fatal(err)
	}
	places := make(chan struct{}, verify.DefaultParallel())
	for _, lab := range all {
		t.Run(lab.ID, func(t *testing.T) {
			t.Parallel()
			report(t, prove(t, lab, places))
		})
	}
}

func prove(t *testing.T, lab *content.Lab, places chan struct{}) *verify.Result {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := verify.Runner{
		Labs: []*content.Lab{lab}, Vocabulary: checks.Default(), NearMisses: true, Places: places,
		Program: program, Env: []string{embedded.DirVariable + "=" + os.Getenv(embedded.DirVariable)},
		Providers: func(dir string) ([]cluster.Provider, error) {
			p, err := embedded.New(dir)
			return []cluster.Provider{p}, err
		},
		Progress: func(e verify.Event) {
			if e.Ended {
				t.Logf("%d of %d: %s/%s %s took %.1f s", e.Done, e.All, e.Lab, e.Step, e.Answer, e.Elapsed.Seconds())
			}
		},
	}
	result, err := r.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// report makes a test of every answer and near miss, by the names that they have.
func report(t *testing.T, result *verify.Result) {
	for _, step := range result.Steps {
		t.Run(step.Step, func(t *testing.T) {
			for _, p := range step.Unkilled {
				t.Errorf("%s: no wrong answer fails %s", p, p.ID)
			}
			for _, p := range step.Unused {
				t.Errorf("%s: no near miss that passes is called %s", p, p.ID)
			}
			for _, a := range step.Answers {
				t.Run(a.Name, func(t *testing.T) {
					for _, p := range a.Problems {
						t.Error(p.EN)
					}
					if !a.Passed {
						t.Logf("transcript:\n%s", a.Transcript)
					}
				})
			}
			for _, n := range step.NearMisses {
				t.Run(n.ID, func(t *testing.T) {
					if !n.Good() {
						t.Errorf("%s: %s %v", n.Does.EN, n.Outcome, n.Problems)
					}
				})
			}
		})
	}
}
