package checkstest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/internal/testcluster"
	"github.com/k8slab/k8slab/text"
)

// Scene is a namespace of the world in its starting state.
type Scene struct {
	*World
	T         *testing.T
	Namespace string
	// Env is what the checks of this scene look at; a story may change it.
	Env      checks.Env
	Operator kubernetes.Interface
	Log      *history.Log
}

// Settle waits until every Deployment and every bare pod is ready, but for pods that are labelled never-ready.
func (s *Scene) Settle() {
	s.T.Helper()
	testcluster.Eventually(s.T, func() error {
		pods, err := s.Operator.CoreV1().Pods(s.Namespace).List(s.T.Context(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, pod := range pods.Items {
			if pod.DeletionTimestamp != nil || pod.Labels["never-ready"] == "" && !strings.Contains(conditions(pod.Status.Conditions), "Ready=True") {
				return errors.New("pod " + pod.Name + " is not ready: " + conditions(pod.Status.Conditions))
			}
		}
		deployments, err := s.Operator.AppsV1().Deployments(s.Namespace).List(s.T.Context(), metav1.ListOptions{})
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

func conditions(list []corev1.PodCondition) string {
	var said []string
	for _, c := range list {
		said = append(said, string(c.Type)+"="+string(c.Status))
	}
	return strings.Join(said, " ")
}

// TakeBaseline reads the starting state of the namespace.
func (s *Scene) TakeBaseline() Baseline {
	s.T.Helper()
	var b Baseline
	for _, gvr := range []schema.GroupVersionResource{
		{Version: "v1", Resource: "pods"},
		{Group: "apps", Version: "v1", Resource: "deployments"}, {Group: "apps", Version: "v1", Resource: "daemonsets"},
		{Group: "policy", Version: "v1", Resource: "poddisruptionbudgets"},
	} {
		found, err := s.Env.Dynamic.Resource(gvr).Namespace(s.Namespace).List(s.T.Context(), metav1.ListOptions{})
		if err != nil {
			s.T.Fatal(err)
		}
		for i := range found.Items {
			b = append(b, &found.Items[i])
		}
	}
	return b
}

// Include makes objects part of the starting state, as they are now.
func (s *Scene) Include(gvr schema.GroupVersionResource, namespace string, names ...string) {
	s.T.Helper()
	b, _ := s.Env.Baseline.(Baseline)
	for _, name := range names {
		o, err := s.Env.Dynamic.Resource(gvr).Namespace(namespace).Get(s.T.Context(), name, metav1.GetOptions{})
		if err != nil {
			s.T.Fatal(err)
		}
		b = append(b, o)
	}
	s.Env.Baseline = b
}

// Baseline is a starting state in memory.
type Baseline []*unstructured.Unstructured

// Object implements checks.Baseline.
func (b Baseline) Object(gk schema.GroupKind, namespace, name string) (*unstructured.Unstructured, bool) {
	for _, o := range b.Objects(gk) {
		if o.GetNamespace() == namespace && o.GetName() == name {
			return o, true
		}
	}
	return nil, false
}

// Objects implements checks.Baseline.
func (b Baseline) Objects(gk schema.GroupKind) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	for _, o := range b {
		if o.GroupVersionKind().GroupKind() == gk {
			found = append(found, o)
		}
	}
	return found
}

// Kubectl runs the real kubectl in the namespace as the learner and returns what it prints.
func (s *Scene) Kubectl(args ...string) string { s.T.Helper(); return s.kubectlWith("", args...) }

// Apply applies a manifest as the learner.
func (s *Scene) Apply(manifest string) { s.T.Helper(); s.kubectlWith(manifest, "apply", "-f", "-") }

func (s *Scene) kubectlWith(stdin string, args ...string) string {
	s.T.Helper()
	cmd := s.KubectlCommand(stdin, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		s.T.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out.String())
	}
	return out.String()
}

// KubectlCommand is a command that runs the real kubectl in the namespace as the learner.
func (s *Scene) KubectlCommand(stdin string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(s.T.Context(), s.kubectlPath, append([]string{"--namespace", s.Namespace}, args...)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.kubeconfig)
	cmd.Stdin = strings.NewReader(stdin)
	return cmd
}

// PatchBudget merges into the spec of a PodDisruptionBudget.
func (s *Scene) PatchBudget(name, spec string) {
	s.T.Helper()
	s.Kubectl("patch", "pdb", name, "--type=merge", "--patch", `{"spec":`+spec+`}`)
}

// Ghost makes a Node without a machine, whose kubelet says what the story wants.
func (s *Scene) Ghost(name, version, labels string) {
	s.T.Helper()
	s.Apply(fmt.Sprintf("apiVersion: v1\nkind: Node\nmetadata: {name: %s, labels: {%s}}\nspec: {unschedulable: true}\n", name, labels))
	s.Kubectl("patch", "node", name, "--subresource=status", "--patch", fmt.Sprintf(`{"status":{"nodeInfo":{"kubeletVersion":%q}}}`, version))
}

// UpgradeNode brings the kubelet of a node to the release of the API server, and returns its version once the node is
// ready for pods again.
func (s *Scene) UpgradeNode(node string) string {
	s.T.Helper()
	done, err := s.provider.UpgradeNode(s.T.Context(), worldName, node, cluster.UpgradeOrder{Release: "1.37"})
	if err != nil {
		s.T.Fatal(err)
	}
	testcluster.Eventually(s.T, func() error {
		object, err := s.Operator.CoreV1().Nodes().Get(s.T.Context(), node, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, c := range object.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status != corev1.ConditionTrue {
				return fmt.Errorf("node %s is not Ready: %s", node, c.Message)
			}
		}
		for _, taint := range object.Spec.Taints {
			if taint.Key == corev1.TaintNodeNotReady {
				return fmt.Errorf("node %s is still tainted %s", node, taint.Key)
			}
		}
		return nil
	})
	return done.To
}

// Requests returns what the audit log has of the namespace since the scene began.
func (s *Scene) Requests(q history.Query) []history.Request {
	s.T.Helper()
	q.Since, q.Namespace = s.Env.Since, s.Namespace
	requests, err := s.Log.Requests(s.T.Context(), q)
	if err != nil {
		s.T.Fatal(err)
	}
	return requests
}

// Judge binds a check by name, as a lab does, and looks until nothing is pending, as the engine does. NS in the
// parameters is the namespace of the scene.
func (s *Scene) Judge(use, with string) checks.Result {
	s.T.Helper()
	result, err := s.Try(use, with)
	if err != nil {
		s.T.Fatalf("%s cannot tell: %v", use, err)
	}
	return result
}

// Try is Judge for a check that may not be able to tell.
func (s *Scene) Try(use, with string) (result checks.Result, failure error) {
	s.T.Helper()
	testcluster.Eventually(s.T, func() error {
		result, failure = s.Once(use, with)
		if failure == nil && result.Pending != "" {
			return errors.New("still pending: " + result.Pending)
		}
		return nil
	})
	return result, failure
}

// Once looks once, whatever is pending.
func (s *Scene) Once(use, with string) (checks.Result, error) {
	s.T.Helper()
	params, err := content.ParseParams("step.yaml", []byte(strings.ReplaceAll(with, "NS", s.Namespace)))
	if err != nil {
		s.T.Fatal(err)
	}
	bound, err := s.vocabulary.Bind(content.Check{ID: "it", Use: use, With: params})
	if err != nil {
		s.T.Fatal(err)
	}
	asked := map[checks.Need]bool{}
	result, failure := bound.Run(s.T.Context(), telling(s.Env, asked))
	s.compareNeeds(use, bound, asked)
	return result, failure
}

// Passes demands that the check passes.
func (s *Scene) Passes(use, with string) {
	s.T.Helper()
	if r := s.Judge(use, with); r.Outcome != checks.Passed {
		s.T.Errorf("%s {%s} does not pass: %s", use, with, Tell(r))
	}
}

// Fails demands that a failure says all of the words, in what it found, in its cause or as its object, in two
// languages.
func (s *Scene) Fails(use, with string, said ...string) {
	s.T.Helper()
	r := s.Judge(use, with)
	if r.Outcome != checks.Failed {
		s.T.Errorf("%s {%s} does not fail: %s", use, with, Tell(r))
		return
	}
	for _, word := range said {
		if !strings.Contains(r.Got.EN+" | "+r.Cause+" | "+r.Object, word) {
			s.T.Errorf("%s {%s} does not say %q: %s", use, with, word, Tell(r))
		}
	}
	for _, text := range []text.Text{r.Want, r.Got, r.Why} {
		if text.EN == "" || text.JA == "" || text.EN == text.JA || strings.Contains(text.EN+text.JA, "%!") {
			s.T.Errorf("%s {%s} is not well said: %q and %q", use, with, text.EN, text.JA)
		}
	}
	s.T.Log(Tell(r))
}

// Tell is the whole of a result, for the message of a test.
func Tell(r checks.Result) string {
	return strings.Join([]string{string(r.Outcome), r.Object,
		"\n  want ", r.Want.EN, " / ", r.Want.JA, "\n  got  ", r.Got.EN, " / ", r.Got.JA, "\n  why  ", r.Why.EN, " / ", r.Why.JA,
		"\n  cause", r.Cause, "\n  pending", r.Pending}, " ")
}
