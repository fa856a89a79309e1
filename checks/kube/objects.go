package kube

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/k8slab/k8slab/text"
)

// FromUnstructured converts an object of the starting state to its Go type. It goes through JSON, for which the types
// of pods are known already where a check has listed pods: apimachinery's own converter would learn them once more,
// which was a tenth of the time of `k8slab check`.
func FromUnstructured(o *unstructured.Unstructured, into any) error {
	raw, err := o.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		return fmt.Errorf("reading %s %s of the starting state: %w", o.GetKind(), o.GetName(), err)
	}
	return nil
}

// MissingField returns the path of the first field of was, behind prefix, that is missing in is or has another value
// there; empty if there is none.
func MissingField(was, is map[string]any, prefix string) string {
	for _, name := range slices.Sorted(maps.Keys(was)) {
		value, there := is[name]
		inner, deeper := was[name].(map[string]any)
		if deeper {
			other, _ := value.(map[string]any)
			if field := MissingField(inner, other, prefix+name+"."); field != "" {
				return field
			}
			continue
		}
		if !there || !reflect.DeepEqual(was[name], value) {
			return prefix + name
		}
	}
	return ""
}

// Deleted says that an object of the starting state was deleted.
func Deleted(object string) text.Text {
	return text.New("%s was deleted", "%s が削除されています", object)
}

// NotInBaseline is the error of a lab whose check is about an object that was not there when the step began.
func NotInBaseline(kind, namespace, name string) error {
	return fmt.Errorf("the starting state of the step has no %s %s in namespace %q", kind, name, namespace)
}
