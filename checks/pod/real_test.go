package pod_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/k8slab/k8slab/checks/pod"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/internal/checkstest"
	"github.com/k8slab/k8slab/internal/testcluster"
)

func TestMain(m *testing.M) { testcluster.Main(m) }

// TestOnARealCluster plays what learners do, right and wrong, with the real kubectl on a real control plane.
func TestOnARealCluster(t *testing.T) {
	checkstest.Run(t, pod.Definitions(),
		checkstest.Story{Name: "a drain by eviction", Play: drainByEviction},
		checkstest.Story{Name: "a drain that deletes", Play: drainByDeletion},
		checkstest.Story{Name: "a pod that came later is deleted by hand", Play: laterPodDeleted},
		checkstest.Story{Name: "a pod that ends by itself or not", Play: endings},
		checkstest.Story{Name: "a bare pod with a name like a daemon's", Play: namesake},
		checkstest.Story{Name: "a pod that was killed without anybody asking", Play: killedInPassing},
	)
}

func drainByEviction(t *testing.T, w *checkstest.World) {
	s := w.Begin(t, "drain", checkstest.Web("web", 2, "worker-1"), checkstest.Agent, checkstest.Scratch("worker-1"))
	s.Passes("pod/evicted-not-deleted", "{namespace: NS, node: worker-1}")

	s.Kubectl("drain", "worker-1", "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--dry-run=server")
	s.Kubectl("cordon", "worker-1")
	s.Kubectl("drain", "worker-1", "--ignore-daemonsets", "--delete-emptydir-data", "--force")
	s.Kubectl("delete", "pod", "--selector=app=agent", "--field-selector=spec.nodeName=worker-1")
	s.Passes("pod/evicted-not-deleted", "{namespace: NS, node: worker-1, atLeast: 3}")
	s.Fails("pod/evicted-not-deleted", "{namespace: NS, node: worker-1, atLeast: 4}", "3 were evicted")
	if r := s.Judge("pod/evicted-not-deleted", "{namespace: NS, node: worker-1}"); !strings.Contains(r.Got.EN, "3 evicted, 0 removed") {
		t.Errorf("the check tells of %q, want 3 evictions", r.Got.EN)
	}

	requests := s.Requests(history.Query{Resource: "pods", Subresource: "eviction", Users: []string{"learner"}})
	dry := slices.DeleteFunc(slices.Clone(requests), func(r history.Request) bool { return !r.DryRun })
	if len(requests) != 6 || len(dry) != 3 || requests[0].Verb != "create" || requests[5].Code != 201 {
		t.Errorf("the audit log has %d evictions, %d of them dry: %+v", len(requests), len(dry), requests)
	}
	if graded := s.Requests(history.Query{Users: []string{"k8slab:grader"}}); len(graded) != 0 {
		t.Errorf("the grader is part of the story: %+v", graded)
	}
	s.Kubectl("uncordon", "worker-1")
}

func drainByDeletion(t *testing.T, w *checkstest.World) {
	s := w.Begin(t, "bypass", checkstest.Web("web", 2, "worker-2"), checkstest.Budget("web", "{minAvailable: 2, selector: {matchLabels: {app: web}}}"))
	pods := s.Kubectl("get", "pods", "--field-selector=spec.nodeName=worker-2", "--output=name")
	if strings.Count(pods, "pod/") != 2 {
		t.Fatalf("the pods are not where they should be: %s", pods)
	}
	s.Kubectl("delete", "--dry-run=server", "pods", "--all")
	s.Passes("pod/evicted-not-deleted", "{namespace: NS, node: worker-2}")
	s.Kubectl("drain", "worker-2", "--disable-eviction", "--ignore-daemonsets")
	s.Fails("pod/evicted-not-deleted", "{namespace: NS, node: worker-2}", "learner deleted pod bypass/web-", "audit log: learner delete pods/web-")
	s.Fails("pod/evicted-not-deleted", "node: worker-2", "learner deleted pod bypass/web-")
	s.Passes("pod/evicted-not-deleted", "{namespace: NS, node: worker-3}")
	s.Kubectl("uncordon", "worker-2")

	s.Env.AuditLog = history.NotRecorded{}
	if _, err := s.Try("pod/evicted-not-deleted", "{namespace: NS, node: worker-2}"); !errors.Is(err, history.ErrNotRecorded) {
		t.Errorf("without a history the error is %v, want %v", err, history.ErrNotRecorded)
	}
}

func laterPodDeleted(t *testing.T, w *checkstest.World) {
	s := w.Begin(t, "later", checkstest.Web("web", 2, "worker-3"))
	s.Kubectl("rollout", "restart", "deployment/web")
	s.Kubectl("rollout", "status", "deployment/web", "--timeout=60s")
	s.Settle()
	s.Passes("pod/evicted-not-deleted", "{namespace: NS, node: worker-3}")
	s.Fails("pod/evicted-not-deleted", "{namespace: NS, node: worker-3, atLeast: 1}", "0 were evicted", "controllers removed 2")
	if r := s.Judge("pod/evicted-not-deleted", "{namespace: NS, node: worker-3}"); !strings.Contains(r.Got.EN, "0 evicted, 2 removed by controllers") {
		t.Errorf("the check tells of %q, want 2 removals by controllers", r.Got.EN)
	}
	s.Kubectl("delete", "pods", "--selector=app=web", "--field-selector=spec.nodeName=worker-3", "--as=someone", "--as-group=system:masters")
	s.Fails("pod/evicted-not-deleted", "{namespace: NS, node: worker-3}", "learner (as someone) deleted pod later/web-")
	s.Kubectl("delete", "--raw", "/api/v1/namespaces/later/pods")
	s.Fails("pod/evicted-not-deleted", "{namespace: NS, node: worker-3}", "learner deleted all pods of namespace later")
}

func endings(t *testing.T, w *checkstest.World) {
	const evicted = "{namespace: NS, name: tidy, atLeast: 1}"
	s := w.Begin(t, "endings", checkstest.Web("tidy", 2, "worker-1"))
	pod := func() string {
		return strings.TrimSpace(s.Kubectl("get", "pods", "--output=jsonpath={.items[0].metadata.name}"))
	}
	s.Fails("pod/stopped-by-itself", evicted, "0 were evicted")
	s.Kubectl("rollout", "restart", "deployment/tidy")
	s.Kubectl("rollout", "status", "deployment/tidy", "--timeout=60s")
	s.Settle()
	s.Kubectl("drain", "worker-1", "--ignore-daemonsets", "--pod-selector=app=tidy")
	s.Kubectl("uncordon", "worker-1")
	s.Settle()
	s.Passes("pod/stopped-by-itself", evicted)
	gone := pod()
	s.Kubectl("delete", "pod", gone, "--grace-period=0", "--force")
	s.Fails("pod/stopped-by-itself", evicted, "pod "+gone+" was removed at once")
	s.Kubectl("patch", "deployment", "tidy", "--patch", `{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":2}}}}`)
	s.Kubectl("rollout", "status", "deployment/tidy", "--timeout=60s")
	s.Fails("pod/stopped-by-itself", evicted, "0 were evicted")
	s.Kubectl("delete", "deployment", "tidy")
	s.Fails("pod/stopped-by-itself", evicted, "deployment/tidy was deleted")
}

func namesake(t *testing.T, w *checkstest.World) {
	s := w.Begin(t, "namesake", checkstest.Agent)
	s.Apply(strings.Replace(checkstest.Scratch("worker-3"), "name: scratch}", "name: agent-debug}", 1))
	s.Settle()
	s.Kubectl("delete", "pod", "agent-debug", "--grace-period=0", "--force")
	s.Fails("pod/evicted-not-deleted", "{namespace: NS, node: worker-3}", "learner deleted pod namesake/agent-debug at ", "by force")
}

func killedInPassing(t *testing.T, w *checkstest.World) {
	const it = "{namespace: NS, name: doomed, atLeast: 1}"
	s := w.Begin(t, "killed", checkstest.Web("doomed", 2, "worker-3"))
	s.Kubectl("drain", "worker-3", "--ignore-daemonsets", "--pod-selector=app=doomed", "--timeout=60s")
	s.Kubectl("uncordon", "worker-3")
	s.Settle()
	s.Passes("pod/stopped-by-itself", it)
	name := strings.TrimSpace(s.Kubectl("get", "pods", "--output=jsonpath={.items[0].metadata.name}"))
	s.Kubectl("patch", "pod", name, "--subresource=status", "--patch",
		`{"status":{"containerStatuses":[{"name":"web","image":"registry.test/web:1","imageID":"","ready":true,"restartCount":1,"state":{"running":{}},"lastState":{"terminated":{"exitCode":137}}}]}}`)
	s.Fails("pod/stopped-by-itself", it, "pod "+name+" was killed", "record of the cluster: Pod killed/"+name)
}
