package checks_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/internal/testcluster"
)

func shortInBetween(t *testing.T, w *world) {
	const two, asked = "{kind: Deployment, namespace: NS, name: web, atLeast: 2}", "{kind: Deployment, namespace: NS, name: web, budget: web}"
	s := w.begin(t, "throughout", web("web", 3, "worker-1"), budget("web", "{minAvailable: 2, selector: {matchLabels: {app: web}}}"))
	s.kubectl("rollout", "restart", "deployment/web")
	s.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
	s.settle()
	s.passes("workload/available-throughout", two)
	s.passes("workload/available-throughout", asked)
	s.patchBudget("web", `{"minAvailable":1}`) // what it asks for now is of no account
	s.kubectl("delete", "pods", "--selector=app=web", "--wait=true")
	s.settle()
	s.passes("workload/available", "{kind: Deployment, namespace: NS, name: web}")
	s.fails("workload/available-throughout", two, "of the 3 pods that deployment/web wants were available", "record of the cluster: Deployment throughout/web modified")
	s.fails("workload/available-throughout", asked, "were available")
	if _, err := s.try("workload/available-throughout", "{kind: Deployment, namespace: NS, name: web, budget: none}"); err == nil || errors.Is(err, history.ErrNotRecorded) {
		t.Errorf("a budget that was never there: %v, want an error that is no gap", err)
	}
	if _, err := s.try("workload/available-throughout", "{kind: Deployment, namespace: NS, name: none, atLeast: 1}"); !errors.Is(err, history.ErrNotRecorded) {
		t.Errorf("a workload that was never there: %v", err)
	}
	s.env.Record = history.NotRecorded{}
	if _, err := s.try("workload/available-throughout", two); !errors.Is(err, history.ErrNotRecorded) {
		t.Errorf("without a record the error is %v, want %v", err, history.ErrNotRecorded)
	}
}

// upgrade brings the kubelet of a node to the release of the API server, and returns its version once the node is ready for pods again.
func (s *scene) upgrade(node string) string {
	s.t.Helper()
	done, err := s.provider.UpgradeNode(s.t.Context(), worldName, node, cluster.UpgradeOrder{Release: "1.37"})
	if err != nil {
		s.t.Fatal(err)
	}
	testcluster.Eventually(s.t, func() error {
		object, err := s.operator.CoreV1().Nodes().Get(s.t.Context(), node, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, c := range object.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status != corev1.ConditionTrue {
				return fmt.Errorf("node %s is not Ready: %s", node, c.Message)
			}
		}
		for _, taint := range object.Spec.Taints {
			if taint.Key == corev1.TaintNodeNotReady {
				return fmt.Errorf("node %s is still tainted %s", node, taint.Key)
			}
		}
		return nil
	})
	return done.To
}

func upgradedNodes(t *testing.T, w *world) {
	const both, one = "nodes: [worker-1, worker-2]", "atMost: 1"
	s := w.begin(t, "upgrade", web("web", 2, "worker-2"), agent)
	s.fails("node/upgraded-empty", both, "still at the version of the start: worker-1, worker-2")
	s.passes("node/one-at-a-time", one)
	s.kubectl("drain", "worker-1", "--ignore-daemonsets", "--force", "--delete-emptydir-data", "--timeout=60s")
	s.upgrade("worker-1")
	s.fails("node/upgraded-empty", both, "still at the version of the start: worker-2")
	s.passes("node/upgraded-empty", "nodes: [worker-1]")
	s.kubectl("cordon", "worker-2")
	s.kubectl("uncordon", "worker-1", "worker-2")
	s.fails("node/one-at-a-time", one, "it was 2: worker-1, worker-2")
	s.passes("node/one-at-a-time", "atMost: 2")
	s.passes("node/one-at-a-time", "{nodes: [worker-2, worker-3], atMost: 1}")
	version := s.upgrade("worker-2")
	s.kubectl("drain", "worker-2", "--ignore-daemonsets", "--force", "--delete-emptydir-data", "--timeout=60s")
	s.kubectl("uncordon", "worker-2")
	s.fails("node/upgraded-empty", both, "when node worker-2 became "+version+" at ", "upgrade/web-")
	if r := s.judge("node/upgraded-empty", "nodes: [worker-2]"); strings.Contains(r.Got.EN, "agent") {
		t.Errorf("the pod of a DaemonSet counts: %s", r.Got.EN)
	}
	if _, err := s.try("node/upgraded-empty", "nodes: [worker-9]"); err == nil {
		t.Error("a node that was never there is judged; want an error")
	}
}

func namesake(t *testing.T, w *world) {
	s := w.begin(t, "namesake", agent)
	s.apply(strings.Replace(scratch("worker-3"), "name: scratch}", "name: agent-debug}", 1))
	s.settle()
	s.kubectl("delete", "pod", "agent-debug", "--grace-period=0", "--force")
	s.fails("pod/evicted-not-deleted", "{namespace: NS, node: worker-3}", "learner deleted pod namesake/agent-debug at ", "by force")
}

func killedInPassing(t *testing.T, w *world) {
	const it = "{namespace: NS, name: doomed, atLeast: 1}"
	s := w.begin(t, "killed", web("doomed", 2, "worker-3"))
	s.kubectl("drain", "worker-3", "--ignore-daemonsets", "--pod-selector=app=doomed", "--timeout=60s")
	s.kubectl("uncordon", "worker-3")
	s.settle()
	s.passes("pod/stopped-by-itself", it)
	name := strings.TrimSpace(s.kubectl("get", "pods", "--output=jsonpath={.items[0].metadata.name}"))
	s.kubectl("patch", "pod", name, "--subresource=status", "--patch",
		`{"status":{"containerStatuses":[{"name":"web","image":"registry.test/web:1","imageID":"","ready":true,"restartCount":1,"state":{"running":{}},"lastState":{"terminated":{"exitCode":137}}}]}}`)
	s.fails("pod/stopped-by-itself", it, "pod "+name+" was killed", "record of the cluster: Pod killed/"+name)
}
