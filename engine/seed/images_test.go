package seed

import (
	"slices"
	"testing"

	"github.com/k8slab/k8slab/engine/manifest"
)

func TestImagesAreFoundInPodsAndInTemplates(t *testing.T) {
	objects, err := manifest.Parse([]byte(`
apiVersion: v1
kind: Pod
metadata: {name: bare}
spec:
  initContainers: [{name: init, image: "example.org/init:1"}]
  containers: [{name: one, image: "example.org/one:1"}, {name: two, image: "example.org/two:1"}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: deep}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: one, image: "example.org/one:1"}]}}}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: none}
data: {image: "example.org/not-an-image:1"}
`))
	if err != nil {
		t.Fatal(err)
	}
	got := (&Scenario{objects: objects}).images()
	if want := []string{"example.org/init:1", "example.org/one:1", "example.org/two:1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
