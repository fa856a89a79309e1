package verify

import (
	"strings"
	"testing"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
)

type bare struct{ cluster.Provider }

// kind is a kind of cluster that needs something of the environment, and knows how many of its clusters a machine can
// serve.
type kind struct {
	bare
	name string
}

func (k kind) Name() string { return k.name }

func (k kind) Environment() (env, path []string) {
	return []string{"OF=" + k.name}, []string{"/opt/" + k.name}
}

func (k kind) Capacity() int { return len(k.name) }

func TestAnswersHaveWhatTheirKindOfClusterNeedsAndNoOther(t *testing.T) {
	kinds := func(string) ([]cluster.Provider, error) {
		return []cluster.Provider{kind{name: "first"}, kind{name: "second"}, bare{}}, nil
	}
	for name, want := range map[string]string{"": "A=b OF=first in /opt/first", "second": "A=b OF=second in /opt/second"} {
		home := t.TempDir()
		w, err := newWorker(&Runner{Cluster: name, Env: []string{"A=b"}, Providers: kinds}, home)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(w.script.env, " ") + " in " + strings.Join(w.script.path, ":")
		if want = "XDG_STATE_HOME=" + home + " " + want; got != want {
			t.Errorf("on %q it has %s, want %s", name, got, want)
		}
	}
}

func TestAKindOfClusterSaysHowManyThereMayBe(t *testing.T) {
	if got := crewOn(kind{name: "third"}); got != (crewSize{5, 5}) {
		t.Errorf("got %v", got)
	}
	if got := crewOn(bare{}); got.first < 2 || got.most < got.first {
		t.Errorf("one that does not say: %v", got)
	}
}

func TestAnAnswerHasNothingOfTheEnvironmentButWhatItIsGiven(t *testing.T) {
	t.Setenv("DOCKER_HOST", "of the process")
	t.Setenv("DOCKER_CONTEXT", "of the process")
	v := script{env: []string{"DOCKER_HOST=given"}, path: []string{"/opt/engine/bin"}}
	s := &engine.Session{Lab: &content.Lab{ID: "lab"}, Cluster: &cluster.Cluster{Kubeconfig: "/its/kubeconfig"}}
	said, err := v.play(t.Context(), bare{}, s, content.File{Data: []byte("echo $PATH $DOCKER_HOST $DOCKER_CONTEXT $KUBECONFIG\n")})
	if want := "/usr/local/bin:/usr/bin:/bin:/opt/engine/bin given /its/kubeconfig"; err != nil || strings.TrimSpace(said) != want {
		t.Errorf("it has %q, %v, want %q", said, err, want)
	}
}
