package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
)

// machines is a provider whose nodes claim to be machines with real images. It only notes in asked what is asked of
// them.
type machines struct {
	cluster.Provider
	asked *[]string
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
	const setup = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: loading\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  namespace: loading\nspec:\n  containers:\n    - {name: web, image: registry.example/web:1}\n"
	lab := oneStep(t, "91-loading", setup, "worker-1", "worker-2")
	var asked []string
	e, _ := onOwn(t, lab, func(own *embedded.Provider) cluster.Provider { return machines{own, &asked} })
	var phases []string
	report := func(p cluster.Phase) {
		if p.Name == "images" || p.Name == "scenario" {
			phases = append(phases, fmt.Sprint(p.Name, " ", p.Done))
		}
	}
	p, err := e.Start(t.Context(), lab.ID, engine.StartOptions{}, report)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Reset(t.Context(), nil); err != nil {
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
