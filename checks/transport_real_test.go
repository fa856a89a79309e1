package checks_test

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/internal/checkstest"
	"github.com/k8slab/k8slab/internal/testcluster"
)

func TestMain(m *testing.M) { testcluster.Main(m) }

// TestACheckThatWouldWriteIsRefused asks a real API server through the clients of the grader.
func TestACheckThatWouldWriteIsRefused(t *testing.T) {
	w := checkstest.NewWorld(t)
	s := w.Begin(t, "readonly", checkstest.Scratch("worker-4"))
	ctx, pods := t.Context(), s.Env.Client.CoreV1().Pods(s.Namespace)
	before, err := pods.Get(ctx, "scratch", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	evict := func(dryRun ...string) error {
		return s.Env.Client.PolicyV1().Evictions(s.Namespace).Evict(ctx, &policyv1.Eviction{
			ObjectMeta: metav1.ObjectMeta{Name: "scratch", Namespace: s.Namespace}, DeleteOptions: &metav1.DeleteOptions{DryRun: dryRun},
		})
	}
	exec := func() error {
		return s.Env.Client.CoreV1().RESTClient().Get().Namespace(s.Namespace).Resource("pods").Name("scratch").SubResource("exec").
			VersionedParams(&corev1.PodExecOptions{Command: []string{"true"}}, scheme.ParameterCodec).Do(ctx).Error()
	}
	podsByName := s.Env.Dynamic.Resource(corev1.SchemeGroupVersion.WithResource("pods")).Namespace(s.Namespace)
	for name, write := range map[string]func() error{
		"a deletion":                 func() error { return pods.Delete(ctx, "scratch", metav1.DeleteOptions{}) },
		"a dynamic deletion":         func() error { return podsByName.Delete(ctx, "scratch", metav1.DeleteOptions{}) },
		"a deletion of all":          func() error { return pods.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}) },
		"an eviction":                func() error { return evict() },
		"an update":                  func() error { _, err := pods.Update(ctx, before, metav1.UpdateOptions{}); return err },
		"a command in the container": exec,
	} {
		if _, refused := errors.AsType[*checks.RefusedError](write()); !refused {
			t.Errorf("%s is not refused", name)
		}
	}
	dry := []string{metav1.DryRunAll}
	for name, probe := range map[string]func() error{
		"a dry eviction":         func() error { return evict(dry...) },
		"a dry deletion":         func() error { return pods.Delete(ctx, "scratch", metav1.DeleteOptions{DryRun: dry}) },
		"a dry dynamic deletion": func() error { return podsByName.Delete(ctx, "scratch", metav1.DeleteOptions{DryRun: dry}) },
		"a dry update":           func() error { _, err := pods.Update(ctx, before, metav1.UpdateOptions{DryRun: dry}); return err },
	} {
		if err := probe(); err != nil {
			t.Errorf("%s is refused: %v", name, err)
		}
	}
	after, err := s.Operator.CoreV1().Pods(s.Namespace).Get(ctx, "scratch", metav1.GetOptions{})
	if err != nil || after.UID != before.UID || after.DeletionTimestamp != nil || after.ResourceVersion != before.ResourceVersion {
		t.Errorf("the pod is not what it was: %v, %v", after, err)
	}
}
