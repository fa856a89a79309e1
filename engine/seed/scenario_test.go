package seed

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
)

func TestParse(t *testing.T) {
	setup := func(yaml string) *content.Step {
		return &content.Step{Dir: "10-x", Setup: []content.File{{Path: "10-x/setup/a.yaml", Data: []byte(yaml)}}}
	}
	lab := &content.Lab{ID: "11-x"}
	t.Run("objects are labelled, namespaces come first, and behaviours are no objects", func(t *testing.T) {
		s, err := Parse(lab, setup(`apiVersion: v1
kind: Pod
metadata: {name: p, namespace: shop, annotations: {k8slab.dev/settle: none}}
---
apiVersion: k8slab.dev/v1alpha1
kind: SimulatedWorkload
metadata: {name: slow}
spec: {selector: {namespace: shop}, stopAfter: 40s}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
`))
		if err != nil {
			t.Fatal(err)
		}
		if len(s.objects) != 2 || s.objects[0].GetKind() != "Namespace" || s.objects[1].GetKind() != "Pod" {
			t.Fatalf("got %v", s.objects)
		}
		pod := s.objects[1]
		if pod.GetLabels()[cluster.LabLabel] != "11-x" || len(pod.GetAnnotations()) != 0 || !s.broken[pod] {
			t.Errorf("labels %v, annotations %v, broken %v", pod.GetLabels(), pod.GetAnnotations(), s.broken[pod])
		}
		if !strings.Contains(string(s.behaviors), "stopAfter") {
			t.Errorf("behaviours: %s", s.behaviors)
		}
	})
	t.Run("an object that occurs twice has a past", func(t *testing.T) {
		s, err := Parse(lab, setup(`
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: shop}
data: {a: "1"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: kitchen}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: shop}
data: {a: "2"}
`))
		if err != nil {
			t.Fatal(err)
		}
		if len(s.objects) != 2 || len(s.changes) != 1 {
			t.Fatalf("%d objects and %d changes, want 2 and 1", len(s.objects), len(s.changes))
		}
		if a, _, _ := unstructured.NestedString(s.changes[0].Object, "data", "a"); a != "2" || s.changes[0].GetLabels()[cluster.LabLabel] != "11-x" {
			t.Errorf("the change is %v", s.changes[0].Object)
		}
	})
	for name, yaml := range map[string]string{
		"a document without a kind":             "apiVersion: v1\nmetadata: {name: x}\n",
		"a behaviour with an unknown field":     "apiVersion: k8slab.dev/v1alpha1\nkind: SimulatedWorkload\nmetadata: {name: x}\nspec: {selector: {namespace: a}, stopsAfter: 1s}\n",
		"a document that is not YAML":           "a: [",
		"a behaviour that selects nothing":      "apiVersion: k8slab.dev/v1alpha1\nkind: SimulatedWorkload\nmetadata: {name: x}\nspec: {stopAfter: 1s}\n",
		"a document whose name is not a string": "apiVersion: v1\nkind: Pod\nmetadata: {name: [x]}\n",
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			if _, err := Parse(lab, setup(yaml)); err == nil {
				t.Error("no error")
			}
		})
	}
}
