package node_test

import (
	"strings"
	"testing"

	"github.com/k8slab/k8slab/checks/node"
	"github.com/k8slab/k8slab/internal/checkstest"
	"github.com/k8slab/k8slab/internal/testcluster"
)

func TestMain(m *testing.M) { testcluster.Main(m) }

// TestOnARealCluster plays what learners do, right and wrong, with the real kubectl on a real control plane.
func TestOnARealCluster(t *testing.T) {
	checkstest.Run(t, node.Definitions(),
		checkstest.Story{Name: "a drain by eviction", Play: drainByEviction},
		checkstest.Story{Name: "a drain that deletes", Play: drainByDeletion},
	)
}

func drainByEviction(t *testing.T, w *checkstest.World) {
	s := w.Begin(t, "drain", checkstest.Web("web", 2, "worker-1"), checkstest.Agent, checkstest.Scratch("worker-1"))
	s.Fails("node/cordoned", "node: worker-1", "schedulable")
	s.Fails("node/cordoned", "node: worker-9", "no node worker-9")
	s.Fails("node/drained", "node: worker-1", "3 left", "a bare pod", "emptyDir", "ReplicaSet/web-", "→ Deployment/web")
	s.Fails("node/drained", "node: worker-9", "no node worker-9")
	s.Passes("node/exists", "nodes: [worker-1, worker-2]")
	s.Fails("node/exists", "nodes: [worker-1, worker-9]", "no node worker-9")

	s.Kubectl("drain", "worker-1", "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--dry-run=server")
	s.Fails("node/drained", "node: worker-1", "3 left")
	s.Kubectl("cordon", "worker-1")
	s.Passes("node/cordoned", "node: worker-1")
	s.Fails("node/schedulable", "nodes: [worker-1, worker-2]", "cordoned: worker-1")
	s.Fails("node/drained", "node: worker-1", "3 left")
	s.Kubectl("drain", "worker-1", "--ignore-daemonsets", "--delete-emptydir-data", "--force")
	s.Passes("node/drained", "node: worker-1")
	s.Kubectl("uncordon", "worker-1")
	s.Passes("node/schedulable", "nodes: [worker-1, worker-2]")
}

func drainByDeletion(t *testing.T, w *checkstest.World) {
	s := w.Begin(t, "bypass", checkstest.Web("web", 2, "worker-2"), checkstest.Budget("web", "{minAvailable: 2, selector: {matchLabels: {app: web}}}"))
	pods := s.Kubectl("get", "pods", "--field-selector=spec.nodeName=worker-2", "--output=name")
	if strings.Count(pods, "pod/") != 2 {
		t.Fatalf("the pods are not where they should be: %s", pods)
	}
	s.Kubectl("drain", "worker-2", "--disable-eviction", "--ignore-daemonsets")
	s.Passes("node/drained", "node: worker-2")
	s.Kubectl("uncordon", "worker-2")
}
