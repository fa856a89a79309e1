package verify

import (
	"strings"
	"testing"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
)

type bare struct{ cluster.Provider }

func (bare) Capabilities() []cluster.Capability { return nil }

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
