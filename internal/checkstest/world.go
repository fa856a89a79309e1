package checkstest

import (
	"context"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/engine/history"
)

// Story plays what learners do, right and wrong, and demands what the checks say of it.
type Story struct {
	Name string
	Play func(t *testing.T, w *World)
}

// Run plays the stories one after the other on one new cluster. In the end it demands of each definition that a story
// has tried its check, and that the check needs what the definition declares and nothing else. A test package has one
// such test, so that it runs one control plane.
func Run(t *testing.T, definitions []checks.Definition, stories ...Story) {
	t.Helper()
	w := NewWorld(t, definitions...)
	for _, story := range stories {
		t.Run(story.Name, func(t *testing.T) { story.Play(t, w) })
	}
	t.Run("what checks need", w.demandNeeds)
}

// World is one real cluster that the stories share; each has its own namespace and nodes.
type World struct {
	vocabulary              *checks.Vocabulary
	provider                *embedded.Provider
	kubectlPath, kubeconfig string
	env                     checks.Env
	log                     *history.Log
	operator                kubernetes.Interface
	// asked is what each check has asked the Env for that not every cluster has.
	asked map[string]map[checks.Need]bool
}

// worldName is the cluster's name.
const worldName = "checks"

// NewWorld starts a cluster of four nodes, worker-1 to worker-4 in the zones z1, z2, z3 and z1, of which the first two
// have a kubelet that is one release older. It ends with the test.
func NewWorld(t *testing.T, definitions ...checks.Definition) *World {
	t.Helper()
	const name = worldName
	vocabulary, err := checks.New(definitions...)
	if err != nil {
		t.Fatal(err)
	}
	p, err := embedded.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Delete(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	c, err := p.Ensure(t.Context(), cluster.Spec{Name: name, Release: "1.37", Nodes: []cluster.Node{
		{Name: "worker-1", Zone: "z1", Version: "1.36"}, {Name: "worker-2", Zone: "z2", Version: "1.36"}, {Name: "worker-3", Zone: "z3"}, {Name: "worker-4", Zone: "z1"},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	kubectl, err := p.Kubectl(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := p.Config(t.Context(), name, cluster.Grader)
	if err != nil {
		t.Fatal(err)
	}
	typed, untyped, err := checks.Clients(cfg)
	if err != nil {
		t.Fatal(err)
	}
	asOperator, err := p.Config(t.Context(), name, cluster.Operator)
	if err != nil {
		t.Fatal(err)
	}
	log := history.Open(func(ctx context.Context) ([]string, error) { return p.AuditLog(ctx, name) })
	w := &World{
		vocabulary: vocabulary, provider: p, kubectlPath: kubectl, kubeconfig: c.Kubeconfig, log: log, asked: map[string]map[checks.Need]bool{},
		env:      checks.Env{Client: typed, Dynamic: untyped, AuditLog: log, Upgrades: Upgraded()},
		operator: kubernetes.NewForConfigOrDie(asOperator),
	}
	w.env.History = history.OpenRecording(func(ctx context.Context) (string, error) {
		if err := w.catchUp(ctx); err != nil {
			return "", err
		}
		return p.Recording(ctx, name)
	})
	return w
}

// catchUp returns when the record of the cluster has come up to now.
func (w *World) catchUp(ctx context.Context) error { return w.provider.CatchUp(ctx, worldName) }

// Begin applies manifests as the learner in a new namespace, waits until every Deployment and bare pod is ready, and
// takes the baseline.
func (w *World) Begin(t *testing.T, namespace string, manifests ...string) *Scene {
	t.Helper()
	s := &Scene{World: w, T: t, Namespace: namespace, Env: w.env, Operator: w.operator, Log: w.log}
	s.Kubectl("create", "namespace", namespace)
	for _, m := range manifests {
		s.Apply(m)
	}
	s.Settle()
	s.Env.Baseline = s.TakeBaseline()
	if err := s.catchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Env.Since = time.Now()
	return s
}
