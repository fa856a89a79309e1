package engine_test

import (
	"context"
	"errors"
	"regexp"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/clustertest"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/engine/problem"
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

// TestAStartingStateThatWasTakenAwayIsMadeAnew is about controllers that are behind: the controller of a ReplicaSet may
// delete a pod that it was to adopt.
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
	if _, err := clustertest.Client(t, own, lab.ID, cluster.Operator).CoreV1().Pods("loading").Get(t.Context(), "web", metav1.GetOptions{}); err != nil {
		t.Errorf("the lab begins without its pod: %v", err)
	}
}

// halted is a cluster whose scheduler is stopped before there is anything to schedule.
type halted struct{ *embedded.Provider }

func (h halted) LoadImages(ctx context.Context, name string, _ []string) error {
	return h.StopComponent(ctx, name, "kube-scheduler")
}

// TestAStartingStateThatIsNotReachedSaysWhy: "0 of 1 replicas" alone does not tell anybody what to fix.
func TestAStartingStateThatIsNotReachedSaysWhy(t *testing.T) {
	const workload = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: waiting\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: waiting\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers:\n        - name: web\n          image: registry.example/web:1\n"
	asItIs := func(own *embedded.Provider) cluster.Provider { return own }
	for _, tc := range []struct {
		name, setup string
		on          func(*embedded.Provider) cluster.Provider
		want, next  string
	}{
		{
			"unscheduled", workload + "          resources: {requests: {cpu: 1k}}\n", asItIs,
			`0 of 1 replicas are available; pod web-\S+ is not scheduled: 0/1 nodes are available: .*[Ii]nsufficient cpu`, "reset 92-unscheduled",
		},
		{
			"unready", workload + "          readinessProbe: {initialDelaySeconds: 600, httpGet: {port: 80}}\n", asItIs,
			`0 of 1 replicas are available; container web of pod web-\S+ is not ready`, "reset 92-unready",
		},
		{
			"forbidden", "apiVersion: v1\nkind: ResourceQuota\nmetadata:\n  name: none\n  namespace: waiting\nspec:\n  hard: {pods: \"0\"}\n---\n" + workload, asItIs,
			`0 of 1 replicas are available; it has no pods: .*exceeded quota: none`, "reset 92-forbidden",
		},
		{
			"halted", workload, func(own *embedded.Provider) cluster.Provider { return halted{own} },
			`as kube-scheduler does not run: wait for deployment web \(0 of 1 replicas are available; pod web-\S+ has not been looked at by the scheduler\)`,
			"start-component 92-halted --component kube-scheduler",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			lab := oneStep(t, "92-"+tc.name, tc.setup, "worker-1")
			e, _ := onOwn(t, lab, tc.on)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			_, err := e.Start(ctx, lab.ID, engine.StartOptions{}, nil)
			p, ok := errors.AsType[*problem.Problem](err)
			if !ok || !regexp.MustCompile(tc.want).MatchString(err.Error()) {
				t.Fatalf("error %v, want it to match %s", err, tc.want)
			}
			if p.Next.String() != tc.next {
				t.Errorf("next is %q, want %q", p.Next, tc.next)
			}
		})
	}
}
