package embedded_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/internal/testcluster"
)

// TestACheckpointBringsEverythingBack does what a learner can do to a cluster, inside of namespaces and out, and goes
// back.
func TestACheckpointBringsEverythingBack(t *testing.T) {
	p, _ := started(t, spec("checkpoint"))
	ctx := t.Context()
	cfg, err := p.Config(ctx, "checkpoint", cluster.Learner)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	kept := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kept"}, Data: map[string]string{"answer": "before"}}
	if _, err := client.CoreV1().ConfigMaps("default").Create(ctx, kept, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := p.RestoreCheckpoint(ctx, "checkpoint", "never-saved"); !errors.Is(err, cluster.ErrNoCheckpoint) {
		t.Errorf("a checkpoint that was never saved: %v", err)
	}
	if err := p.SaveCheckpoint(ctx, "checkpoint", "before"); err != nil {
		t.Fatal(err)
	}
	before := objects(t, p, "checkpoint")

	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = client.CoreV1().Nodes().Patch(ctx, "worker-1", types.MergePatchType, []byte(`{"spec":{"unschedulable":true}}`), metav1.PatchOptions{})
	must(err)
	must(client.CoreV1().Nodes().Delete(ctx, "worker-2", metav1.DeleteOptions{}))
	must(client.CoreV1().ConfigMaps("default").Delete(ctx, "kept", metav1.DeleteOptions{}))
	_, err = client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "stray"}}, metav1.CreateOptions{})
	must(err)
	_, err = client.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "stray"}}, metav1.CreateOptions{})
	must(err)
	must(client.RbacV1().ClusterRoleBindings().Delete(ctx, "system:node-proxier", metav1.DeleteOptions{}))

	must(p.RestoreCheckpoint(ctx, "checkpoint", "before"))
	after := objects(t, p, "checkpoint")
	if !maps.Equal(before, after) {
		t.Errorf("before: %v\nafter: %v", before, after)
	}
	node, err := client.CoreV1().Nodes().Get(ctx, "worker-1", metav1.GetOptions{})
	must(err)
	if node.Spec.Unschedulable {
		t.Error("worker-1 is still cordoned")
	}
	back, err := client.CoreV1().ConfigMaps("default").Get(ctx, "kept", metav1.GetOptions{})
	must(err)
	if back.Data["answer"] != "before" {
		t.Errorf("the ConfigMap came back with %v", back.Data)
	}
	roles, err := client.RbacV1().ClusterRoles().List(ctx, metav1.ListOptions{})
	must(err)
	if slices.ContainsFunc(roles.Items, func(r rbacv1.ClusterRole) bool { return r.Name == "stray" }) {
		t.Error("the stray ClusterRole is still there")
	}
	_, err = client.RbacV1().ClusterRoleBindings().Get(ctx, "system:node-proxier", metav1.GetOptions{})
	must(err)

	// The cluster works on: what is made now is seen by the controllers, the scheduler and the kubelets.
	_, err = client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "later"}}, metav1.CreateOptions{})
	must(err)
	testcluster.Eventually(t, func() error {
		_, err := client.CoreV1().ServiceAccounts("later").Get(ctx, "default", metav1.GetOptions{})
		return err
	})
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "later"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "k8slab.local/c:1"}}},
	}
	_, err = client.CoreV1().Pods("later").Create(ctx, pod, metav1.CreateOptions{})
	must(err)
	testcluster.Eventually(t, func() error {
		live, err := client.CoreV1().Pods("later").Get(ctx, "later", metav1.GetOptions{})
		if err == nil && live.Status.Phase != corev1.PodRunning {
			err = errors.New("the pod is " + string(live.Status.Phase))
		}
		return err
	})
	testcluster.Eventually(t, func() error {
		c, err := p.Find(ctx, "checkpoint")
		if err == nil && c.State != cluster.Running {
			err = errors.New("the cluster is " + string(c.State))
		}
		return err
	})
	list, err := p.Checkpoints(ctx, "checkpoint")
	if err != nil || len(list) != 1 || list[0].Name != "before" || list[0].Bytes == 0 {
		t.Errorf("Checkpoints: %v, %v", list, err)
	}
}
