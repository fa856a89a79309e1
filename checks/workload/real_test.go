package workload_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/checks/workload"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/internal/checkstest"
	"github.com/k8slab/k8slab/internal/testcluster"
)

func TestMain(m *testing.M) { testcluster.Main(m) }

// TestOnARealCluster plays what learners do, right and wrong, with the real kubectl on a real control plane.
func TestOnARealCluster(t *testing.T) {
	checkstest.Run(t, workload.Definitions(),
		checkstest.Story{Name: "a rollout that cannot finish", Play: stuckRollout},
		checkstest.Story{Name: "replicas that are lowered", Play: loweredReplicas},
		checkstest.Story{Name: "an agent that avoids a node", Play: agentAway},
		checkstest.Story{Name: "a workload that was away in between", Play: awayInBetween},
		checkstest.Story{Name: "pod templates and how pods end", Play: templatesAndDeletions},
		checkstest.Story{Name: "pods in zones", Play: spreadOrNot},
		checkstest.Story{Name: "a workload that was short of pods", Play: shortInBetween},
		checkstest.Story{Name: "a node that was lost", Play: lostNode},
	)
}

func stuckRollout(t *testing.T, w *checkstest.World) {
	s := w.Begin(t, "stuck", checkstest.Web("web", 2, "worker-4"))
	s.Passes("workload/available", "{kind: Deployment, namespace: NS, name: web}")
	s.Fails("workload/available", "{kind: Deployment, namespace: NS, name: nowhere}", "no deployment/nowhere")
	s.Kubectl("patch", "deployment", "web", "--type=merge", "--patch",
		`{"spec":{"progressDeadlineSeconds":1,"minReadySeconds":0,"template":{"spec":{"nodeSelector":{"kubernetes.io/hostname":"worker-none"}}}}}`)
	s.Fails("workload/available", "{kind: Deployment, namespace: NS, name: web}", "2 wanted; 1 up to date, 2 ready", "Unschedulable")
	s.Kubectl("rollout", "undo", "deployment/web")
	s.Passes("workload/available", "{kind: Deployment, namespace: NS, name: web}")
	s.Kubectl("cordon", "worker-1", "worker-2", "worker-3", "worker-4")
	s.Kubectl("scale", "deployment/web", "--replicas=3")
	s.Fails("workload/available", "{kind: Deployment, namespace: NS, name: web}", "3 wanted", "Unschedulable")
	s.Kubectl("uncordon", "worker-1", "worker-2", "worker-3", "worker-4")
	s.Passes("workload/available", "{kind: Deployment, namespace: NS, name: web}") // the scheduler's word is out of date by then
	s.Kubectl("scale", "deployment/web", "--replicas=0")
	s.Fails("workload/available", "{kind: Deployment, namespace: NS, name: web}", "no pods at all")
}

func loweredReplicas(t *testing.T, w *checkstest.World) {
	const it = "{kind: Deployment, namespace: NS, name: web}"
	s := w.Begin(t, "replicas", checkstest.Web("web", 2, "worker-3"))
	s.Passes("workload/replicas-not-lowered", it)
	s.Kubectl("scale", "deployment/web", "--replicas=3")
	s.Passes("workload/replicas-not-lowered", it)
	s.Kubectl("scale", "deployment/web", "--replicas=1")
	s.Fails("workload/replicas-not-lowered", it, "it has 1")
}

func agentAway(t *testing.T, w *checkstest.World) {
	const it = "{namespace: NS, name: agent, nodes: [worker-1, worker-4]}"
	s := w.Begin(t, "agent", checkstest.Agent)
	s.Passes("workload/available", "{kind: DaemonSet, namespace: NS, name: agent}")
	s.Kubectl("cordon", "worker-4")
	s.Passes("daemonset/covers-nodes", it)
	s.Kubectl("delete", "pods", "--selector=app=agent")
	s.Passes("daemonset/covers-nodes", it) // what is about to come is waited for
	s.Kubectl("patch", "daemonset", "agent", "--patch",
		`{"spec":{"template":{"spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"kubernetes.io/hostname","operator":"NotIn","values":["worker-4"]}]}]}}}}}}}`)
	s.Kubectl("rollout", "status", "daemonset/agent", "--timeout=60s")
	s.Fails("daemonset/covers-nodes", it, "no ready pod on worker-4")
	s.Passes("daemonset/covers-nodes", "{namespace: NS, name: agent, nodes: [worker-1]}")
	s.Fails("daemonset/covers-nodes", "{namespace: NS, name: nowhere, nodes: [worker-1]}", "no daemonset/nowhere")
	s.Kubectl("uncordon", "worker-4")
}

const (
	neverBelowOne = "workloads: [{kind: Deployment, namespace: NS, name: web, replicas: 1}]"
	neverBelowTwo = "workloads: [{kind: Deployment, namespace: NS, name: web, replicas: 2}]"
)

// awayInBetween ends each time in the state in which it began.
func awayInBetween(t *testing.T, w *checkstest.World) {
	s := w.Begin(t, "away", checkstest.Web("web", 2, "worker-1"))
	s.Passes("workload/never-below", neverBelowTwo)
	replicaSet := strings.TrimSpace(s.Kubectl("get", "replicasets", "--output=jsonpath={.items[0].metadata.name}"))
	restore := func() {
		t.Helper()
		s.Kubectl("scale", "deployment/web", "--replicas=2")
		s.Kubectl("rollout", "status", "deployment/web", "--timeout=60s")
		s.Settle()
		s.Env.Baseline, s.Env.Since = s.TakeBaseline(), time.Now()
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
		s.Kubectl(cut...)
		s.Kubectl("scale", "deployment/web", "--replicas=2")
		s.Fails("workload/never-below", neverBelowTwo, said)
		restore()
		s.Passes("workload/never-below", neverBelowTwo)
	}
	s.Kubectl("scale", "deployment/web", "--replicas=4")
	s.Kubectl("scale", "deployment/web", "--replicas=2")
	s.Kubectl("scale", "deployment/web", "--replicas=0", "--dry-run=server")
	s.Kubectl("rollout", "restart", "deployment/web")
	s.Kubectl("rollout", "status", "deployment/web", "--timeout=60s")
	s.Settle()
	s.Kubectl("delete", "replicaset", replicaSet) // it has no pods any more
	s.Passes("workload/never-below", neverBelowTwo)
	s.Kubectl("delete", "replicasets", "--all", "--cascade=orphan")
	s.Kubectl("rollout", "status", "deployment/web", "--timeout=60s")
	s.Passes("workload/never-below", neverBelowTwo)
	s.Kubectl("scale", "deployment/web", "--replicas=1")
	s.Passes("workload/never-below", neverBelowOne)
	s.Kubectl("delete", "deployment", "web")
	s.Fails("workload/never-below", neverBelowOne, "learner deleted deployment/web with its pods")

	s.Env.AuditLog = history.NotRecorded{}
	if _, err := s.Try("workload/never-below", neverBelowOne); !errors.Is(err, history.ErrNotRecorded) {
		t.Errorf("without a history the error is %v, want %v", err, history.ErrNotRecorded)
	}
	s.Env.AuditLog = checkstest.WithoutAnswers{Reader: s.Log}
	if _, err := s.Try("workload/never-below", neverBelowOne); err == nil || !strings.Contains(err.Error(), "does not say how many replicas") {
		t.Errorf("the error for a log without answers is %v", err)
	}
}

func templatesAndDeletions(t *testing.T, w *checkstest.World) {
	const it = "{kind: Deployment, namespace: NS, name: tidy}"
	s := w.Begin(t, "template", checkstest.Web("tidy", 2, "worker-1"))
	pod := func() string {
		return strings.TrimSpace(s.Kubectl("get", "pods", "--output=jsonpath={.items[0].metadata.name}"))
	}
	s.Kubectl("rollout", "restart", "deployment/tidy")
	s.Kubectl("rollout", "status", "deployment/tidy", "--timeout=60s")
	s.Settle()
	s.Passes("workload/template-unchanged", it)
	s.Kubectl("drain", "worker-1", "--ignore-daemonsets", "--pod-selector=app=tidy")
	s.Kubectl("uncordon", "worker-1")
	s.Passes("workload/available", it)
	s.Settle()
	s.Passes("workload/pods-not-deleted", it)
	s.Fails("workload/termination-grace", "{kind: Deployment, namespace: NS, name: tidy, atLeast: 45}", "terminationGracePeriodSeconds is 1")
	s.Passes("workload/termination-grace", "{kind: Deployment, namespace: NS, name: tidy, atLeast: 1}")
	s.Fails("workload/pre-stop-pause", "{kind: Deployment, namespace: NS, name: tidy, atLeast: 5}", "container web pauses for 0 seconds")
	gone := pod()
	s.Kubectl("delete", "pod", gone, "--grace-period=0", "--force")
	s.Fails("workload/pods-not-deleted", it, "learner deleted pod "+gone, "its ReplicaSet made another one")
	s.Kubectl("patch", "deployment", "tidy", "--patch", `{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":2}}}}`)
	s.Fails("workload/template-unchanged", it, "was changed")
	s.Kubectl("rollout", "status", "deployment/tidy", "--timeout=60s")
	s.Kubectl("delete", "deployment", "tidy")
	for use, with := range map[string]string{
		"workload/template-unchanged": it, "workload/zone-constraint": it,
		"workload/termination-grace": "{kind: Deployment, namespace: NS, name: tidy, atLeast: 1}",
		"workload/pre-stop-pause":    "{kind: Deployment, namespace: NS, name: tidy, atLeast: 1}",
		"workload/leaves-lost-nodes": "{kind: Deployment, namespace: NS, name: tidy, atMost: 30}",
	} {
		s.Fails(use, with, "deployment/tidy was deleted")
	}
}

func spreadOrNot(t *testing.T, w *checkstest.World) {
	const it, zones = "{kind: Deployment, namespace: NS, name: web}", "{kind: Deployment, namespace: NS, name: web, survivors: 2}"
	s := w.Begin(t, "spread", strings.Replace(checkstest.Web("web", 3, "worker-1"), "containers:", "nodeSelector: {topology.kubernetes.io/zone: z1}\n      containers:", 1))
	s.Fails("workload/zone-constraint", it, "no topologySpreadConstraint")
	s.Fails("workload/survives-zone", zones, "z1: 3, z2: 0, z3: 0")
	s.Kubectl("patch", "deployment", "web", "--type=merge", "--patch", `{"spec":{"template":{"spec":{"nodeSelector":null,"topologySpreadConstraints":[
		{"topologyKey":"topology.kubernetes.io/zone","maxSkew":1,"whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"web"}},"matchLabelKeys":["pod-template-hash"]}]}}}}`)
	s.Passes("workload/zone-constraint", it)
	s.Passes("workload/survives-zone", zones)
	s.Fails("workload/survives-zone", "{kind: Deployment, namespace: NS, name: web, survivors: 3}", "z1: 1, z2: 1, z3: 1")
	s.Fails("workload/survives-node-loss", "{namespace: NS, name: web, node: worker-4, within: 120}", "sends heartbeats")
	s.Fails("workload/survives-node-loss", "{namespace: NS, name: web, node: worker-9, within: 120}", "no node worker-9")
}

func shortInBetween(t *testing.T, w *checkstest.World) {
	const two, asked = "{kind: Deployment, namespace: NS, name: web, atLeast: 2}", "{kind: Deployment, namespace: NS, name: web, budget: web}"
	s := w.Begin(t, "throughout", checkstest.Web("web", 3, "worker-1"), checkstest.Budget("web", "{minAvailable: 2, selector: {matchLabels: {app: web}}}"))
	s.Kubectl("rollout", "restart", "deployment/web")
	s.Kubectl("rollout", "status", "deployment/web", "--timeout=60s")
	s.Settle()
	s.Passes("workload/available-throughout", two)
	s.Passes("workload/available-throughout", asked)
	s.PatchBudget("web", `{"minAvailable":1}`) // what it asks for now is of no account
	s.Kubectl("delete", "pods", "--selector=app=web", "--wait=true")
	s.Settle()
	s.Passes("workload/available", "{kind: Deployment, namespace: NS, name: web}")
	s.Fails("workload/available-throughout", two, "of the 3 pods that deployment/web wants were available", "record of the cluster: Deployment throughout/web modified")
	s.Fails("workload/available-throughout", asked, "were available")
	if _, err := s.Try("workload/available-throughout", "{kind: Deployment, namespace: NS, name: web, budget: none}"); err == nil || errors.Is(err, history.ErrNotRecorded) {
		t.Errorf("a budget that was never there: %v, want an error that is no gap", err)
	}
	if _, err := s.Try("workload/available-throughout", "{kind: Deployment, namespace: NS, name: none, atLeast: 1}"); !errors.Is(err, history.ErrNotRecorded) {
		t.Errorf("a workload that was never there: %v", err)
	}
	s.Env.History = history.NotRecorded{}
	if _, err := s.Try("workload/available-throughout", two); !errors.Is(err, history.ErrNotRecorded) {
		t.Errorf("without a record the error is %v, want %v", err, history.ErrNotRecorded)
	}
}

// lostNode has the log say what became of a pod on a node that has no machine, and never had one.
func lostNode(t *testing.T, w *checkstest.World) {
	const it, name = "{namespace: NS, name: web, node: ghost-lost, within: 60}", "ghost-lost"
	s := w.Begin(t, "lost", checkstest.Web("web", 2, "worker-3"))
	s.Ghost(name, "v1.37.0", "")
	s.Kubectl("patch", "node", name, "--subresource=status", "--patch", `{"status":{"conditions":[{"type":"Ready","status":"Unknown"}]}}`)
	heartbeat := metav1.NowMicro()
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: coordinationv1.LeaseSpec{RenewTime: &heartbeat}}
	leases := s.Operator.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	if _, err := leases.Create(t.Context(), lease, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.Fails("workload/survives-node-loss", it, "no pod that the present template of deployment/web made")
	pod := strings.TrimSpace(s.Kubectl("get", "replicasets", "--output=jsonpath={.items[0].metadata.name}")) + "-abcde"
	s.Env.AuditLog = checkstest.MadeUp{{
		Time: time.Now(), Verb: "delete", User: "system:kube-controller-manager", Resource: "pods", Namespace: "lost", Name: pod, Code: 200,
		Removed: &history.Removed{Node: name, Disruption: "DeletionByTaintManager"},
	}}
	s.Passes("workload/survives-node-loss", it)
	s.Kubectl("delete", "node", name)
	if err := leases.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		t.Error(err)
	}
}
