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
			name:  "a sentence brings nothing of the module along",
			files: map[string][]string{"text/a.go": {modulePath + "/content"}, "engine/action/a.go": {modulePath + "/text"}},
			want:  []string{"engine/action must not import text: ", "text must not import content: "},
		},
		{
			name: "a problem does not bring the labs' syntax along",
			files: map[string][]string{
				"engine/problem/a.go": {modulePath + "/engine/reader"},
				"engine/reader/a.go":  {"gopkg.in/yaml.v3"},
			},
			want: []string{"engine/problem must not import gopkg.in/yaml.v3 (through engine/reader): "},
		},
		{
			name: "no arrow runs back up between the rooms of the engine",
			files: map[string][]string{
				"engine/seed/a.go":    {modulePath + "/engine/catalog"},
				"engine/catalog/a.go": {modulePath + "/engine/grading", modulePath + "/engine/seed"},
				"engine/grading/a.go": {modulePath + "/engine", modulePath + "/engine/progress"},
				"engine/a.go":         {modulePath + "/engine/grading", modulePath + "/engine/seed"},
			},
			want: []string{
				"engine/catalog must not import engine (through engine/grading): ",
				"engine/catalog must not import engine/grading: ",
				"engine/catalog must not import engine/progress (through engine/grading): ",
				"engine/grading must not import engine: ",
				"engine/seed must not import engine (through engine/catalog and engine/grading): ",
				"engine/seed must not import engine/catalog: ",
				"engine/seed must not import engine/grading (through engine/catalog): ",
				"engine/seed must not import engine/progress (through engine/catalog and engine/grading): ",
			},
		},
		{
			name:  "the engine knows no provider's insides",
			files: map[string][]string{"engine/a.go": {modulePath + "/engine/cluster/embedded/kubelet", modulePath + "/engine/cluster"}},
			want:  []string{"engine must not import engine/cluster/embedded/kubelet: "},
		},
		{
			name:  "what puts the parts together knows no face",
			files: map[string][]string{"internal/app/a.go": {modulePath + "/internal/cli", "github.com/spf13/cobra"}},
			want:  []string{"internal/app must not import github.com/spf13/cobra: ", "internal/app must not import internal/cli: "},
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
			name:  "a subject of checks cannot use the engine either",
			files: map[string][]string{"checks/node/a.go": {modulePath + "/engine/verify", modulePath + "/engine/history"}},
			want:  []string{"checks/node must not import engine/verify: "},
		},
		{
			name: "the framework of checks cannot use a subject, nor what subjects share",
			files: map[string][]string{
				"checks/a.go":      {modulePath + "/checks/kube"},
				"checks/a_test.go": {modulePath + "/checks", modulePath + "/checks/node"},
				"checks/kube/a.go": {modulePath + "/checks/node"},
			},
			want: []string{
				"a test of checks must not import checks/node: a subject",
				"a test of checks must not import checks/node: the framework",
				"checks must not import checks/kube: the framework",
				"checks must not import checks/node (through checks/kube): the framework",
				"checks/kube must not import checks/node: a subject",
			},
		},
		{
			name: "a subject of checks cannot use another one, and nobody but checks/all can use any",
			files: map[string][]string{
				"checks/all/a.go":              {modulePath + "/checks", modulePath + "/checks/node", modulePath + "/checks/pod"},
				"checks/node/a.go":             {modulePath + "/checks", modulePath + "/checks/kube", modulePath + "/checks/pod"},
				"checks/pod/a_test.go":         {modulePath + "/checks/pod", modulePath + "/checks/node"},
				"internal/cli/a.go":            {modulePath + "/checks/all", modulePath + "/checks/node"},
				"internal/checkstest/a.go":     {modulePath + "/checks", "testing"},
				"internal/cli/a_test.go":       {modulePath + "/checks/all"},
				"checks/subject_to_come/a.go":  {modulePath + "/checks/kube"},
				"internal/scaffold/a_test.go":  {modulePath + "/checks/subject_to_come"},
				"checks/node/a_test.go":        {modulePath + "/internal/checkstest", modulePath + "/internal/testcluster"},
				"checks/node/internal_test.go": {"testing"},
			},
			want: []string{
				"a test of checks/pod must not import checks/node: ",
				"a test of internal/scaffold must not import checks/subject_to_come: ",
				"checks/node must not import checks/pod: ",
				"internal/cli must not import checks/node: ",
			},
		},
		{
			name: "the engine cannot choose its vocabulary, though its tests can",
			files: map[string][]string{
				"engine/grading/a.go":      {modulePath + "/checks", modulePath + "/checks/all"},
				"engine/grading/a_test.go": {modulePath + "/checks/all"},
			},
			want: []string{"engine/grading must not import checks/all: "},
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
			name: "files are replaced in one package",
			files: map[string][]string{
				"engine/atomicfile/a.go":    {"github.com/google/renameio/v2"},
				"engine/cluster/kind/a.go":  {"github.com/google/renameio/v2", modulePath + "/engine/atomicfile"},
				"internal/source/a_test.go": {modulePath + "/engine/atomicfile"},
			},
			want: []string{"engine/cluster/kind must not import github.com/google/renameio/v2: "},
		},
		{
			name: "files are locked in one way",
			files: map[string][]string{
				"engine/flock/a.go":    {"github.com/gofrs/flock"},
				"engine/progress/a.go": {"github.com/rogpeppe/go-internal/lockedfile", modulePath + "/engine/flock"},
			},
			want: []string{"engine/progress must not import github.com/rogpeppe/go-internal/lockedfile: "},
		},
		{
			name:  "there is no third reader of YAML",
			files: map[string][]string{"content/a.go": {"gopkg.in/yaml.v3", "go.yaml.in/yaml/v3"}},
			want:  []string{"content must not import go.yaml.in/yaml/v3: "},
		},
		{
			name: "Kubernetes' objects are read as Kubernetes does",
			files: map[string][]string{
				"engine/behavior/a.go":   {"gopkg.in/yaml.v3"},
				"internal/cli/a_test.go": {"gopkg.in/yaml.v3"},
			},
			want: []string{"engine/behavior must not import gopkg.in/yaml.v3: "},
		},
		{
			name:  "a provider cannot use the engine",
			files: map[string][]string{"engine/cluster/embedded/a.go": {modulePath + "/engine"}},
			want:  []string{"engine/cluster/embedded must not import engine: "},
		},
		{
			name: "what is said knows no face",
			files: map[string][]string{
				"internal/present/a.go":  {modulePath + "/engine", modulePath + "/internal/terminal"},
				"internal/terminal/a.go": {"github.com/charmbracelet/glamour", modulePath + "/internal/present"},
			},
			want: []string{
				"internal/present must not import github.com/charmbracelet/glamour (through internal/terminal): ",
				"internal/present must not import internal/terminal: ",
			},
		},
		{
			name:  "what is laid out knows no commands",
			files: map[string][]string{"internal/terminal/a.go": {"github.com/spf13/cobra", "github.com/charmbracelet/glamour"}},
			want:  []string{"internal/terminal must not import github.com/spf13/cobra: "},
		},
		{
			name:  "a shell knows nothing of sessions",
			files: map[string][]string{"internal/shell/a.go": {modulePath + "/engine", modulePath + "/text"}},
			want:  []string{"internal/shell must not import engine: "},
		},
		{
			name: "nobody imports kwok",
			files: map[string][]string{
				"engine/cluster/embedded/kubelet/a.go": {"sigs.k8s.io/kwok/pkg/utils/lifecycle"},
				"internal/bench/a.go":                  {"sigs.k8s.io/kwok/pkg/utils/lifecycle", modulePath + "/engine/cluster/embedded/kubelet"},
			},
			want: []string{
				"engine/cluster/embedded/kubelet must not import sigs.k8s.io/kwok/pkg/utils/lifecycle: ",
				"internal/bench must not import sigs.k8s.io/kwok/pkg/utils/lifecycle: ",
			},
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
			name: "a face knows no kind of cluster, and its tests only the one that they play on",
			files: map[string][]string{
				"internal/app/a.go":      {modulePath + "/engine/cluster/aks", modulePath + "/engine/cluster/kind"},
				"internal/bench/a.go":    {modulePath + "/engine/cluster/embedded"},
				"internal/cli/a.go":      {modulePath + "/internal/app", modulePath + "/engine/cluster/kind"},
				"internal/cli/a_test.go": {modulePath + "/engine/cluster/embedded", modulePath + "/engine/cluster/existing"},
				"internal/tui/a.go":      {modulePath + "/engine/cluster", modulePath + "/engine/cluster/embedded/kubelet"},
			},
			want: []string{
				"a test of internal/cli must not import engine/cluster/existing: ",
				"internal/cli must not import engine/cluster/kind: ",
				"internal/tui must not import engine/cluster/embedded/kubelet: ",
			},
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
				"internal/cli/a.go":               {modulePath + "/internal/testcluster", modulePath + "/internal/checkstest"},
				"internal/cli/a_test.go":          {modulePath + "/internal/testcluster", "testing"},
				"engine/a_test.go":                {modulePath + "/internal/testcluster", modulePath + "/engine/cluster/clustertest"},
				"internal/testcluster/a.go":       {"testing"},
				"internal/checkstest/a.go":        {"testing", modulePath + "/internal/testcluster"},
				"engine/cluster/clustertest/a.go": {"testing"},
			},
			want: []string{"internal/cli must not import internal/checkstest: ", "internal/cli must not import internal/testcluster: "},
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
