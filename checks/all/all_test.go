package all

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

func TestParametersThatAskForNothingDoNotLink(t *testing.T) {
	for use, with := range map[string]string{
		"workload/survives-zone":       "{kind: Deployment, namespace: shop, name: api, survivors: 0}",
		"workload/termination-grace":   "{kind: Deployment, namespace: shop, name: api, atLeast: 0}",
		"workload/pre-stop-pause":      "{kind: DaemonSet, namespace: shop, name: api, atLeast: 5}",
		"pod/stopped-by-itself":        "{namespace: shop, name: api, atLeast: 0}",
		"workload/leaves-lost-nodes":   "{kind: Deployment, namespace: shop, name: api, atMost: -1}",
		"workload/survives-node-loss":  "{namespace: shop, name: api, node: worker-4, within: 0}",
		"workload/template-unchanged":  "{kind: Job, namespace: shop, name: api}",
		"workload/pods-not-deleted":    "{kind: Job, namespace: shop, name: api}",
		"pdb/guards-last-healthy":      "{namespace: shop}",
		"pdb/always-allows-unready":    "{namespace: shop}",
		"workload/zone-constraint":     "{kind: DaemonSet, namespace: shop, name: api}",
		"pdb/allows-eviction-of-ready": "{namespace: shop, selector: app=web}",
	} {
		t.Run(use, func(t *testing.T) {
			if err := bind(t, use, with); err == nil {
				t.Error("it links")
			}
		})
	}
}

func TestEveryCheckIsDocumentedInBothLanguages(t *testing.T) {
	for _, d := range Vocabulary().Definitions() {
		t.Run(d.Name, func(t *testing.T) {
			texts := map[string]text.Text{"summary": d.Doc.Summary, "pass": d.Doc.Pass, "fail": d.Doc.Fail}
			for _, p := range d.Params {
				texts[p.Name] = p.Doc
				for _, f := range p.Fields {
					texts[p.Name+"."+f.Name] = f.Doc
				}
			}
			for what, text := range texts {
				if !strings.HasSuffix(text.EN, ".") || !strings.HasSuffix(text.JA, "。") {
					t.Errorf("%s is %q and %q, want a sentence in each language", what, text.EN, text.JA)
				}
			}
			if _, err := json.Marshal(d); err != nil {
				t.Error(err)
			}
			if subject, below := strings.CutPrefix(d.Package, "github.com/k8slab/k8slab/checks/"); !below || subject == "all" || subject == "kube" {
				t.Errorf("it is defined in %q, want the package of its subject", d.Package)
			}
		})
	}
}

func TestParametersAreDocumentedFromTheirTags(t *testing.T) {
	d, err := Vocabulary().Lookup("object/same-identity")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(d.Params)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"name":"objects","type":"list of objects","optional":false`, `"name":"namespace","type":"text","optional":true`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("the documentation %s does not hold %s", raw, want)
		}
	}
	selector, err := Vocabulary().Lookup("pdb/allows-eviction")
	if err != nil {
		t.Fatal(err)
	}
	if got := selector.Params[1].Type; got != "selector" {
		t.Errorf("a selector is documented as %s", got)
	}
}

func bind(t *testing.T, use, with string) error {
	t.Helper()
	params, err := content.ParseParams("10-drain/step.yaml", []byte(with))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Vocabulary().Bind(content.Check{ID: "it", Use: use, With: params, At: content.Position{File: "10-drain/step.yaml", Line: 7}})
	return err
}

func TestALabLinksOrSaysWhyNot(t *testing.T) {
	tests := map[string]struct {
		use, with string
		// want is in the error; empty means that it links.
		want string
	}{
		"a check with its parameters":       {"node/cordoned", "node: worker-1", ""},
		"an optional parameter left out":    {"pod/evicted-not-deleted", "node: worker-1", ""},
		"a selector in kubectl's notation":  {"pdb/one-per-pod", "{namespace: shop, selector: 'app in (web, api),tier!=test'}", ""},
		"a kind with its group":             {"object/same-identity", "objects: [{kind: policy/PodDisruptionBudget, namespace: shop, name: web}]", ""},
		"a kind without namespaces":         {"object/same-identity", "objects: [{kind: Node, name: worker-1}]", ""},
		"a mistyped name":                   {"pdb/allow-eviction", "", `did you mean "pdb/allows-eviction"?`},
		"half a name":                       {"keeps-floor", "", `did you mean "pdb/keeps-floor"?`},
		"a name from nowhere":               {"zzzzzz", "", `10-drain/step.yaml:7: use: there is no check "zzzzzz"`},
		"a parameter that is missing":       {"node/cordoned", "", "node"},
		"a parameter that is not known":     {"node/cordoned", "{node: worker-1, nodes: x}", "nodes"},
		"a parameter of the wrong type":     {"pdb/keeps-floor", "{namespace: shop, name: web, healthy: two}", "healthy"},
		"a floor that guards nothing":       {"pdb/keeps-floor", "{namespace: shop, name: web, healthy: 0}", "healthy: 0 guards nothing"},
		"a floor of chosen pods":            {"pdb/keeps-floor", "{namespace: shop, name: web, healthy: 2, selector: app=web}", ""},
		"an optional selector that is none": {"pdb/keeps-floor", "{namespace: shop, name: web, healthy: 2, selector: 'app in web'}", "label selector"},
		"workloads with their floors":       {"workload/never-below", "workloads: [{kind: Deployment, namespace: shop, name: web, replicas: 2}]", ""},
		"a floor of no replicas":            {"workload/never-below", "workloads: [{kind: Deployment, namespace: shop, name: web, replicas: 0}]", "workloads[0].replicas: nothing is below 0"},
		"a floor of a DaemonSet":            {"workload/never-below", "workloads: [{kind: DaemonSet, namespace: shop, name: web, replicas: 1}]", "workloads[0].kind"},
		"a floor at any time":               {"workload/available-throughout", "{kind: DaemonSet, namespace: shop, name: web, atLeast: 2}", ""},
		"a floor of a budget at any time":   {"workload/available-throughout", "{kind: Deployment, namespace: shop, name: web, budget: web}", ""},
		"no floor at any time":              {"workload/available-throughout", "{kind: Deployment, namespace: shop, name: web}", "atLeast: it is missing"},
		"two floors at any time":            {"workload/available-throughout", "{kind: Deployment, namespace: shop, name: web, atLeast: 1, budget: web}", "budget: atLeast says the number already"},
		"no nodes at once":                  {"node/one-at-a-time", "atMost: 0", "atMost: with none at all"},
		"disruptions without a floor":       {"pdb/floor-at-disruptions", "{namespace: shop, name: web, kind: Deployment, workload: web, healthy: 0}", "healthy: 0 guards nothing"},
		"disruptions of a kind without":     {"pdb/floor-at-disruptions", "{namespace: shop, name: web, kind: Job, workload: web, healthy: 1}", "kind: \"Job\""},
		"evictions less than none":          {"pod/evicted-not-deleted", "{node: worker-1, atLeast: -1}", "atLeast: -1"},
		"a selector that is none":           {"pdb/one-per-pod", "{namespace: shop, selector: 'app in web'}", "label selector"},
		"a selector of everything":          {"pdb/one-per-pod", "{namespace: shop, selector: ' '}", "selector"},
		"a kind that has no replicas":       {"workload/replicas-not-lowered", "{kind: DaemonSet, namespace: shop, name: agent}", `kind: "DaemonSet" is none of Deployment, StatefulSet`},
		"a kind that does not exist":        {"object/same-identity", "objects: [{kind: Deploymnet, namespace: shop, name: web}]", "did you mean Deployment?"},
		"a kind in another group":           {"object/same-identity", "objects: [{kind: batch/Deployment, namespace: shop, name: web}]", "objects[0].kind"},
		"a namespace that is missing":       {"object/same-identity", "objects: [{kind: Node, name: w}, {kind: Deployment, name: web}]", "objects[1].namespace: a Deployment has one"},
		"a namespace where there is none":   {"object/same-identity", "objects: [{kind: Node, namespace: shop, name: worker-1}]", "namespace: a Node has none"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := bind(t, test.use, test.with)
			switch {
			case test.want == "" && err != nil:
				t.Errorf("it does not link: %v", err)
			case test.want == "":
			case err == nil:
				t.Error("it links")
			case !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "10-drain/step.yaml"):
				t.Errorf("the error is %q, want %q and the file in it", err, test.want)
			case problem.KindOf(err) != problem.Content:
				t.Errorf("the error is of kind %v", problem.KindOf(err))
			}
		})
	}
}

// TestEverySubjectIsListedAndTried reads the folders beside this one, so that a subject can neither be forgotten here
// nor do without a test.
func TestEverySubjectIsListedAndTried(t *testing.T) {
	list, err := os.ReadFile("all.go")
	if err != nil {
		t.Fatal(err)
	}
	folders, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	subjects := 0
	for _, folder := range folders {
		name := folder.Name()
		if !folder.IsDir() || name == "all" || name == "kube" {
			continue
		}
		subjects++
		if !strings.Contains(string(list), "\t\t"+name+".Definitions(),\n") {
			t.Errorf("the definitions of checks/%s are not in the vocabulary", name)
		}
		tests, err := filepath.Glob(filepath.Join("..", name, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(tests, func(test string) bool {
			code, err := os.ReadFile(test)
			return err == nil && strings.Contains(string(code), "checkstest.Run(t, "+name+".Definitions(),")
		}) {
			t.Errorf("no test of checks/%s tries its definitions on a real cluster by checkstest.Run", name)
		}
	}
	if subjects == 0 {
		t.Error("there is no subject")
	}
}

func TestWhatIsAboutCordonsAndDrainsSaysThatItChangesNodes(t *testing.T) {
	var changing []string
	for _, d := range Vocabulary().Definitions() {
		if slices.Contains(d.Changes, checks.Nodes) {
			changing = append(changing, d.Name)
		}
	}
	if want := []string{"node/cordoned", "node/drained"}; !slices.Equal(changing, want) {
		t.Errorf("these checks change nodes: %q, want %q", changing, want)
	}
}
