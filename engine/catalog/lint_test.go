package catalog

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/k8slab/k8slab/checks/all"
	"github.com/k8slab/k8slab/content"
)

const (
	lintLesson = "---\ntitle: A step\n---\n\nIntro.\n\n## Task {#task}\n\nDo it.\n\n## What happened {#debrief}\n\nDone.\n"
	lintSetup  = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n"
)

// lintLab returns a lab without a fault, with the changes made to it: a file name and its content in turn.
func lintLab(changes ...string) fs.FS {
	files := fstest.MapFS{}
	write := func(name, data string) { files["01-lab/"+name] = &fstest.MapFile{Data: []byte(data)} }
	write("lab.yaml", `id: 01-lab
title: {en: A lab, ja: ラボ}
summary: {en: A lab., ja: ラボ。}
minutes: 5
cluster:
  release: "1.37"
  nodes: [{name: worker-1, zone: z1, pool: apps}]
requires: [audit-log]
`)
	write("10-first/step.yaml", `points: 10
checks:
  - id: there
    use: node/exists
    title: {en: it is there, ja: ある}
    with:
      nodes: [worker-1]
`)
	write("10-first/en.md", lintLesson)
	write("10-first/ja.md", lintLesson)
	write("10-first/solution.sh", "true\n")
	write("10-first/also-right/other.sh", "true\n")
	write("10-first/wrong/nothing.sh", "# fails: there\ntrue\n")
	write("10-first/setup/10-shop.yaml", lintSetup)
	for i := 0; i < len(changes); i += 2 {
		write(changes[i], changes[i+1])
	}
	return files
}

func TestLintFindsAllThatIsWrongAtOnceWithItsPlace(t *testing.T) {
	for name, c := range map[string]struct {
		changes []string
		// want has a part of each line of the answer; empty means that nothing is wrong.
		want []string
	}{
		"nothing": {nil, nil},
		"a check that does not exist, and two with the wrong parameters": {[]string{"10-first/step.yaml", `points: 10
checks:
  - id: there
    title: {en: it is there, ja: ある}
    use: node/exist
    with:
      nodes: [worker-1]
  - id: cordoned
    use: node/cordoned
    title: {en: it is cordoned, ja: cordon 済み}
    with:
      nod: worker-1
invariants:
  - id: same
    use: object/same-identity
    title: {en: it is the same, ja: 同じ}
    with:
      objects:
        - {kind: Node, name: worker-1}
        - kind: Deploymnet
          namespace: shop
          name: web
`}, []string{
			`01-lab/10-first/step.yaml:5: checks[0].use: there is no check "node/exist"; did you mean "node/exists"?`,
			`01-lab/10-first/step.yaml:12: checks[1].with.nod: there is no such field; did you mean "node"?`,
			`01-lab/10-first/step.yaml:12: checks[1].with.node: the field is missing`,
			`01-lab/10-first/step.yaml:20: invariants[0].with.objects[1].kind: there is no built-in kind "Deploymnet"; did you mean Deployment?`,
		}},
		"a capability that does not exist, in a lab that is broken elsewhere, too": {[]string{"lab.yaml", `id: 01-lab
title: {en: A lab, ja: ラボ}
summary: {en: A lab., ja: ラボ。}
cluster:
  release: "1.37"
  nodes: [{name: worker-1, zone: z1, pool: apps}]
requires:
  - audit-log
  - audit-lgo
`}, []string{`01-lab/lab.yaml:1: minutes: the field is missing`, `01-lab/lab.yaml:9: requires[1]: there is no capability "audit-lgo"; did you mean "audit-log"?`}},
		"a step that requires what does not exist": {[]string{"10-first/step.yaml", `points: 10
requires: [node-power, node-pwer]
checks:
  - id: there
    title: {en: it is there, ja: ある}
    use: node/exists
    with:
      nodes: [worker-1]
`}, []string{`01-lab/10-first/step.yaml:2: requires[1]: there is no capability "node-pwer"; did you mean "node-power"?`}},
		"a check without a name is said once": {[]string{"10-first/step.yaml", `points: 10
checks:
  - id: there
    use: NODE
    title: {en: it is there, ja: ある}
`}, []string{`step.yaml:4: checks[0].use: "NODE" is no name of a check`}},
		"a file that is no YAML": {[]string{"10-first/setup/10-shop.yaml", "apiVersion: v1\nkind: [\n"}, []string{"10-shop.yaml:"}},
		"an object with a field that does not exist": {[]string{"10-first/setup/20-web.yaml", `apiVersion: v1
kind: ConfigMap
metadata:
  name: fine
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replcas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: registry.test/web:1
          prots: []
`}, []string{
			"01-lab/10-first/setup/20-web.yaml:10: spec.replcas: there is no such field in a Deployment",
			"01-lab/10-first/setup/20-web.yaml:18: spec.template.spec.containers[0].prots: there is no such field",
		}},
		"an object with a value of another type": {[]string{"10-first/setup/20-web.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: two\n"},
			[]string{"20-web.yaml:6: spec.replicas: it is a string; write a value of the type int32"}},
		"a kind that only a cluster knows": {[]string{"10-first/setup/20-cart.yaml", "apiVersion: shop.test/v1\nkind: Cart\nmetadata: {name: mine}\nspec: {wheels: 4}\n"}, nil},
		"objects for which it would be refused elsewhere": {[]string{"10-first/setup/20-more.yaml", `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: all}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: mine, namespace: kube-system}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: fair}
`}, []string{
			"20-more.yaml:2: kind: a lab that others take from a source may not contain this ValidatingWebhookConfiguration: a webhook sees",
			"20-more.yaml:6: kind: a lab that others take from a source may not contain this ConfigMap: that namespace is the cluster's own",
		}},
		"a behaviour with mistakes": {[]string{"10-first/setup/20-slow.yaml", `apiVersion: k8slab.dev/v1alpha1
kind: SimulatedWorkload
metadata: {name: slow}
spec:
  selector:
    namespace: shop
  stopAfter: -5s
  stopExitCode: 300
`, "10-first/setup/30-slow.yaml", "apiVersion: k8slab.dev/v1alpha1\nkind: SimulatedWorkload\nmetadata:\n  name: slow\nspec: {selector: {namespace: shop}, reddy: {}}\n"},
			[]string{
				"20-slow.yaml:7: spec.stopAfter: Invalid value",
				"20-slow.yaml:8: spec.stopExitCode: Invalid value",
				"30-slow.yaml:4: metadata.name: the SimulatedWorkload of 01-lab/10-first/setup/20-slow.yaml:1 has the same name",
				"30-slow.yaml:5: reddy: there is no such field in a SimulatedWorkload",
			}},
	} {
		t.Run(name, func(t *testing.T) {
			wrong, err := Lint(lintLab(c.changes...), "01-lab", all.Vocabulary(), false)
			if err != nil {
				t.Fatal(err)
			}
			for i, e := range wrong {
				t.Log(e)
				if i >= len(c.want) || !strings.Contains(e.Error(), c.want[i]) {
					t.Errorf("number %d is not among what is wanted: %v", i, c.want)
				}
			}
			if len(wrong) != len(c.want) {
				t.Errorf("%d things are wrong, want %d", len(wrong), len(c.want))
			}
		})
	}
}

func TestLintAndLinkAgreeOnALabWithoutAFault(t *testing.T) {
	lab, err := content.Load(lintLab(), "01-lab")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Link(lab, all.Vocabulary()); err != nil {
		t.Error(err)
	}
	lab.Steps[0].Setup[0].Data = []byte("apiVersion: k8slab.dev/v1alpha1\nkind: SimulatedWorkload\nmetadata: {name: slow}\nspec: {}\n")
	if _, err := Link(lab, all.Vocabulary()); err == nil || !strings.Contains(err.Error(), "01-lab/10-first/setup/10-shop.yaml:4: spec.selector") {
		t.Errorf("the error is %v, want one with the place", err)
	}
}
