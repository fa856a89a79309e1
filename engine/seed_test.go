package engine_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
)

// robbed is a cluster in which somebody takes the first pod of a starting state away before it is ready.
type robbed struct {
	machines
	took chan struct{}
}

func (r robbed) LoadImages(ctx context.Context, name string, _ []string) error {
	cfg, err := r.Config(ctx, name, cluster.Operator)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	go func() {
		pods, now := client.CoreV1().Pods("loading"), int64(0)
		for pods.Delete(ctx, "web", metav1.DeleteOptions{GracePeriodSeconds: &now}) != nil {
			select {
			case <-ctx.Done():
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
		close(r.took)
	}()
	return nil
}

// TestAStartingStateThatWasTakenAwayIsMadeAnew is about controllers that are behind: a ReplicaSet's may delete a pod that it was to take in.
func TestAStartingStateThatWasTakenAwayIsMadeAnew(t *testing.T) {
	lesson := "---\ntitle: T\n---\n\nA.\n\n## T {#task}\n\nB.\n\n## D {#debrief}\n\nC.\n"
	lab, err := content.Load(fstest.MapFS{
		"93-robbed/lab.yaml":                {Data: []byte("id: 93-robbed\ntitle: {en: T, ja: 題}\nsummary: {en: S., ja: 要。}\nminutes: 5\ncluster:\n  release: \"1.37\"\n  nodes:\n    - {name: worker-1, zone: z1, pool: apps}\n")},
		"93-robbed/10-read/step.yaml":       {Data: []byte("points: 1\nchecks:\n  - id: there\n    use: node/exists\n    title: {en: T, ja: 題}\n    with: {nodes: [worker-1]}\n")},
		"93-robbed/10-read/en.md":           {Data: []byte(lesson)},
		"93-robbed/10-read/ja.md":           {Data: []byte(lesson)},
		"93-robbed/10-read/setup/10.yaml":   {Data: []byte("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: loading\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  namespace: loading\nspec:\n  initContainers:\n    - {name: first, image: registry.example/web:1}\n  containers:\n    - {name: web, image: registry.example/web:1, readinessProbe: {initialDelaySeconds: 3, httpGet: {port: 80}}}\n")},
		"93-robbed/10-read/also-right/a.sh": {Data: []byte("set -eu\nkubectl get pods\n")},
		"93-robbed/10-read/solution.sh":     {Data: []byte("set -eu\nkubectl get nodes\n")},
		"93-robbed/10-read/wrong/none.sh":   {Data: []byte("# fails: there\nkubectl get nodes\n")},
	}, "93-robbed")
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
	p := robbed{machines{own, &asked}, make(chan struct{})}
	e, err := engine.New(engine.Config{Labs: []*content.Lab{lab}, Vocabulary: checks.Default(), Providers: []cluster.Provider{p}, StateDir: state})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := e.Start(ctx, lab.ID, engine.StartOptions{}, nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.took:
	default:
		t.Fatal("nothing was taken away")
	}
	cfg, err := own.Config(t.Context(), lab.ID, cluster.Operator)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().Pods("loading").Get(t.Context(), "web", metav1.GetOptions{}); err != nil {
		t.Errorf("the lab begins without its pod: %v", err)
	}
}
