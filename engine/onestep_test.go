package engine_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/k8slab/k8slab/checks/all"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
)

// oneStep returns a lab with one step, that starting state and those nodes.
func oneStep(t *testing.T, id, setup string, nodes ...string) *content.Lab {
	t.Helper()
	const lesson = "---\ntitle: T\n---\n\nA.\n\n## T {#task}\n\nB.\n\n## D {#debrief}\n\nC.\n"
	var shape strings.Builder
	for i, node := range nodes {
		fmt.Fprintf(&shape, "    - {name: %s, zone: z%d, pool: apps}\n", node, i+1)
	}
	files := fstest.MapFS{}
	for path, text := range map[string]string{
		"lab.yaml":                "id: " + id + "\ntitle: {en: T, ja: 題}\nsummary: {en: S., ja: 要。}\nminutes: 5\ncluster:\n  release: \"1.37\"\n  nodes:\n" + shape.String(),
		"10-read/step.yaml":       "points: 1\nchecks:\n  - id: there\n    use: node/exists\n    title: {en: T, ja: 題}\n    with: {nodes: [" + nodes[0] + "]}\n",
		"10-read/en.md":           lesson,
		"10-read/ja.md":           lesson,
		"10-read/setup/10.yaml":   setup,
		"10-read/also-right/a.sh": "set -eu\nkubectl get pods\n",
		"10-read/solution.sh":     "set -eu\nkubectl get nodes\n",
		"10-read/wrong/none.sh":   "# fails: there\nkubectl get nodes\n",
	} {
		files[id+"/"+path] = &fstest.MapFile{Data: []byte(text)}
	}
	lab, err := content.Load(files, id)
	if err != nil {
		t.Fatal(err)
	}
	return lab
}

// onOwn returns an engine that plays the lab on a cluster of its own, which is deleted in the end. wrap returns the
// provider that the engine is given for k8slab's own provider.
func onOwn(t *testing.T, lab *content.Lab, wrap func(*embedded.Provider) cluster.Provider) (*engine.Engine, *embedded.Provider) {
	t.Helper()
	state := t.TempDir()
	own, err := embedded.New(filepath.Join(state, "clusters"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := own.Delete(context.Background(), lab.ID); err != nil {
			t.Error(err)
		}
	})
	e, err := engine.New(engine.Config{Labs: catalog.Loaded(lab), Vocabulary: all.Vocabulary(), Providers: []cluster.Provider{wrap(own)}, StateDir: state})
	if err != nil {
		t.Fatal(err)
	}
	return e, own
}
