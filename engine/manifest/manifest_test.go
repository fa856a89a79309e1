package manifest_test

import (
	"errors"
	"testing"

	"github.com/k8slab/k8slab/engine/manifest"
)

func TestParse(t *testing.T) {
	const whole = "apiVersion: v1\nkind: Pod\nmetadata: {name: one}\n"
	for _, test := range []struct {
		name, stream string
		objects      int
		incomplete   bool
		broken       bool
	}{
		{name: "nothing", stream: "---\n# nothing\n---\n"},
		{name: "two documents and empty ones", stream: "---\n" + whole + "---\n---\n" + whole, objects: 2},
		{name: "JSON", stream: `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"one"}}`, objects: 1},
		{name: "one without a name", stream: whole + "---\napiVersion: v1\nkind: Pod\n---\n" + whole, objects: 1, incomplete: true},
		{name: "one that is no YAML", stream: whole + "---\n{\n", objects: 1, broken: true},
		{name: "a list", stream: whole + "---\n- apiVersion: v1\n", objects: 1, broken: true},
	} {
		objects, err := manifest.Parse([]byte(test.stream))
		if len(objects) != test.objects || errors.Is(err, manifest.ErrIncomplete) != test.incomplete || (err != nil) != (test.incomplete || test.broken) {
			t.Errorf("%s: %d objects, error %v", test.name, len(objects), err)
		}
	}
}
