package architecture

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestTheModuleKeepsItsRules(t *testing.T) {
	g, err := Read(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, known := range []string{"content", "checks", "engine", "engine/cluster/embedded", "internal/architecture"} {
		if g[modulePath+"/"+known] == nil {
			t.Errorf("package %s was not read", known)
		}
	}
	if own := g[modulePath+"/internal/architecture"]; own == nil || !slices.Contains(own.TestImports, "testing/fstest") {
		t.Error("the imports of this test were not read")
	}
	if g[modulePath+"/cmd/k8slab-controlplane"] != nil {
		t.Error("cmd/k8slab-controlplane is a module of its own and was read all the same")
	}
	for _, violation := range g.Violations(Rules()) {
		t.Error(violation)
	}
}

func TestEachRuleBites(t *testing.T) {
	cases := []struct {
		name string
		// files of a made-up module: the path of a file to what it imports.
		files map[string][]string
		want  []string // beginnings of the violations
	}{
		{
			name:  "the engine cannot use the command line's library",
			files: map[string][]string{"engine/a.go": {"github.com/spf13/cobra"}},
			want:  []string{"engine must not import github.com/spf13/cobra: "},
		},
		{
			name:  "a check cannot render Markdown",
			files: map[string][]string{"checks/a.go": {"github.com/charmbracelet/glamour/styles"}},
			want:  []string{"checks must not import github.com/charmbracelet/glamour/styles: "},
		},
		{
			name:  "a provider cannot draw a screen of the newer kind",
			files: map[string][]string{"engine/cluster/kind/a.go": {"charm.land/bubbletea/v2"}},
			want:  []string{"engine/cluster/kind must not import charm.land/bubbletea/v2: "},
		},
		{
			name:  "content cannot use internal packages",
			files: map[string][]string{"content/a.go": {modulePath + "/internal/terminal"}},
			want:  []string{"content must not import internal/terminal: "},
		},
		{
			name: "a detour through another package of the module counts",
			files: map[string][]string{
				"content/a.go":           {modulePath + "/content/markdown"},
				"content/markdown/a.go":  {"example.org/markdown", modulePath + "/content/quantity"},
				"content/quantity/a.go":  {"k8s.io/apimachinery/pkg/api/resource"},
				"content/markdown/b.go":  {"fmt"},
				"engine/x_test.go":       {modulePath + "/internal/testcluster"},
				"internal/terminal/a.go": {"github.com/charmbracelet/glamour"},
			},
			want: []string{
				"content must not import k8s.io/apimachinery/pkg/api/resource (through content/markdown and content/quantity): ",
				"content/markdown must not import k8s.io/apimachinery/pkg/api/resource (through content/quantity): ",
				"content/quantity must not import k8s.io/apimachinery/pkg/api/resource: ",
			},
		},
		{
			name:  "content cannot use a Kubernetes SIG's YAML",
			files: map[string][]string{"content/a.go": {"sigs.k8s.io/yaml"}},
			want:  []string{"content must not import sigs.k8s.io/yaml: "},
		},
		{
			name:  "a test of content is held to the same rule",
			files: map[string][]string{"content/a_test.go": {"k8s.io/api/core/v1"}},
			want:  []string{"a test of content must not import k8s.io/api/core/v1: "},
		},
		{
			name:  "content cannot use checks",
			files: map[string][]string{"content/a.go": {modulePath + "/checks"}},
			want:  []string{"content must not import checks: "},
		},
		{
			name:  "checks cannot use the engine, but its history",
			files: map[string][]string{"checks/a.go": {modulePath + "/engine", modulePath + "/engine/history"}},
			want:  []string{"checks must not import engine: "},
		},
		{
			name:  "the journal cannot use checks",
			files: map[string][]string{"engine/progress/a.go": {modulePath + "/checks"}},
			want:  []string{"engine/progress must not import checks: "},
		},
		{
			name:  "the history cannot use clusters",
			files: map[string][]string{"engine/history/a.go": {modulePath + "/engine/cluster"}},
			want:  []string{"engine/history must not import engine/cluster: "},
		},
		{
			name:  "the command line cannot use git",
			files: map[string][]string{"internal/cli/a.go": {"github.com/go-git/go-git/v5"}, "internal/source/a.go": {"github.com/go-git/go-git/v5"}},
			want:  []string{"internal/cli must not import github.com/go-git/go-git/v5: "},
		},
		{
			name:  "a provider cannot use the engine",
			files: map[string][]string{"engine/cluster/embedded/a.go": {modulePath + "/engine"}},
			want:  []string{"engine/cluster/embedded must not import engine: "},
		},
		{
			name: "kwok is for the embedded provider",
			files: map[string][]string{
				"engine/cluster/embedded/kubelet/a.go": {"sigs.k8s.io/kwok/pkg/utils/lifecycle"},
				"engine/a.go":                          {"sigs.k8s.io/kwok/pkg/utils/lifecycle", modulePath + "/engine/cluster/embedded/kubelet"},
			},
			want: []string{"engine must not import sigs.k8s.io/kwok/pkg/utils/lifecycle: "},
		},
		{
			name: "kind is for its provider",
			files: map[string][]string{
				"engine/cluster/kind/a.go": {"sigs.k8s.io/kind/pkg/cluster"},
				"internal/cli/a.go":        {"sigs.k8s.io/kind/pkg/cluster"},
			},
			want: []string{"internal/cli must not import sigs.k8s.io/kind/pkg/cluster: "},
		},
		{
			name: "the Azure SDK is for its provider",
			files: map[string][]string{
				"engine/cluster/aks/a.go": {"github.com/Azure/azure-sdk-for-go/sdk/azidentity"},
				"internal/web/a.go":       {"github.com/Azure/azure-sdk-for-go/sdk/azidentity"},
			},
			want: []string{"internal/web must not import github.com/Azure/azure-sdk-for-go/sdk/azidentity: "},
		},
		{
			name: "what tests need stays in tests",
			files: map[string][]string{
				"internal/cli/a.go":               {modulePath + "/internal/testcluster"},
				"internal/cli/a_test.go":          {modulePath + "/internal/testcluster", "testing"},
				"engine/a_test.go":                {modulePath + "/internal/testcluster", modulePath + "/engine/cluster/clustertest"},
				"internal/testcluster/a.go":       {"testing"},
				"engine/cluster/clustertest/a.go": {"testing"},
			},
			want: []string{"internal/cli must not import internal/testcluster: "},
		},
		{
			name: "what looks alike is not the same",
			files: map[string][]string{
				"contents/a.go": {"k8s.io/api/core/v1"},
				"content/a.go":  {"k8s.iota/x", "github.com/Azurean/x", "testingx"},
			},
		},
		{
			name: "testdata, hidden folders and other modules are not read",
			files: map[string][]string{
				"content/testdata/a.go": {"k8s.io/api/core/v1"},
				"content/.git/a.go":     {"k8s.io/api/core/v1"},
				"content/_old/a.go":     {"k8s.io/api/core/v1"},
				"content/other/go.mod":  nil,
				"content/other/a.go":    {"k8s.io/api/core/v1"},
			},
		},
	}
	bitten := map[string]bool{}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g, err := Read(module(c.files))
			if err != nil {
				t.Fatal(err)
			}
			got := g.Violations(Rules())
			for _, violation := range got {
				for _, rule := range Rules() {
					if strings.HasSuffix(violation, ": "+rule.Why) {
						bitten[rule.Why] = true
					}
				}
			}
			if !slices.EqualFunc(got, c.want, strings.HasPrefix) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
	for _, rule := range Rules() {
		if !bitten[rule.Why] {
			t.Errorf("no case shows that this rule bites: %s", rule.Why)
		}
	}
}

func TestAFileThatCannotBeParsedIsAnError(t *testing.T) {
	_, err := Read(fstest.MapFS{"content/a.go": {Data: []byte("package content\nimport fmt\n")}})
	if err == nil || !strings.Contains(err.Error(), "content/a.go") {
		t.Errorf("got error %v, want one that names content/a.go", err)
	}
}

func module(files map[string][]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, imports := range files {
		var src strings.Builder
		src.WriteString("package p\n")
		for _, imported := range imports {
			src.WriteString("import _ \"" + imported + "\"\n")
		}
		fsys[name] = &fstest.MapFile{Data: []byte(src.String())}
	}
	return fsys
}
