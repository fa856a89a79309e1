package clustertest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/history"
)

// minor returns the minor release that comes so many after the suite's.
func (s *suite) minor(t *testing.T, plus int) string {
	t.Helper()
	major, minor, _ := strings.Cut(s.spec.Release, ".")
	n, err := strconv.Atoi(minor)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s.%d", major, n+plus)
}

func (s *suite) refusedUpgrades(t *testing.T) {
	upgrader, ok := cluster.As[cluster.Upgrader](s.provider)
	if !ok {
		return // without upgrades there is nothing to refuse
	}
	for _, release := range []string{s.minor(t, -1), s.minor(t, 0), s.minor(t, 2), "latest"} {
		if _, err := upgrader.Upgrade(t.Context(), s.spec.Name, cluster.UpgradeOrder{Release: release}, nil); err == nil {
			t.Errorf("from %s to %s: no error", s.spec.Release, release)
		}
	}
	s.awaitAvailable(t, s.client(t, s.spec.Name, cluster.Learner))
}

func (s *suite) refusedNodeUpgrade(t *testing.T) {
	upgrader, ok := cluster.As[cluster.NodeUpgrader](s.provider)
	if !ok {
		return // without upgrades there is nothing to refuse
	}
	node := s.spec.Nodes[0].Name
	before := s.kubelet(t, node)
	if _, err := upgrader.UpgradeNode(t.Context(), s.spec.Name, node, cluster.UpgradeOrder{Release: s.minor(t, 1)}); err == nil {
		t.Error("a kubelet may become newer than the API server")
	}
	if after := s.kubelet(t, node); after != before {
		t.Errorf("a refused upgrade changed the kubelet from %s to %s", before, after)
	}
}

func (s *suite) kubelet(t *testing.T, node string) string {
	t.Helper()
	object, err := s.client(t, s.spec.Name, cluster.Operator).CoreV1().Nodes().Get(t.Context(), node, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return object.Status.NodeInfo.KubeletVersion
}

func (s *suite) upgraded(t *testing.T) {
	upgrader, ok := cluster.As[cluster.Upgrader](s.provider)
	if !ok {
		return // the control plane keeps its release
	}
	releases, ok := cluster.As[cluster.Releases](s.provider)
	if !ok {
		t.Fatal("a provider that upgrades says to what")
	}
	known, err := releases.Releases(t.Context())
	if err != nil || !slices.Contains(known, s.spec.Release) {
		t.Fatalf("releases %v, %v", known, err)
	}
	next := s.minor(t, 1)
	if !slices.Contains(known, next) {
		return // the suite's release is the newest one; see the provider's own tests
	}
	before := s.clusterID(t, s.spec.Name)
	done, err := upgrader.Upgrade(t.Context(), s.spec.Name, cluster.UpgradeOrder{Release: next}, nil)
	if err != nil || done.Outcome != history.Upgraded {
		t.Fatalf("%+v, %v", done, err)
	}
	if after := s.clusterID(t, s.spec.Name); after != before {
		t.Errorf("another cluster is there: %s, then %s", before, after)
	}
	version, err := s.client(t, s.spec.Name, cluster.Operator).Discovery().ServerVersion()
	if err != nil || version.GitVersion != done.To {
		t.Errorf("the server is %v, %v, want %s", version, err, done.To)
	}
	s.awaitAvailable(t, s.client(t, s.spec.Name, cluster.Learner))
	if _, err := s.provider.Ensure(t.Context(), s.spec, nil); err != nil {
		t.Errorf("Ensure does not know its cluster any more: %v", err)
	}
	if log, ok := cluster.As[cluster.UpgradeLog](s.provider); ok {
		all, err := log.Upgrades(t.Context(), s.spec.Name)
		if err != nil || len(all) != 1 || all[0].To != done.To {
			t.Errorf("on record: %+v, %v", all, err)
		}
	}
	s.nodeUpgraded(t, next)
}

// nodeUpgraded upgrades the first node, after the control plane.
func (s *suite) nodeUpgraded(t *testing.T, next string) {
	upgrader, ok := cluster.As[cluster.NodeUpgrader](s.provider)
	if !ok {
		return // nodes keep their release
	}
	node := s.spec.Nodes[0].Name
	done, err := upgrader.UpgradeNode(t.Context(), s.spec.Name, node, cluster.UpgradeOrder{Release: next})
	if err != nil || done.Outcome != history.Upgraded || done.Node != node {
		t.Fatalf("%+v, %v", done, err)
	}
	if got := s.kubelet(t, node); got != done.To {
		t.Errorf("%s has kubelet %s, want %s", node, got, done.To)
	}
	s.awaitAvailable(t, s.client(t, s.spec.Name, cluster.Learner))
	again, err := upgrader.UpgradeNode(t.Context(), s.spec.Name, node, cluster.UpgradeOrder{Release: next})
	if err != nil || again.From != again.To {
		t.Errorf("once more: %+v, %v", again, err)
	}
}
