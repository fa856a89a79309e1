package architecture

// modulePath is the path of the module; the patterns below leave it out.
const modulePath = "github.com/k8slab/k8slab"

// Rule forbids imports. A pattern is an import path, or one that ends in "/..." for it and all below. Patterns that
// begin with "./" are packages of this module.
type Rule struct {
	// Of are the packages that the rule is about. A package that also matches Except is left alone.
	Of, Except []string
	// Never are the imports that the rule forbids, except those that match But.
	Never, But []string
	// Tests are imports that tests may have all the same.
	Tests []string
	// Reach extends the rule to indirect imports: what a imports through the module's package b counts as an import of
	// a. The imports of b's tests do not count.
	Reach bool
	// Why is the second half of the sentence "a must not import b: …".
	Why string
}

// Rules returns the directions of imports.
func Rules() []Rule {
	lower := []string{"./content/...", "./checks/...", "./engine/..."}
	providers := []string{
		"./engine/cluster/embedded/...", "./engine/cluster/kind/...", "./engine/cluster/existing/...", "./engine/cluster/aks/...",
	}
	return []Rule{
		{
			Of: lower,
			Never: []string{
				"./internal/...", "./cmd/...", "./labs/...",
				"github.com/spf13/cobra/...", "github.com/charmbracelet/...", "charm.land/...",
			},
			Tests: []string{"./internal/testcluster", "./internal/checkstest"},
			Reach: true,
			Why:   "what shows and parses sits above content, checks and engine, never below them",
		},
		{
			Of:    []string{"./text", "./engine/action"},
			Never: []string{"./..."},
			Tests: []string{"./text", "./engine/action"}, // their tests are packages of their own beside them
			Why:   "whoever says a sentence or a next step brings nothing else along",
		},
		{
			Of:    []string{"./engine/problem"},
			Never: []string{"./content/...", "gopkg.in/...", "github.com/yuin/..."},
			Reach: true,
			Why:   "a problem is said without reading YAML or Markdown",
		},
		{
			Of:    []string{"./engine/seed"},
			Never: []string{"./engine/catalog", "./engine/grading", "./engine", "./engine/progress", "./checks/..."},
			Reach: true,
			Why:   "between the rooms of the engine arrows go from engine to grading, from there to catalog and from there to seed",
		},
		{
			Of:    []string{"./engine/catalog"},
			Never: []string{"./engine/grading", "./engine", "./engine/progress"},
			Reach: true,
			Why:   "which labs there are is known without attempts and verdicts",
		},
		{
			Of:    []string{"./engine/grading"},
			Never: []string{"./engine", "./engine/timeline"},
			Reach: true,
			Why:   "grading looks and judges, and knows nothing of who asks",
		},
		{
			Of:    []string{"./engine", "./engine/catalog", "./engine/seed", "./engine/grading", "./engine/verify", "./engine/behavior", "./engine/timeline"},
			Never: []string{"./engine/cluster/embedded/...", "./engine/cluster/kind/...", "./engine/cluster/existing/...", "./engine/cluster/aks/..."},
			Tests: []string{"./engine/cluster/..."},
			Why:   "the engine plays on what package cluster says of a cluster, whoever made it",
		},
		{
			Of: []string{"./internal/app"},
			Never: []string{
				"./internal/cli", "./internal/terminal", "./internal/tui", "./internal/web",
				"github.com/spf13/...", "github.com/charmbracelet/...", "charm.land/...",
			},
			Reach: true,
			Why:   "what puts the parts together for all faces knows none of them",
		},
		{
			Of:    []string{"./content/..."},
			Never: []string{"k8s.io/...", "sigs.k8s.io/..."},
			Reach: true,
			Why:   "a lab is read without knowing what a cluster is",
		},
		{
			Of:    []string{"./content/..."},
			Never: []string{"./checks/...", "./engine/..."},
			Reach: true,
			Why:   "content is the lowest layer",
		},
		{
			Of:    []string{"./checks/..."},
			Never: []string{"./engine", "./engine/cluster/...", "./engine/progress/...", "./engine/verify/..."},
			Tests: []string{"./engine/cluster/..."}, // their tests look at real clusters
			Reach: true,
			Why:   "a check sees clients, a baseline and a history, and not how labs are played",
		},
		{
			Of:    []string{"./checks"},
			Never: []string{"./checks/..."},
			Reach: true,
			Why:   "the framework of checks knows no subject",
		},
		{
			Of:     []string{"./..."},
			Except: []string{"./checks/all"},
			Never:  []string{"./checks/..."},
			But:    []string{"./checks", "./checks/kube", "./checks/all"},
			Why:    "a subject of checks is imported by checks/all only, and shares with others what is in checks/kube",
		},
		{
			Of:    []string{"./engine/..."},
			Never: []string{"./checks/all"},
			Tests: []string{"./checks/all"},
			Reach: true,
			Why:   "the engine is given its vocabulary, and knows no check by name",
		},
		{
			Of:    []string{"./engine/progress/...", "./engine/history/..."},
			Never: []string{"./checks/...", "./engine", "./engine/cluster/...", "./engine/verify/..."},
			Tests: []string{"./engine/cluster/..."},
			Reach: true,
			Why:   "the journal and the history are read by the engine and know nothing of it",
		},
		{
			Of:    []string{"./engine/cluster/..."},
			Never: []string{"./checks/...", "./engine", "./engine/progress/...", "./engine/verify/..."},
			Reach: true,
			Why:   "a cluster does not know what is played on it",
		},
		{
			Of:    []string{"./internal/present/..."},
			Never: []string{"./internal/cli/...", "./internal/terminal/...", "github.com/spf13/...", "github.com/charmbracelet/...", "charm.land/..."},
			Reach: true,
			Why:   "what is said knows no face",
		},
		{
			Of:    []string{"./internal/terminal/..."},
			Never: []string{"./internal/cli/...", "github.com/spf13/..."},
			Reach: true,
			Why:   "what is laid out knows no commands",
		},
		{
			Of:    []string{"./internal/shell/..."},
			Never: []string{"./content/...", "./checks/...", "./engine/...", "./internal/app/...", "./internal/cli/...", "./internal/present/...", "./internal/terminal/...", "github.com/spf13/...", "github.com/charmbracelet/..."},
			Reach: true,
			Why:   "a shell is prepared without knowing what is played in it, or in which face",
		},
		{
			Of:     []string{"./internal/...", "./cmd/...", "./labs/..."},
			Except: []string{"./internal/app/...", "./internal/bench/...", "./internal/testcluster/...", "./internal/checkstest/..."},
			Never:  providers,
			Tests:  []string{"./engine/cluster/embedded"}, // their tests play on real clusters
			Why:    "only internal/app knows which kinds of cluster there are",
		},
		{
			Of:    []string{"./..."},
			Never: []string{"sigs.k8s.io/kwok/..."},
			Why:   "the simulated kubelet plays its stages itself (docs/adr/014-kwok.md)",
		},
		{
			Of:     []string{"./..."},
			Except: []string{"./engine/cluster/kind/..."},
			Never:  []string{"sigs.k8s.io/kind/..."},
			Why:    "each tool's SDK stays in its provider's folder",
		},
		{
			Of:     []string{"./..."},
			Except: []string{"./engine/cluster/aks/..."},
			Never:  []string{"github.com/Azure/...", "github.com/AzureAD/..."},
			Why:    "each cloud's SDK stays in its provider's folder",
		},
		{
			Of:     []string{"./..."},
			Except: []string{"./internal/source/..."},
			Never:  []string{"github.com/go-git/..."},
			Why:    "git, with all that can come from it, stays in one package",
		},
		{
			Of:     []string{"./..."},
			Except: []string{"./engine/atomicfile"},
			Never:  []string{"github.com/google/renameio/...", "github.com/natefinch/atomic", "github.com/moby/sys/atomicwriter"},
			Why:    "one package replaces files, so that all know what a crash may leave (docs/adr/015-libraries.md)",
		},
		{
			Of:     []string{"./..."},
			Except: []string{"./engine/flock"},
			Never:  []string{"github.com/gofrs/flock", "github.com/rogpeppe/go-internal/lockedfile"},
			Why:    "files are locked in one way, as locks of two kinds do not exclude each other everywhere (docs/adr/015-libraries.md)",
		},
		{
			Of: []string{"./..."},
			Never: []string{
				"go.yaml.in/yaml/...", "gopkg.in/yaml.v2", "github.com/goccy/go-yaml/...", "github.com/ghodss/yaml",
			},
			Why: "gopkg.in/yaml.v3 reads what people write, and sigs.k8s.io/yaml Kubernetes' objects; a third reads some of it otherwise",
		},
		{
			Of:    []string{"./checks/...", "./engine/behavior/...", "./engine/cluster/...", "./engine/history/...", "./internal/..."},
			Never: []string{"gopkg.in/yaml.v3"},
			Tests: []string{"gopkg.in/yaml.v3"},
			Why:   "what these read are Kubernetes' objects, for which sigs.k8s.io/yaml is made",
		},
		{
			Of:     []string{"./..."},
			Except: []string{"./engine/cluster/clustertest/...", "./internal/testcluster/...", "./internal/checkstest/..."},
			Never:  []string{"testing/...", "./internal/testcluster", "./internal/checkstest", "./engine/cluster/clustertest", "./engine/cluster/aks/akstest"},
			Tests:  []string{"testing/...", "./internal/testcluster", "./internal/checkstest", "./engine/cluster/clustertest", "./engine/cluster/aks/akstest"},
			Why:    "what tests need is not part of the program",
		},
	}
}
