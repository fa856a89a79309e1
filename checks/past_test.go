package checks_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/internal/testcluster"
)

const (
	neverBelowOne = "workloads: [{kind: Deployment, namespace: NS, name: web, replicas: 1}]"
	neverBelowTwo = "workloads: [{kind: Deployment, namespace: NS, name: web, replicas: 2}]"
	floorOfTwo    = "{namespace: NS, name: web, kind: Deployment, workload: web, healthy: 2}"
)

func agentAway(t *testing.T, w *world) {
	const it = "{namespace: NS, name: agent, nodes: [worker-1, worker-4]}"
	s := w.begin(t, "agent", agent)
	s.kubectl("cordon", "worker-4")
	s.passes("daemonset/covers-nodes", it)
	s.kubectl("delete", "pods", "--selector=app=agent")
	s.passes("daemonset/covers-nodes", it) // what is about to come is waited for
	s.kubectl("patch", "daemonset", "agent", "--patch",
		`{"spec":{"template":{"spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"kubernetes.io/hostname","operator":"NotIn","values":["worker-4"]}]}]}}}}}}}`)
	s.kubectl("rollout", "status", "daemonset/agent", "--timeout=60s")
	s.fails("daemonset/covers-nodes", it, "no ready pod on worker-4")
	s.passes("daemonset/covers-nodes", "{namespace: NS, name: agent, nodes: [worker-1]}")
	s.fails("daemonset/covers-nodes", "{namespace: NS, name: nowhere, nodes: [worker-1]}", "no daemonset/nowhere")
	s.kubectl("uncordon", "worker-4")
}

// awayInBetween ends each time in the state in which it began.
func awayInBetween(t *testing.T, w *world) {
	s := w.begin(t, "away", web("web", 2, "worker-1"))
	s.passes("workload/never-below", neverBelowTwo)
	replicaSet := strings.TrimSpace(s.kubectl("get", "replicasets", "--output=jsonpath={.items[0].metadata.name}"))
	restore := func() {
		t.Helper()
		s.kubectl("scale", "deployment/web", "--replicas=2")
		s.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
		s.settle()
		s.env.Baseline, s.env.Since = s.takeBaseline(), time.Now()
	}
	for said, cut := range map[string][]string{
		"learner asked for 0 replicas of deployment/web at": {"scale", "deployment/web", "--replicas=0"},
		"learner asked for 1 replicas of deployment/web":    {"patch", "deployment/web", "--type=json", `--patch=[{"op":"replace","path":"/spec/replicas","value":1}]`},
		"by kubectl/": {"patch", "deployment/web", "--type=merge", `--patch={"spec":{"replicas":1}}`},
		"learner (as someone) asked for 1 replicas":              {"patch", "deployment/web", `--patch={"spec":{"replicas":1}}`, "--as=someone", "--as-group=system:masters"},
		"learner scaled replicaset/" + replicaSet + " at":        {"scale", "replicaset/" + replicaSet, "--replicas=0"},
		"learner deleted replicaset/" + replicaSet + " at":       {"delete", "replicaset", replicaSet},
		"audit log: learner patch deployments/web/scale in name": {"scale", "deployment/web", "--replicas=1"},
	} {
		s.kubectl(cut...)
		s.kubectl("scale", "deployment/web", "--replicas=2")
		s.fails("workload/never-below", neverBelowTwo, said)
		restore()
		s.passes("workload/never-below", neverBelowTwo)
	}
	s.kubectl("scale", "deployment/web", "--replicas=4")
	s.kubectl("scale", "deployment/web", "--replicas=2")
	s.kubectl("scale", "deployment/web", "--replicas=0", "--dry-run=server")
	s.kubectl("rollout", "restart", "deployment/web")
	s.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
	s.settle()
	s.kubectl("delete", "replicaset", replicaSet) // it has no pods any more
	s.passes("workload/never-below", neverBelowTwo)
	s.kubectl("delete", "replicasets", "--all", "--cascade=orphan")
	s.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
	s.passes("workload/never-below", neverBelowTwo)
	s.kubectl("scale", "deployment/web", "--replicas=1")
	s.passes("workload/never-below", neverBelowOne)
	s.kubectl("delete", "deployment", "web")
	s.fails("workload/never-below", neverBelowOne, "learner deleted deployment/web with its pods")

	s.env.History = history.NotRecorded{}
	if _, err := s.try("workload/never-below", neverBelowOne); !errors.Is(err, history.ErrNotRecorded) {
		t.Errorf("without a history the error is %v, want %v", err, history.ErrNotRecorded)
	}
	s.env.History = withoutAnswers{s.log}
	if _, err := s.try("workload/never-below", neverBelowOne); err == nil || !strings.Contains(err.Error(), "does not say how many replicas") {
		t.Errorf("the error for a log without answers is %v", err)
	}
}

// withoutAnswers is a log that was written under another policy.
type withoutAnswers struct{ history.Reader }

func (w withoutAnswers) Requests(ctx context.Context, q history.Query) ([]history.Request, error) {
	requests, err := w.Reader.Requests(ctx, q)
	for i := range requests {
		requests[i].Left = nil
	}
	return requests, err
}

func weakerInBetween(t *testing.T, w *world) {
	s := w.begin(t, "weaker", web("web", 3, "worker-1"), budget("web", "{minAvailable: 2, selector: {matchLabels: {app: web}}}"))
	again := func() {
		t.Helper()
		s.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
		s.settle()
		s.env.Baseline, s.env.Since = s.takeBaseline(), time.Now()
	}
	const strong = `{"minAvailable":2,"maxUnavailable":null,"selector":{"matchLabels":{"app":"web"}}}`
	s.patchBudget("web", `{"minAvailable":1}`)
	s.patchBudget("web", strong)
	s.evictOne()
	s.passes("pdb/floor-at-disruptions", floorOfTwo)
	again()
	s.patchBudget("web", `{"minAvailable":null,"maxUnavailable":1}`)
	s.evictOne()
	s.passes("pdb/floor-at-disruptions", floorOfTwo)
	again()
	for said, weak := range map[string]string{
		"poddisruptionbudget/web kept 1 of 3 healthy":    `{"minAvailable":1,"maxUnavailable":null}`,
		"poddisruptionbudget/web kept 0 of 3":            `{"minAvailable":null,"maxUnavailable":"100%"}`,
		"poddisruptionbudget/web did not guard that pod": `{"minAvailable":2,"maxUnavailable":null,"selector":{"matchLabels":{"app":"wbe"}}}`,
		"audit log: learner create pods/web-":            `{"minAvailable":0,"maxUnavailable":null}`,
		"learner evicted pod web-":                       `{"minAvailable":null,"maxUnavailable":2}`,
	} {
		s.patchBudget("web", weak)
		s.evictOne()
		s.patchBudget("web", strong)
		s.fails("pdb/floor-at-disruptions", floorOfTwo, said)
		again()
	}
	s.kubectl("delete", "pdb", "web")
	s.evictOne()
	s.apply(budget("web", "{minAvailable: 2, selector: {matchLabels: {app: web}}}"))
	s.fails("pdb/floor-at-disruptions", floorOfTwo, "poddisruptionbudget/web had been deleted")
	again()
	s.kubectl("scale", "deployment/web", "--replicas=2")
	again()
	s.kubectl("delete", "pod", s.anyPod())
	s.fails("pdb/floor-at-disruptions", floorOfTwo, "learner deleted pod web-", "deployment/web had 2 pods, none to spare")
	again()
	s.kubectl("annotate", "pod", s.anyPod(), "looked-at=yes")
	s.passes("pdb/floor-at-disruptions", floorOfTwo)
	s.kubectl("label", "pod", s.anyPod(), "app=retired", "--overwrite")
	s.fails("pdb/floor-at-disruptions", floorOfTwo, "learner changed the labels of pod web-", "none to spare")
	again()
	s.patchBudget("web", strong)
	s.env.History = withoutAnswers{s.log}
	if _, err := s.try("pdb/floor-at-disruptions", floorOfTwo); err == nil || !strings.Contains(err.Error(), "does not say what the patch of poddisruptionbudget/web") {
		t.Errorf("the error for a log without answers is %v", err)
	}
}

func (s *scene) anyPod() string {
	s.t.Helper()
	return strings.TrimSpace(s.kubectl("get", "pods", "--selector=app=web", "--output=jsonpath={.items[0].metadata.name}"))
}

// evictOne asks until the budget's controller has caught up and the eviction is admitted.
func (s *scene) evictOne() {
	s.t.Helper()
	pod := s.anyPod()
	eviction := `{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "` + pod + `"}}`
	testcluster.Eventually(s.t, func() error {
		cmd := exec.CommandContext(s.t.Context(), s.kubectlPath, "create", "--raw", "/api/v1/namespaces/"+s.namespace+"/pods/"+pod+"/eviction", "--filename=-")
		cmd.Env = append(os.Environ(), "KUBECONFIG="+s.kubeconfig)
		cmd.Stdin = strings.NewReader(eviction)
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, said)
		}
		return nil
	})
}
