package engine_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
)

// logged is a cluster of machines that has an audit log.
type logged struct {
	machines
	cluster.AuditLogFile
}

// withDefinition is a lab whose starting state has a kind of its own, and an object of it that is stored in the older of its versions.
func withDefinition(t *testing.T) *content.Lab {
	t.Helper()
	lesson := "---\ntitle: T\n---\n\nA.\n\n## T {#task}\n\nB.\n\n## D {#debrief}\n\nC.\n"
	const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: coupons.shop.example.com
spec:
  group: shop.example.com
  scope: Namespaced
  names: {kind: Coupon, plural: coupons}
  versions:
`
	version := func(name string, storage bool) string {
		return fmt.Sprintf("    - {name: %s, served: true, storage: %t, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}\n", name, storage)
	}
	setup := "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata:\n  name: labs\nvalue: 5\n---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n---\n" + definition + version("v1alpha1", true) +
		"---\napiVersion: shop.example.com/v1alpha1\nkind: Coupon\nmetadata:\n  name: staff\n  namespace: shop\n---\n" +
		definition + version("v1alpha1", false) + version("v1", true)
	lab, err := content.Load(fstest.MapFS{
		"92-strays/lab.yaml":          {Data: []byte("id: 92-strays\ntitle: {en: T, ja: 題}\nsummary: {en: S., ja: 要。}\nminutes: 5\ncluster:\n  release: \"1.37\"\n  nodes:\n    - {name: worker-1, zone: z1, pool: apps}\n")},
		"92-strays/10-read/step.yaml": {Data: []byte("points: 1\nchecks:\n  - id: there\n    use: node/exists\n    title: {en: T, ja: 題}\n    with: {nodes: [worker-1]}\n")},
		"92-strays/10-read/en.md":     {Data: []byte(lesson)}, "92-strays/10-read/ja.md": {Data: []byte(lesson)},
		"92-strays/10-read/setup/10.yaml":   {Data: []byte(setup)},
		"92-strays/10-read/also-right/a.sh": {Data: []byte("set -eu\nkubectl get pods\n")},
		"92-strays/10-read/solution.sh":     {Data: []byte("set -eu\nkubectl get nodes\n")},
		"92-strays/10-read/wrong/none.sh":   {Data: []byte("# fails: there\nkubectl get nodes\n")},
	}, "92-strays")
	if err != nil {
		t.Fatal(err)
	}
	return lab
}

// TestAResetTakesAlongWhatTheLearnerMadeElsewhere is about clusters that no checkpoint brings back.
func TestAResetTakesAlongWhatTheLearnerMadeElsewhere(t *testing.T) {
	lab, state := withDefinition(t), t.TempDir()
	own, err := embedded.New(filepath.Join(state, "clusters"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := own.Delete(context.Background(), lab.ID); err != nil {
			t.Error(err)
		}
	})
	var asked []string
	p := logged{machines{own, &asked}, own}
	e, err := engine.New(engine.Config{Labs: []*content.Lab{lab}, Vocabulary: checks.Default(), Providers: []cluster.Provider{p}, StateDir: state})
	if err != nil {
		t.Fatal(err)
	}
	s, err := e.Start(t.Context(), lab.ID, engine.StartOptions{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	as := func(id cluster.Identity) kubernetes.Interface {
		t.Helper()
		cfg, err := own.Config(t.Context(), lab.ID, id)
		if err != nil {
			t.Fatal(err)
		}
		client, err := kubernetes.NewForConfig(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return client
	}
	learner, operator := as(cluster.Learner), as(cluster.Operator)
	create := func(client kubernetes.Interface, name string) {
		t.Helper()
		ctx, meta, options := t.Context(), metav1.ObjectMeta{Name: name}, metav1.CreateOptions{}
		_, err := client.SchedulingV1().PriorityClasses().Create(ctx, &schedulingv1.PriorityClass{ObjectMeta: meta, Value: 7}, options)
		if err == nil {
			_, err = client.CoreV1().ConfigMaps("default").Create(ctx, &corev1.ConfigMap{ObjectMeta: meta}, options)
		}
		if err == nil {
			_, err = client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: meta}, options)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	create(learner, "learners")
	create(operator, "somebodys")
	// Of this name there is another object by the time of the reset.
	create(learner, "again")
	if err := operator.SchedulingV1().PriorityClasses().Delete(t.Context(), "again", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(11 * time.Second) // longer than a request to create it may have taken
	if _, err := operator.SchedulingV1().PriorityClasses().Create(t.Context(), &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "again"}, Value: 7}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	// Of what is the lab's there is one that somebody else has made anew.
	if err := operator.SchedulingV1().PriorityClasses().Delete(t.Context(), "labs", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := operator.SchedulingV1().PriorityClasses().Create(t.Context(), &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "labs"}, Value: 5}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	reset := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := e.Reset(ctx, s, nil); err != nil {
			t.Fatal(err)
		}
	}
	reset() // of a kind that has gone there is nothing to wait for
	for name, stays := range map[string]map[string]bool{
		"learners":  {"class": false, "map": false, "namespace": false},
		"somebodys": {"class": true, "map": true, "namespace": true},
		"again":     {"class": true, "map": false, "namespace": false},
	} {
		_, class := operator.SchedulingV1().PriorityClasses().Get(t.Context(), name, metav1.GetOptions{})
		_, configMap := operator.CoreV1().ConfigMaps("default").Get(t.Context(), name, metav1.GetOptions{})
		_, namespace := operator.CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{})
		for what, err := range map[string]error{"class": class, "map": configMap, "namespace": namespace} {
			if err != nil && !apierrors.IsNotFound(err) {
				t.Fatal(err)
			}
			if there := err == nil; there != stays[what] {
				t.Errorf("%s %s is there: %t, want %t", what, name, there, stays[what])
			}
		}
	}

	// Whoever writes storedVersions by hand and takes the version away can read none of the objects any more, nor delete them.
	cfg, err := own.Config(t.Context(), lab.ID, cluster.Learner)
	if err != nil {
		t.Fatal(err)
	}
	crds := dynamic.NewForConfigOrDie(cfg).Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	const name = "coupons.shop.example.com"
	if _, err := crds.Patch(t.Context(), name, types.MergePatchType, []byte(`{"status":{"storedVersions":["v1"]}}`), metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
	if _, err := crds.Patch(t.Context(), name, types.JSONPatchType, []byte(`[{"op":"remove","path":"/spec/versions/0"}]`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	reset()
}
