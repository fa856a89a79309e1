package content

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/k8slab/k8slab/text"
)

func TestNodesAreRenamedWhereTheyStandAsWords(t *testing.T) {
	lesson := "---\ntitle: T\n---\n\nworker-1 and worker-10, my-worker-1 and worker-1b; node/worker-1.\n\n## Task {#task}\n\nworker-2に、`worker-1`と。\n\n## D {#debrief}\n\nC.\n"
	files := fstest.MapFS{
		"90-a/lab.yaml":             {Data: []byte("id: 90-a\ntitle: {en: T, ja: 題}\nsummary: {en: S., ja: 要。}\nminutes: 5\ncluster:\n  release: \"1.37\"\n  nodes:\n    - {name: worker-1, zone: z1, pool: apps}\n    - {name: worker-2, zone: z2, pool: apps}\n")},
		"90-a/10-b/step.yaml":       {Data: []byte("points: 1\nchecks:\n  - id: c\n    use: node/cordoned\n    title: {en: T, ja: 題}\n    with: {node: worker-2}\n")},
		"90-a/10-b/en.md":           {Data: []byte(lesson)},
		"90-a/10-b/ja.md":           {Data: []byte(lesson)},
		"90-a/10-b/setup/10.yaml":   {Data: []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {nodeName: worker-2}\n")},
		"90-a/10-b/solution.sh":     {Data: []byte("kubectl cordon worker-2\n")},
		"90-a/10-b/also-right/a.sh": {Data: []byte("kubectl cordon node/worker-2\n")},
		"90-a/10-b/wrong/a.sh":      {Data: []byte("# fails: c\nkubectl cordon worker-1\n")},
	}
	lab, err := Load(files, "90-a")
	if err != nil {
		t.Fatal(err)
	}
	lab.Origin = Origin{Source: "/labs"}
	// The names are swapped: a name that was put in is not replaced again.
	renamed, err := Renamed(lab, map[string]string{"worker-1": "worker-2", "worker-2": "worker-1"})
	if err != nil {
		t.Fatal(err)
	}
	step, text := renamed.Steps[0], renamed.Steps[0].Lessons[text.Japanese]
	for want, in := range map[string]string{
		"worker-2 and worker-10, my-worker-1 and worker-1b; node/worker-2.": text.Intro,
		"worker-1に、`worker-2`と。":                                            text.Task,
		"nodeName: worker-1":                                                string(step.Setup[0].Data),
		"cordon worker-1":                                                   string(step.Solution.Data),
	} {
		if !strings.Contains(in, want) {
			t.Errorf("%q is not in %q", want, in)
		}
	}
	if renamed.ID != "90-a" || renamed.Origin != lab.Origin || renamed.Cluster.Nodes[0].Name != "worker-2" || renamed.Cluster.Nodes[0].Zone != "z1" {
		t.Errorf("got %+v", renamed)
	}
	if at := renamed.At("10-b/en.md", 1); at != lab.At("10-b/en.md", 1) {
		t.Errorf("an error would be at %v", at)
	}
}
