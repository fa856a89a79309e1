package architecture

// modulePath is the module whose packages the patterns below name without it.
const modulePath = "github.com/k8slab/k8slab"

// Rule forbids imports. A pattern is an import path, or one that ends in "/..." for it and all below. Patterns that begin
// with "./" are packages of this module.
type Rule struct {
	// Of are the packages that the rule is about. A package that also matches Except is left alone.
	Of, Except []string
	// Never are the imports that it forbids.
	Never []string
	// Tests are imports that tests may have all the same.
	Tests []string
	// Reach extends the rule to what the module's own packages bring in on the way: what a imports through b counts as a's.
	// Tests of b do not count.
	Reach bool
	// Why is the second half of the sentence "a must not import b: …".
	Why string
}

// Rules returns the directions of imports.
func Rules() []Rule {
	lower := []string{"./content/...", "./checks/...", "./engine/..."}
	return []Rule{
		{
			Of: lower,
			Never: []string{
				"./internal/...", "./cmd/...", "./labs/...",
				"github.com/spf13/cobra/...", "github.com/charmbracelet/...", "charm.land/...",
			},
			Tests: []string{"./internal/testcluster"},
			Reach: true,
			Why:   "what shows and parses sits above content, checks and engine, never below them",
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
			Tests: []string{"./engine/cluster/..."}, // they look at real clusters
			Reach: true,
			Why:   "a check sees clients, a baseline and a history, and not how labs are played",
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
			Of:     []string{"./..."},
			Except: []string{"./engine/cluster/embedded/..."},
			Never:  []string{"sigs.k8s.io/kwok/..."},
			Why:    "only the embedded provider simulates nodes",
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
			Except: []string{"./engine/cluster/clustertest/...", "./internal/testcluster/..."},
			Never:  []string{"testing/...", "./internal/testcluster", "./engine/cluster/clustertest", "./engine/cluster/aks/akstest"},
			Tests:  []string{"testing/...", "./internal/testcluster", "./engine/cluster/clustertest", "./engine/cluster/aks/akstest"},
			Why:    "what tests need is not part of the program",
		},
	}
}
