package engine_test

import (
	"context"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
)

// robbed is a cluster in which somebody takes the first pod of a starting state away before it is ready.
type robbed struct {
	machines
	took chan struct{}
	once *sync.Once
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
	go r.once.Do(func() {
		pods, now := client.CoreV1().Pods("loading"), int64(0)
		for pods.Delete(ctx, "web", metav1.DeleteOptions{GracePeriodSeconds: &now}) != nil {
			select {
			case <-ctx.Done():
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
		close(r.took)
	})
	return nil
}

// TestAStartingStateThatWasTakenAwayIsMadeAnew is about controllers that are behind: a ReplicaSet's may delete a pod that it was to take in.
func TestAStartingStateThatWasTakenAwayIsMadeAnew(t *testing.T) {
	const setup = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: loading\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  namespace: loading\nspec:\n  initContainers:\n    - {name: first, image: registry.example/web:1}\n  containers:\n    - {name: web, image: registry.example/web:1, readinessProbe: {initialDelaySeconds: 3, httpGet: {port: 80}}}\n"
	lab := oneStep(t, "93-robbed", setup, "worker-1")
	var asked []string
	took, once := make(chan struct{}), new(sync.Once)
	e, own := onOwn(t, lab, func(own *embedded.Provider) cluster.Provider { return robbed{machines{own, &asked}, took, once} })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := e.Start(ctx, lab.ID, engine.StartOptions{}, nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-took:
	default:
		t.Fatal("nothing was taken away")
	}
	if _, err := clientAs(t, own, lab.ID, cluster.Operator).CoreV1().Pods("loading").Get(t.Context(), "web", metav1.GetOptions{}); err != nil {
		t.Errorf("the lab begins without its pod: %v", err)
	}
}
