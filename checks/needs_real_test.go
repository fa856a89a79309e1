package checks_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine/history"
)

// upgraded is a record of upgrades.
func upgraded(all ...history.Upgrade) func(context.Context) ([]history.Upgrade, error) {
	return func(context.Context) ([]history.Upgrade, error) { return all, nil }
}

// telling returns an Env that notes what it is asked for.
func telling(env checks.Env, asked map[checks.Need]bool) checks.Env {
	all := env
	env.History = reader(func(ctx context.Context, q history.Query) ([]history.Request, error) {
		asked[checks.AuditLog] = true
		return all.History.Requests(ctx, q)
	})
	env.Record = watcher(func(ctx context.Context, since time.Time) (*history.Timeline, error) {
		asked[checks.History] = true
		if all.Record == nil {
			return nil, history.ErrNotRecorded
		}
		return all.Record.Timeline(ctx, since)
	})
	env.Upgrades = func(ctx context.Context) ([]history.Upgrade, error) {
		asked[checks.Upgrades] = true
		if all.Upgrades == nil {
			return nil, history.ErrNotRecorded
		}
		return all.Upgrades(ctx)
	}
	return env
}

type reader func(context.Context, history.Query) ([]history.Request, error)

func (r reader) Requests(ctx context.Context, q history.Query) ([]history.Request, error) {
	return r(ctx, q)
}

type watcher func(context.Context, time.Time) (*history.Timeline, error)

func (w watcher) Timeline(ctx context.Context, since time.Time) (*history.Timeline, error) {
	return w(ctx, since)
}

// without is the Env of a cluster that has everything but one.
func without(env checks.Env, need checks.Need) checks.Env {
	switch need {
	case checks.AuditLog:
		env.History = history.NotRecorded{}
	case checks.History:
		env.Record = nil
	case checks.Upgrades:
		env.Upgrades = nil
	}
	return env
}

// compareNeeds demands of a check that it can do without what it asked for and does not declare.
func (s *scene) compareNeeds(use string, bound checks.Bound, asked map[checks.Need]bool) {
	s.t.Helper()
	d, err := checks.Default().Lookup(use)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.asked[use] == nil {
		s.asked[use] = map[checks.Need]bool{}
	}
	maps.Copy(s.asked[use], asked)
	for need := range asked {
		if slices.Contains(d.Needs, need) {
			continue
		}
		if _, err := bound.Run(s.t.Context(), without(s.env, need)); errors.Is(err, history.ErrNotRecorded) {
			s.t.Errorf("%s does not declare that it needs %s, and cannot tell without it: %v", use, need, err)
		}
	}
}

// lostNode has the log say what became of a pod on a node that has no machine, and never had one.
func lostNode(t *testing.T, w *world) {
	const it, name = "{namespace: NS, name: web, node: ghost-lost, within: 60}", "ghost-lost"
	s := w.begin(t, "lost", web("web", 2, "worker-3"))
	s.ghost(name, "v1.37.0", "")
	s.kubectl("patch", "node", name, "--subresource=status", "--patch", `{"status":{"conditions":[{"type":"Ready","status":"Unknown"}]}}`)
	heartbeat := metav1.NowMicro()
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: coordinationv1.LeaseSpec{RenewTime: &heartbeat}}
	leases := s.operator.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	if _, err := leases.Create(t.Context(), lease, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.fails("workload/survives-node-loss", it, "no pod that the present template of deployment/web made")
	pod := strings.TrimSpace(s.kubectl("get", "replicasets", "--output=jsonpath={.items[0].metadata.name}")) + "-abcde"
	s.env.History = requests{{
		Time: time.Now(), Verb: "delete", User: "system:kube-controller-manager", Resource: "pods", Namespace: "lost", Name: pod, Code: 200,
		Removed: &history.Removed{Node: name, Disruption: "DeletionByTaintManager"},
	}}
	s.passes("workload/survives-node-loss", it)
	s.kubectl("delete", "node", name)
	if err := leases.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		t.Error(err)
	}
}

// whatChecksNeed comes after all that play: each check was tried there, and has asked for what it declares.
func whatChecksNeed(t *testing.T, w *world) {
	for _, d := range checks.Default().Definitions() {
		asked, tried := w.asked[d.Name]
		if !tried {
			t.Errorf("%s was never tried, so nothing is known of what it needs", d.Name)
		}
		for _, need := range d.Needs {
			if tried && !asked[need] {
				t.Errorf("%s declares that it needs %s, and never asked for it", d.Name, need)
			}
		}
	}
}
