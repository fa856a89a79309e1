package engine_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
)

// machines has nodes that are machines with real images, as far as what it is asked tells.
type machines struct {
	cluster.Provider
	asked *[]string
}

func (m machines) Capabilities() []cluster.Capability {
	return []cluster.Capability{cluster.Disposable}
}

func (m machines) ask(format string, args ...any) error {
	*m.asked = append(*m.asked, fmt.Sprintf(format, args...))
	return nil
}

func (m machines) StopNode(_ context.Context, _, node string) error { return m.ask("stop %s", node) }

func (m machines) StartNode(_ context.Context, _, node string) error { return m.ask("start %s", node) }

func (m machines) RebootNode(_ context.Context, _, node string) error {
	return m.ask("reboot %s", node)
}

func (m machines) TouchNode(_ context.Context, _, node, _ string) error {
	return m.ask("touch %s", node)
}

func (m machines) LoadImages(ctx context.Context, name string, images []string) error {
	cfg, err := m.Config(ctx, name, cluster.Operator)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	if _, err := client.CoreV1().Namespaces().Get(ctx, "loading", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		return fmt.Errorf("the pods are there before their images: %w", err)
	}
	return m.ask("load %v", images)
}

func TestImagesAreLoadedOnceAllMachinesHavePower(t *testing.T) {
	lesson := "---\ntitle: T\n---\n\nA.\n\n## T {#task}\n\nB.\n\n## D {#debrief}\n\nC.\n"
	lab, err := content.Load(fstest.MapFS{
		"91-loading/lab.yaml":          {Data: []byte("id: 91-loading\ntitle: {en: T, ja: 題}\nsummary: {en: S., ja: 要。}\nminutes: 5\ncluster:\n  release: \"1.37\"\n  nodes:\n    - {name: worker-1, zone: z1, pool: apps}\n    - {name: worker-2, zone: z2, pool: apps}\n")},
		"91-loading/10-read/step.yaml": {Data: []byte("points: 1\nchecks:\n  - id: there\n    use: node/exists\n    title: {en: T, ja: 題}\n    with: {nodes: [worker-1]}\n")},
		"91-loading/10-read/en.md":     {Data: []byte(lesson)}, "91-loading/10-read/ja.md": {Data: []byte(lesson)},
		"91-loading/10-read/setup/10.yaml":   {Data: []byte("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: loading\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  namespace: loading\nspec:\n  containers:\n    - {name: web, image: registry.example/web:1}\n")},
		"91-loading/10-read/also-right/a.sh": {Data: []byte("set -eu\nkubectl get pods\n")},
		"91-loading/10-read/solution.sh":     {Data: []byte("set -eu\nkubectl get nodes\n")},
		"91-loading/10-read/wrong/none.sh":   {Data: []byte("# fails: there\nkubectl get nodes\n")},
	}, "91-loading")
	if err != nil {
		t.Fatal(err)
	}
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
	var asked []string
	e, err := engine.New(engine.Config{
		Labs: []*content.Lab{lab}, Vocabulary: checks.Default(), Providers: []cluster.Provider{machines{own, &asked}}, StateDir: state,
	})
	if err != nil {
		t.Fatal(err)
	}
	var phases []string
	report := func(p cluster.Phase) {
		if p.Name == "images" || p.Name == "scenario" {
			phases = append(phases, fmt.Sprint(p.Name, " ", p.Done))
		}
	}
	s, err := e.Start(t.Context(), lab.ID, engine.StartOptions{}, report)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Reset(t.Context(), s, nil); err != nil {
		t.Fatal(err)
	}
	once := []string{"start worker-1", "start worker-2", "load [registry.example/web:1]"}
	if want := slices.Concat(once, once); !slices.Equal(asked, want) {
		t.Errorf("the machines were asked %q, want %q", asked, want)
	}
	if want := []string{"scenario false", "images false", "images true", "scenario true"}; !slices.Equal(phases, want) {
		t.Errorf("the phases are %q, want %q", phases, want)
	}
}
