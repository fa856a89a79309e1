package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/clustertest"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
)

// logged is a cluster of machines whose audit log says that the class "again" was asked for a minute earlier than it
// was.
type logged struct {
	machines
	dir string
}

func (l logged) AuditLog(ctx context.Context, name string) ([]string, error) {
	own, _ := cluster.As[cluster.AuditLogFile](l.Provider)
	paths, err := own.AuditLog(ctx, name)
	for i, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var earlier bytes.Buffer
		for line := range bytes.Lines(raw) {
			var event map[string]any
			if bytes.Contains(line, []byte(`"resource":"priorityclasses","name":"again"`)) && json.Unmarshal(line, &event) == nil {
				at, err := time.Parse(time.RFC3339Nano, event["requestReceivedTimestamp"].(string))
				if err != nil {
					return nil, err
				}
				event["requestReceivedTimestamp"] = at.Add(-time.Minute)
				if line, err = json.Marshal(event); err != nil {
					return nil, err
				}
				line = append(line, '\n')
			}
			earlier.Write(line)
		}
		paths[i] = filepath.Join(l.dir, filepath.Base(path))
		if err := os.WriteFile(paths[i], earlier.Bytes(), 0o600); err != nil {
			return nil, err
		}
	}
	return paths, err
}

// withDefinition returns a lab whose starting state defines a kind, and has an object of that kind that is stored in
// the older of its two versions.
func withDefinition(t *testing.T) *content.Lab {
	t.Helper()
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
	return oneStep(t, "92-strays", setup, "worker-1")
}

// TestAResetTakesAlongWhatTheLearnerMadeElsewhere is about clusters that no checkpoint restores.
func TestAResetTakesAlongWhatTheLearnerMadeElsewhere(t *testing.T) {
	lab := withDefinition(t)
	var asked []string
	e, own := onOwn(t, lab, func(own *embedded.Provider) cluster.Provider { return logged{machines{own, &asked}, t.TempDir()} })
	p, err := e.Start(t.Context(), lab.ID, engine.StartOptions{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	learner, operator := clustertest.Client(t, own, lab.ID, cluster.Learner), clustertest.Client(t, own, lab.ID, cluster.Operator)
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
	// By the time of the reset, another object has this name.
	create(learner, "again")
	if err := operator.SchedulingV1().PriorityClasses().Delete(t.Context(), "again", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := operator.SchedulingV1().PriorityClasses().Create(t.Context(), &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "again"}, Value: 7}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	// Somebody else has made one of the lab's own objects again.
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
		if err := p.Reset(ctx, nil); err != nil {
			t.Fatal(err)
		}
	}
	reset() // a kind that is gone has no objects to wait for
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

	// If somebody writes storedVersions by hand and removes the old version, nobody can read or delete the objects any
	// more.
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
