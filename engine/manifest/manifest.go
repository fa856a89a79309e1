// Package manifest reads streams of Kubernetes objects. It knows what every object has, and must not know any kind.
package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// ErrIncomplete says that a document lacks what every object has.
var ErrIncomplete = errors.New("apiVersion, kind and metadata.name are required")

// Parse returns the objects of YAML documents or of a stream of JSON; empty documents are left out. With an error, it
// returns the objects before the first bad document: one that cannot be read, or one that is incomplete, for which the
// error is ErrIncomplete.
func Parse(data []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	for {
		o := &unstructured.Unstructured{}
		err := decoder.Decode(&o.Object)
		switch {
		case errors.Is(err, io.EOF):
			return objects, nil
		case err != nil:
			return objects, err
		case len(o.Object) == 0:
			continue
		case o.GetAPIVersion() == "" || o.GetKind() == "" || o.GetName() == "":
			return objects, fmt.Errorf("document %d: %w", len(objects)+1, ErrIncomplete)
		}
		objects = append(objects, o)
	}
}
