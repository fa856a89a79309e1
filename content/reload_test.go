package content_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/k8slab/k8slab/content"
)

func TestALabThatIsLoadedAgainIsTheSame(t *testing.T) {
	files := validFiles()
	first, err := content.Load(files, "11-first")
	if err != nil {
		t.Fatal(err)
	}
	again, err := content.Reload(files, "11-first")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range first.Steps {
		step.AlsoRight, step.Wrong = nil, nil // these are for proofs
	}
	if !reflect.DeepEqual(first, again) {
		t.Errorf("got %+v, want %+v", again, first)
	}
}

func TestOnlySetUpAndAnswersAreNotLookedThroughAgain(t *testing.T) {
	for name, c := range map[string]struct {
		mistake change
		// refused says whether a lab with the mistake is refused the second time, too.
		refused bool
	}{
		"an object without a name":     {write("10-drain/setup/web.yaml", "apiVersion: v1\nkind: Pod\n"), false},
		"a set-up that is no YAML":     {write("10-drain/setup/web.yaml", "a: ["), false},
		"a step with an unknown field": {write("10-drain/step.yaml", "pints: 10\n"), true},
		"a lesson that is missing":     {remove("10-drain/ja.md"), true},
	} {
		files := validFiles()
		c.mistake(files)
		if _, err := content.Load(files, "11-first"); err == nil {
			t.Errorf("%s: it is loaded the first time", name)
		}
		_, err := content.Reload(files, "11-first")
		if _, wrong := errors.AsType[content.Errors](err); wrong != c.refused {
			t.Errorf("%s: the second time: %v", name, err)
		}
	}
}
