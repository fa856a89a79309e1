package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/internal/testcluster"
)

// recorded is a cluster with a Deployment that nobody touches and one that runs.
type recorded struct {
	t      *testing.T
	p      *embedded.Provider
	c      *cluster.Cluster
	client kubernetes.Interface
}

var (
	idle = history.Ref{Kind: "Deployment", Namespace: "default", Name: "idle"}
	web  = history.Ref{Kind: "Deployment", Namespace: "default", Name: "web"}
)

func newRecorded(t *testing.T, name string) *recorded {
	t.Helper()
	p, c := started(t, recordedSpec(name))
	cfg, err := p.Config(t.Context(), name, cluster.Learner)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorded{t, p, c, kubernetes.NewForConfigOrDie(cfg)}
	r.create("idle", 0)
	r.create("web", 2)
	r.awaitAvailable(2)
	return r
}

// recordedSpec names a resource of its own, and one that is not there yet.
func recordedSpec(name string) cluster.Spec {
	s := spec(name)
	s.History = []string{"horizontalpodautoscalers.v2.autoscaling", "things.v1.example.com"}
	return s
}

func (r *recorded) create(name string, replicas int32) {
	r.t.Helper()
	labels := map[string]string{"app": name}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: appsv1.DeploymentSpec{
		Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: new(int64(1)), Containers: []corev1.Container{{Name: "main", Image: "registry.test/main:1"}},
		}},
	}}
	if _, err := r.client.AppsV1().Deployments("default").Create(r.t.Context(), d, metav1.CreateOptions{}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *recorded) awaitAvailable(n int32) {
	r.t.Helper()
	testcluster.Eventually(r.t, func() error {
		d, err := r.client.AppsV1().Deployments("default").Get(r.t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if d.Status.AvailableReplicas != n || d.Status.ObservedGeneration != d.Generation {
			return errors.New("web is not available")
		}
		return nil
	})
}

func (r *recorded) scale(n int32) {
	r.t.Helper()
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, n)
	if _, err := r.client.AppsV1().Deployments("default").Patch(r.t.Context(), "web", "application/merge-patch+json", patch, metav1.PatchOptions{}); err != nil {
		r.t.Fatal(err)
	}
	r.awaitAvailable(n)
}

// since returns the timeline up to now.
func (r *recorded) since(at time.Time) *history.Timeline {
	r.t.Helper()
	timeline, err := history.OpenRecording(func(ctx context.Context) (string, error) {
		if err := r.p.CatchUp(ctx, r.c.Name); err != nil {
			return "", err
		}
		return r.p.Recording(ctx, r.c.Name)
	}).Timeline(r.t.Context(), at)
	if err != nil {
		r.t.Fatal(err)
	}
	return timeline
}

// now returns a moment before which everything is in the record.
func (r *recorded) now() time.Time {
	r.t.Helper()
	if err := r.p.CatchUp(r.t.Context(), r.c.Name); err != nil {
		r.t.Fatal(err)
	}
	return time.Now()
}

func (r *recorded) supervisor() int {
	return testcluster.Parent(r.t, component(r.t, r.p, r.c.Name, "etcd").pid)
}

func (r *recorded) ensure() {
	r.t.Helper()
	if _, err := r.p.Ensure(r.t.Context(), recordedSpec(r.c.Name), nil); err != nil {
		r.t.Fatal(err)
	}
}

func TestWhatAClusterGoesThroughIsRecorded(t *testing.T) {
	r := newRecorded(t, "history")
	t.Run("a lack of pods that is over", func(t *testing.T) {
		r.t = t
		began := r.now()
		r.scale(1)
		r.scale(2)
		short, err := r.since(began).Below(web, 2)
		if err != nil || short == nil || short.Workload.Available != 1 {
			t.Errorf("the record says %v (%v), want a moment with 1 available pod", short, err)
		}
		if short, err := r.since(r.now()).Below(web, 2); err != nil || short != nil {
			t.Errorf("of the time afterwards the record says %v (%v)", short, err)
		}
	})
	t.Run("a resource that the lab names", func(t *testing.T) { r.t = t; ownResource(r) })
	t.Run("a supervisor that is paused", func(t *testing.T) { r.t = t; paused(r) })
	t.Run("an API server that is away", func(t *testing.T) { r.t = t; serverAway(r) })
	t.Run("a cluster that is stopped", func(t *testing.T) {
		r.t = t
		restarted(r, func() {
			if err := r.p.Stop(t.Context(), r.c.Name); err != nil {
				t.Fatal(err)
			}
		})
	})
	t.Run("a supervisor that is killed", func(t *testing.T) {
		r.t = t
		restarted(r, func() {
			if err := syscall.Kill(r.supervisor(), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			testcluster.Eventually(t, func() error {
				if found, err := r.p.Find(t.Context(), r.c.Name); err != nil || found.State != cluster.Degraded {
					return errors.New("the supervisor lives")
				}
				return nil
			})
		})
	})
	t.Run("a cluster that an earlier k8slab made, without an identity for the recorder", func(t *testing.T) {
		r.t = t
		restarted(r, func() {
			if err := r.p.Stop(t.Context(), r.c.Name); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"client-historian.crt", "client-historian.key"} {
				if err := os.Remove(filepath.Join(filepath.Dir(r.c.Kubeconfig), "pki", name)); err != nil {
					t.Fatal(err)
				}
			}
		})
	})
	t.Run("the recorder is no part of the story", func(t *testing.T) {
		paths, err := r.p.AuditLog(t.Context(), r.c.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if raw, err := os.ReadFile(path); err == nil && bytes.Contains(raw, []byte(cluster.Historian)) {
				t.Errorf("%s tells of the recorder's requests", filepath.Base(path))
			}
		}
	})
}

// ownResource is recorded by its metadata.
func ownResource(r *recorded) {
	began := r.now()
	autoscalers := r.client.AutoscalingV2().HorizontalPodAutoscalers("default")
	it := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: "idle"}, Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "idle"}, MaxReplicas: 3,
	}}
	it, err := autoscalers.Create(r.t.Context(), it, metav1.CreateOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	patch := []byte(`{"metadata":{"labels":{"seen":"yes"}}}`)
	if _, err := autoscalers.Patch(r.t.Context(), it.Name, "application/merge-patch+json", patch, metav1.PatchOptions{}); err != nil {
		r.t.Fatal(err)
	}
	if err := autoscalers.Delete(r.t.Context(), it.Name, metav1.DeleteOptions{}); err != nil {
		r.t.Fatal(err)
	}
	_, since := r.since(began).Of(history.Ref{Kind: "horizontalpodautoscalers.autoscaling", Namespace: "default", Name: "idle"})
	if len(since) < 3 || since[0].Event != history.Added || since[1].Labels["seen"] != "yes" || since[len(since)-1].Event != history.Deleted {
		r.t.Errorf("the record says %+v, want its making, a label and its end", since)
	}
}

// paused stops the supervisor while the cluster goes on: what happens is recorded, late, and the record says so.
func paused(r *recorded) {
	began := r.now()
	pid := r.supervisor()
	testcluster.Pause(r.t, pid)
	patch := []byte(`{"spec":{"unschedulable":true}}`)
	if _, err := r.client.CoreV1().Nodes().Patch(r.t.Context(), "worker-1", "application/merge-patch+json", patch, metav1.PatchOptions{}); err != nil {
		r.t.Fatal(err)
	}
	inside := time.Now()
	select {
	case <-time.After(4 * time.Second): // there is no condition that says so: what is tested is that time has passed
	case <-r.t.Context().Done():
	}
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		r.t.Fatal(err)
	}
	timeline := r.since(began)
	if !slices.ContainsFunc(timeline.Gaps, func(g history.Gap) bool {
		return g.Late && g.Kind == "" && g.From.Before(inside) && g.To.After(inside)
	}) {
		r.t.Errorf("the gaps are %v, want one that holds %v", timeline.Gaps, inside)
	}
	most, err := timeline.MostAtOnce("Node", func(n *history.Record) bool { return n.Node.Unschedulable })
	if err != nil || len(most.Objects) != 1 {
		r.t.Errorf("%d nodes were cordoned (%v), want 1", len(most.Objects), err)
	}
	_, held, err := timeline.HeldSince(history.Ref{Kind: "Node", Name: "worker-1"}, func(n *history.Record) bool { return n.Node.Unschedulable })
	if !held || !errors.Is(err, history.ErrNotRecorded) {
		r.t.Errorf("since when it is cordoned is known (%v); want it to be unknown within the pause", err)
	}
}

// serverAway takes the API server away for a moment: what nobody touched is known to be the same.
func serverAway(r *recorded) {
	began := r.now()
	if err := r.p.StopComponent(r.t.Context(), r.c.Name, "kube-apiserver"); err != nil {
		r.t.Fatal(err)
	}
	if err := r.p.CatchUp(r.t.Context(), r.c.Name); err == nil {
		r.t.Error("without an API server the record is said to be up to date")
	}
	if err := r.p.StartComponent(r.t.Context(), r.c.Name, "kube-apiserver"); err != nil {
		r.t.Fatal(err)
	}
	r.ensure()
	r.judgeGap(began)
}

// restarted ends the whole cluster and starts it again.
func restarted(r *recorded, end func()) {
	began := r.now()
	end()
	r.ensure()
	r.judgeGap(began)
}

func (r *recorded) judgeGap(began time.Time) {
	r.t.Helper()
	var timeline *history.Timeline
	testcluster.Eventually(r.t, func() error { // the recorder has yet to start
		if err := r.p.CatchUp(r.t.Context(), r.c.Name); err != nil {
			return err
		}
		timeline = r.since(began)
		return nil
	})
	if !slices.ContainsFunc(timeline.Gaps, func(g history.Gap) bool {
		return g.Kind == "Pod" && g.From.After(began.Add(-2*time.Second)) && !g.To.IsZero()
	}) {
		r.t.Errorf("the gaps are %v, want one of pods that began after %v", timeline.Gaps, began)
	}
	if short, err := timeline.Below(idle, 0); short != nil || err != nil {
		r.t.Errorf("of a Deployment that did not change the record says %v (%v), want certainty", short, err)
	}
	if _, err := timeline.FirstTime("Pod", began, func([]history.Record) bool { return false }); !errors.Is(err, history.ErrNotRecorded) {
		r.t.Errorf("that no pod came and went is claimed across a gap (%v)", err)
	}
}
