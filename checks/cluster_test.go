package checks_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/internal/testcluster"
)

func TestMain(m *testing.M) { testcluster.Main(m) }

// world is one real cluster that the subtests share; each has its own namespace and nodes.
type world struct {
	provider                *embedded.Provider
	kubectlPath, kubeconfig string
	env                     checks.Env
	log                     *history.Log
	operator                kubernetes.Interface
	// catchUp returns when the record of the cluster has come up to now.
	catchUp func(context.Context) error
	// asked is what each check has asked the Env for that not every cluster has.
	asked map[string]map[checks.Need]bool
}

// worldName is the cluster's name.
const worldName = "checks"

func newWorld(t *testing.T) *world {
	t.Helper()
	const name = worldName
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
	catchUp := func(ctx context.Context) error { return p.CatchUp(ctx, name) }
	record := history.OpenRecording(func(ctx context.Context) (string, error) {
		if err := catchUp(ctx); err != nil {
			return "", err
		}
		return p.Recording(ctx, name)
	})
	return &world{
		provider: p, kubectlPath: kubectl, kubeconfig: c.Kubeconfig, log: log, catchUp: catchUp, asked: map[string]map[checks.Need]bool{},
		env:      checks.Env{Client: typed, Dynamic: untyped, History: log, Record: record, Upgrades: upgraded()},
		operator: kubernetes.NewForConfigOrDie(asOperator),
	}
}

// scene is a namespace of the world in its starting state.
type scene struct {
	*world
	t         *testing.T
	namespace string
}

// begin applies manifests as the learner, waits until every Deployment and bare pod is ready, and takes the baseline.
func (w *world) begin(t *testing.T, namespace string, manifests ...string) *scene {
	t.Helper()
	s := &scene{world: &world{provider: w.provider, kubectlPath: w.kubectlPath, kubeconfig: w.kubeconfig, env: w.env, log: w.log, operator: w.operator, catchUp: w.catchUp, asked: w.asked}, t: t, namespace: namespace}
	s.kubectl("create", "namespace", namespace)
	for _, m := range manifests {
		s.apply(m)
	}
	s.settle()
	s.env.Baseline = s.takeBaseline()
	if err := s.catchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.env.Since = time.Now()
	return s
}

func (s *scene) settle() {
	s.t.Helper()
	testcluster.Eventually(s.t, func() error {
		pods, err := s.operator.CoreV1().Pods(s.namespace).List(s.t.Context(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, pod := range pods.Items {
			if pod.DeletionTimestamp != nil || pod.Labels["never-ready"] == "" && !strings.Contains(conditions(pod.Status.Conditions), "Ready=True") {
				return errors.New("pod " + pod.Name + " is not ready: " + conditions(pod.Status.Conditions))
			}
		}
		deployments, err := s.operator.AppsV1().Deployments(s.namespace).List(s.t.Context(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, d := range deployments.Items {
			if d.Status.ReadyReplicas < *d.Spec.Replicas {
				return errors.New("deployment " + d.Name + " is not ready")
			}
		}
		return nil
	})
}

func (s *scene) takeBaseline() baseline {
	s.t.Helper()
	var b baseline
	for _, gvr := range []schema.GroupVersionResource{
		{Version: "v1", Resource: "pods"},
		{Group: "apps", Version: "v1", Resource: "deployments"}, {Group: "apps", Version: "v1", Resource: "daemonsets"},
		{Group: "policy", Version: "v1", Resource: "poddisruptionbudgets"},
	} {
		found, err := s.env.Dynamic.Resource(gvr).Namespace(s.namespace).List(s.t.Context(), metav1.ListOptions{})
		if err != nil {
			s.t.Fatal(err)
		}
		for i := range found.Items {
			b = append(b, &found.Items[i])
		}
	}
	return b
}

// baseline is a starting state in memory.
type baseline []*unstructured.Unstructured

func (b baseline) Object(gk schema.GroupKind, namespace, name string) (*unstructured.Unstructured, bool) {
	for _, o := range b.Objects(gk) {
		if o.GetNamespace() == namespace && o.GetName() == name {
			return o, true
		}
	}
	return nil, false
}

func (b baseline) Objects(gk schema.GroupKind) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	for _, o := range b {
		if o.GroupVersionKind().GroupKind() == gk {
			found = append(found, o)
		}
	}
	return found
}

// kubectl runs the real kubectl as the learner and returns what it prints.
func (s *scene) kubectl(args ...string) string { s.t.Helper(); return s.kubectlWith("", args...) }

func (s *scene) apply(manifest string) { s.t.Helper(); s.kubectlWith(manifest, "apply", "-f", "-") }

func (s *scene) kubectlWith(stdin string, args ...string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), s.kubectlPath, append([]string{"--namespace", s.namespace}, args...)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.kubeconfig)
	cmd.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out.String())
	}
	return out.String()
}

// judge binds a check by name, as a lab does, and looks until nothing is pending, as the engine does.
func (s *scene) judge(use, with string) checks.Result {
	s.t.Helper()
	result, err := s.try(use, with)
	if err != nil {
		s.t.Fatalf("%s cannot tell: %v", use, err)
	}
	return result
}

func (s *scene) try(use, with string) (result checks.Result, failure error) {
	s.t.Helper()
	testcluster.Eventually(s.t, func() error {
		result, failure = s.once(use, with)
		if failure == nil && result.Pending != "" {
			return errors.New("still pending: " + result.Pending)
		}
		return nil
	})
	return result, failure
}

// once looks once, whatever is pending.
func (s *scene) once(use, with string) (checks.Result, error) {
	s.t.Helper()
	params, err := content.ParseParams("step.yaml", []byte(strings.ReplaceAll(with, "NS", s.namespace)))
	if err != nil {
		s.t.Fatal(err)
	}
	bound, err := checks.Default().Bind(content.Check{ID: "it", Use: use, With: params})
	if err != nil {
		s.t.Fatal(err)
	}
	asked := map[checks.Need]bool{}
	result, failure := bound.Run(s.t.Context(), telling(s.env, asked))
	s.compareNeeds(use, bound, asked)
	return result, failure
}

func (s *scene) passes(use, with string) {
	s.t.Helper()
	if r := s.judge(use, with); r.Outcome != checks.Passed {
		s.t.Errorf("%s {%s} does not pass: %s", use, with, tell(r))
	}
}

// fails demands that a failure says all of the words, in what it found, in its cause or as its object, in two languages.
func (s *scene) fails(use, with string, said ...string) {
	s.t.Helper()
	r := s.judge(use, with)
	if r.Outcome != checks.Failed {
		s.t.Errorf("%s {%s} does not fail: %s", use, with, tell(r))
		return
	}
	for _, word := range said {
		if !strings.Contains(r.Got.EN+" | "+r.Cause+" | "+r.Object, word) {
			s.t.Errorf("%s {%s} does not say %q: %s", use, with, word, tell(r))
		}
	}
	for _, text := range []content.Text{r.Want, r.Got, r.Why} {
		if text.EN == "" || text.JA == "" || text.EN == text.JA || strings.Contains(text.EN+text.JA, "%!") {
			s.t.Errorf("%s {%s} is not well said: %q and %q", use, with, text.EN, text.JA)
		}
	}
	s.t.Log(tell(r))
}

func tell(r checks.Result) string {
	return strings.Join([]string{string(r.Outcome), r.Object,
		"\n  want ", r.Want.EN, " / ", r.Want.JA, "\n  got  ", r.Got.EN, " / ", r.Got.JA, "\n  why  ", r.Why.EN, " / ", r.Why.JA,
		"\n  cause", r.Cause, "\n  pending", r.Pending}, " ")
}
