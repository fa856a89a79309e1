package architecture

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestProvidersAreAskedThroughOneHelper(t *testing.T) {
	found, err := Assertions(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, assertion := range found {
		t.Error(assertion)
	}
}

func TestAnAssertionOnAProviderIsFound(t *testing.T) {
	const imports = "package p\nimport \"github.com/k8slab/k8slab/engine/cluster\"\n"
	for name, c := range map[string]struct {
		file, src string
		want      []string // beginnings of the lines
	}{
		"in the engine":      {"engine/a.go", imports + "func f(p cluster.Provider) { s, _ := p.(cluster.Stopper); _ = s }", []string{"engine/a.go:3 asserts cluster.Stopper: "}},
		"in a test":          {"internal/cli/a_test.go", imports + "var _ = p.(cluster.Guest)", []string{"internal/cli/a_test.go:3 asserts cluster.Guest: "}},
		"in a check":         {"checks/a.go", imports + "\nvar _ = any(p).(*cluster.Cluster)", []string{"checks/a.go:4 asserts cluster.Cluster: "}},
		"under another name": {"engine/a.go", "package p\nimport c \"github.com/k8slab/k8slab/engine/cluster\"\nvar _ = p.(c.Guest)", []string{"engine/a.go:3 asserts cluster.Guest: "}},
		"two at once": {"engine/verify/a.go", imports + "var _ = p.(interface{ cluster.Lister; cluster.Stopper })",
			[]string{"engine/verify/a.go:3 asserts cluster.Lister: ", "engine/verify/a.go:3 asserts cluster.Stopper: "}},
		"in a switch": {"engine/cluster/kind/a.go", imports + "func f(p any) {\n\tswitch p.(type) {\n\tcase nil, cluster.Upgrader:\n\t}\n}",
			[]string{"engine/cluster/kind/a.go:5 asserts cluster.Upgrader: "}},
		"with the helper":              {"engine/a.go", imports + "var s, ok = cluster.As[cluster.Stopper](p)", nil},
		"a state of a cluster":         {"engine/a.go", imports + "func f(s cluster.State) {\n\tswitch s {\n\tcase cluster.Running:\n\t}\n}", nil},
		"for something else":           {"engine/a.go", imports + "var _ = p.(error)", nil},
		"of another package's cluster": {"engine/a.go", "package p\nimport \"example.org/cluster\"\nvar _ = p.(cluster.Stopper)", nil},
		"the helper itself":            {"engine/cluster/cluster.go", imports + "var _ = p.(cluster.Stopper)", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Assertions(fstest.MapFS{c.file: {Data: []byte(c.src)}})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.EqualFunc(got, c.want, strings.HasPrefix) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}
