package checks_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine/history"
)

// TestChecksOnARealCluster plays what learners do, right and wrong, with the real kubectl on a real control plane.
func TestChecksOnARealCluster(t *testing.T) {
	w := newWorld(t)
	t.Run("a drain by eviction", func(t *testing.T) { drainByEviction(t, w) })
	t.Run("nodes that are upgraded", func(t *testing.T) { upgradedNodes(t, w) }) // before there are budgets
	t.Run("a drain that deletes", func(t *testing.T) { drainByDeletion(t, w) })
	t.Run("a pod that came later is deleted by hand", func(t *testing.T) { laterPodDeleted(t, w) })
	t.Run("a budget without room", func(t *testing.T) { budgetWithoutRoom(t, w) })
	t.Run("two budgets for one pod", func(t *testing.T) { twoBudgets(t, w) })
	t.Run("a rollout that cannot finish", func(t *testing.T) { stuckRollout(t, w) })
	t.Run("objects that go and come back", func(t *testing.T) { identities(t, w) })
	t.Run("an agent that avoids a node", func(t *testing.T) { agentAway(t, w) })
	t.Run("a workload that was away in between", func(t *testing.T) { awayInBetween(t, w) })
	t.Run("a budget that was weaker in between", func(t *testing.T) { weakerInBetween(t, w) })
	t.Run("pods that are not ready", func(t *testing.T) { unreadyPods(t, w) })
	t.Run("pod templates and how pods end", func(t *testing.T) { templatesAndDeletions(t, w) })
	t.Run("pods in zones", func(t *testing.T) { spreadOrNot(t, w) })
	t.Run("expressions in CEL", func(t *testing.T) { expressions(t, w) })
	t.Run("a workload that was short of pods", func(t *testing.T) { shortInBetween(t, w) })
	t.Run("a bare pod with a name like a daemon's", func(t *testing.T) { namesake(t, w) })
	t.Run("a pod that was killed without anybody asking", func(t *testing.T) { killedInPassing(t, w) })
	t.Run("versions of kubelets", func(t *testing.T) { skew(t, w) })
	t.Run("upgrades", func(t *testing.T) { upgrades(t, w) })
	t.Run("nodes that were removed", func(t *testing.T) { removedNodes(t, w) })
	t.Run("callers of deprecated APIs", func(t *testing.T) { deprecatedCallers(t, w) })
	t.Run("versions in which objects are stored", func(t *testing.T) { storedVersions(t, w) })
	t.Run("a node that was lost", func(t *testing.T) { lostNode(t, w) })
	t.Run("what checks need", func(t *testing.T) { whatChecksNeed(t, w) })
	t.Run("a check that would write", func(t *testing.T) { writesAreRefused(t, w) })
}

func conditions(list []corev1.PodCondition) string {
	var said []string
	for _, c := range list {
		said = append(said, string(c.Type)+"="+string(c.Status))
	}
	return strings.Join(said, " ")
}

// web is a Deployment that prefers a node.
func web(name string, replicas int, node string) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  replicas: %[2]d
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      terminationGracePeriodSeconds: 1
      affinity:
        nodeAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
          - weight: 100
            preference: {matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [%[3]s]}]}
      containers: [{name: web, image: registry.test/web:1}]
`, name, replicas, node)
}

func budget(name, spec string) string {
	return fmt.Sprintf("\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: %s}\nspec: %s\n", name, spec)
}

const agent = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: agent, image: registry.test/agent:1}]
`

func scratch(node string) string {
	return fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: scratch}
spec:
  nodeName: %s
  terminationGracePeriodSeconds: 1
  volumes: [{name: data, emptyDir: {}}]
  containers: [{name: main, image: registry.test/scratch:1, volumeMounts: [{name: data, mountPath: /data}]}]
`, node)
}

func drainByEviction(t *testing.T, w *world) {
	s := w.begin(t, "drain", web("web", 2, "worker-1"), agent, scratch("worker-1"))
	s.fails("node/cordoned", "node: worker-1", "schedulable")
	s.fails("node/cordoned", "node: worker-9", "no node worker-9")
	s.fails("node/drained", "node: worker-1", "3 left", "a bare pod", "emptyDir", "ReplicaSet/web-", "→ Deployment/web")
	s.fails("node/drained", "node: worker-9", "no node worker-9")
	s.passes("node/exists", "nodes: [worker-1, worker-2]")
	s.fails("node/exists", "nodes: [worker-1, worker-9]", "no node worker-9")
	s.passes("workload/available", "{kind: Deployment, namespace: NS, name: web}")
	s.passes("workload/available", "{kind: DaemonSet, namespace: NS, name: agent}")
	s.fails("workload/available", "{kind: Deployment, namespace: NS, name: nowhere}", "no deployment/nowhere")
	s.passes("pod/evicted-not-deleted", "{namespace: NS, node: worker-1}")

	s.kubectl("drain", "worker-1", "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--dry-run=server")
	s.fails("node/drained", "node: worker-1", "3 left")
	s.kubectl("cordon", "worker-1")
	s.passes("node/cordoned", "node: worker-1")
	s.fails("node/schedulable", "nodes: [worker-1, worker-2]", "cordoned: worker-1")
	s.fails("node/drained", "node: worker-1", "3 left")
	s.kubectl("drain", "worker-1", "--ignore-daemonsets", "--delete-emptydir-data", "--force")
	s.passes("node/drained", "node: worker-1")
	s.passes("workload/available", "{kind: Deployment, namespace: NS, name: web}")
	s.kubectl("delete", "pod", "--selector=app=agent", "--field-selector=spec.nodeName=worker-1")
	s.passes("pod/evicted-not-deleted", "{namespace: NS, node: worker-1, atLeast: 3}")
	s.fails("pod/evicted-not-deleted", "{namespace: NS, node: worker-1, atLeast: 4}", "3 were evicted")
	if r := s.judge("pod/evicted-not-deleted", "{namespace: NS, node: worker-1}"); !strings.Contains(r.Got.EN, "3 evicted, 0 removed") {
		t.Errorf("the check tells of %q, want 3 evictions", r.Got.EN)
	}

	requests := s.requests(history.Query{Resource: "pods", Subresource: "eviction", Users: []string{"learner"}})
	dry := slices.DeleteFunc(slices.Clone(requests), func(r history.Request) bool { return !r.DryRun })
	if len(requests) != 6 || len(dry) != 3 || requests[0].Verb != "create" || requests[5].Code != 201 {
		t.Errorf("the audit log has %d evictions, %d of them dry: %+v", len(requests), len(dry), requests)
	}
	if graded := s.requests(history.Query{Users: []string{"k8slab:grader"}}); len(graded) != 0 {
		t.Errorf("the grader is part of the story: %+v", graded)
	}
	s.kubectl("uncordon", "worker-1")
	s.passes("node/schedulable", "nodes: [worker-1, worker-2]")
}

func (s *scene) requests(q history.Query) []history.Request {
	s.t.Helper()
	q.Since, q.Namespace = s.env.Since, s.namespace
	requests, err := s.log.Requests(s.t.Context(), q)
	if err != nil {
		s.t.Fatal(err)
	}
	return requests
}

func drainByDeletion(t *testing.T, w *world) {
	s := w.begin(t, "bypass", web("web", 2, "worker-2"), budget("web", "{minAvailable: 2, selector: {matchLabels: {app: web}}}"))
	pods := s.kubectl("get", "pods", "--field-selector=spec.nodeName=worker-2", "--output=name")
	if strings.Count(pods, "pod/") != 2 {
		t.Fatalf("the pods are not where they should be: %s", pods)
	}
	s.kubectl("delete", "--dry-run=server", "pods", "--all")
	s.passes("pod/evicted-not-deleted", "{namespace: NS, node: worker-2}")
	s.kubectl("drain", "worker-2", "--disable-eviction", "--ignore-daemonsets")
	s.passes("node/drained", "node: worker-2")
	s.fails("pod/evicted-not-deleted", "{namespace: NS, node: worker-2}", "learner deleted pod bypass/web-", "audit log: learner delete pods/web-")
	s.fails("pod/evicted-not-deleted", "node: worker-2", "learner deleted pod bypass/web-")
	s.passes("pod/evicted-not-deleted", "{namespace: NS, node: worker-3}")
	s.kubectl("uncordon", "worker-2")

	s.env.History = history.NotRecorded{}
	if _, err := s.try("pod/evicted-not-deleted", "{namespace: NS, node: worker-2}"); !errors.Is(err, history.ErrNotRecorded) {
		t.Errorf("without a history the error is %v, want %v", err, history.ErrNotRecorded)
	}
}

func laterPodDeleted(t *testing.T, w *world) {
	s := w.begin(t, "later", web("web", 2, "worker-3"))
	s.kubectl("rollout", "restart", "deployment/web")
	s.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
	s.settle()
	s.passes("pod/evicted-not-deleted", "{namespace: NS, node: worker-3}")
	s.fails("pod/evicted-not-deleted", "{namespace: NS, node: worker-3, atLeast: 1}", "0 were evicted", "controllers removed 2")
	if r := s.judge("pod/evicted-not-deleted", "{namespace: NS, node: worker-3}"); !strings.Contains(r.Got.EN, "0 evicted, 2 removed by controllers") {
		t.Errorf("the check tells of %q, want 2 removals by controllers", r.Got.EN)
	}
	s.kubectl("delete", "pods", "--selector=app=web", "--field-selector=spec.nodeName=worker-3", "--as=someone", "--as-group=system:masters")
	s.fails("pod/evicted-not-deleted", "{namespace: NS, node: worker-3}", "learner (as someone) deleted pod later/web-")
	s.kubectl("delete", "--raw", "/api/v1/namespaces/later/pods")
	s.fails("pod/evicted-not-deleted", "{namespace: NS, node: worker-3}", "learner deleted all pods of namespace later")
}

func budgetWithoutRoom(t *testing.T, w *world) {
	const it, pods = "{namespace: NS, name: web}", "{namespace: NS, selector: app=web}"
	s := w.begin(t, "budget", web("web", 2, "worker-3"), budget("web", "{minAvailable: 2, selector: {matchLabels: {app: web}}}"))
	s.fails("pdb/allows-eviction", pods, "refuses 2 of 2", "needs 2 healthy pods and has 2 currently", "poddisruptionbudget/web")
	s.fails("pdb/allows-eviction", "{namespace: NS, selector: app=nothing}", "0 such pods")
	s.passes("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 2}")
	s.fails("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 3}", "it keeps 2")
	s.fails("pdb/keeps-floor", "{namespace: NS, name: absent, healthy: 2}", "no PodDisruptionBudget absent")
	s.passes("pdb/not-weaker", it)
	s.passes("workload/replicas-not-lowered", "{kind: Deployment, namespace: NS, name: web}")

	s.apply(agent)
	s.settle()
	s.passes("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 2, selector: app=web}")
	s.fails("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 2, selector: 'app in (web,agent)'}", "does not guard agent-")
	s.patchBudget("web", `{"selector":{"matchLabels":null}}`)
	s.passes("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 2}")
	s.fails("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 2, selector: app=web}", "guards 4 other pods too", "only 0 are certain")
	s.patchBudget("web", `{"minAvailable":6}`)
	s.passes("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 2, selector: app=web}")
	s.patchBudget("web", `{"minAvailable":2,"selector":{"matchLabels":{"app":"web"}}}`)
	s.kubectl("scale", "deployment/web", "--replicas=3")
	s.passes("pdb/allows-eviction", pods) // at once: what is pending is waited for
	s.passes("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 2}")
	s.passes("workload/replicas-not-lowered", "{kind: Deployment, namespace: NS, name: web}")

	for _, equivalent := range []string{`{"minAvailable":null,"maxUnavailable":1}`, `{"minAvailable":"50%","maxUnavailable":null}`, `{"selector":{"matchLabels":null,"matchExpressions":[{"key":"app","operator":"In","values":["web"]}]}}`} {
		s.patchBudget("web", equivalent)
		s.passes("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 2}")
		s.passes("pdb/not-weaker", it)
		s.passes("pdb/one-per-pod", pods)
	}
	for _, weaker := range []string{`{"minAvailable":1,"maxUnavailable":null}`, `{"minAvailable":null,"maxUnavailable":"34%"}`} {
		s.patchBudget("web", weaker)
		s.fails("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 2}", "the floor you were asked to keep is broken: it keeps 1")
		s.fails("pdb/not-weaker", it, "it keeps 1 pods healthy; as it was at the start, it would keep 2")
	}
	s.patchBudget("web", `{"minAvailable":2,"maxUnavailable":null,"selector":{"matchLabels":{"app":"wbe"},"matchExpressions":null}}`)
	s.fails("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 2}", "matches no pods (expectedPods is 0)")
	s.fails("pdb/not-weaker", it, "no longer guards web-")
	s.fails("pdb/one-per-pod", pods, "no PodDisruptionBudget guards web-", "PodDisruptionBudget web matches no pods")
	s.kubectl("delete", "pdb", "web")
	s.fails("pdb/not-weaker", it, "no PodDisruptionBudget web")
	s.fails("object/same-identity", "objects: [{kind: PodDisruptionBudget, namespace: NS, name: web}]", "poddisruptionbudget/web was deleted")
	s.kubectl("scale", "deployment/web", "--replicas=1")
	s.fails("workload/replicas-not-lowered", "{kind: Deployment, namespace: NS, name: web}", "it has 1")
}

func (s *scene) patchBudget(name, spec string) {
	s.t.Helper()
	s.kubectl("patch", "pdb", name, "--type=merge", "--patch", `{"spec":`+spec+`}`)
}

func twoBudgets(t *testing.T, w *world) {
	const pods = "{namespace: NS, selector: 'tier in (front, back)'}"
	s := w.begin(t, "two", strings.ReplaceAll(web("web", 2, "worker-4"), "{app: web}", "{app: web, tier: front}"),
		budget("one", "{minAvailable: 1, selector: {matchLabels: {tier: front}}}"),
		budget("two", "{maxUnavailable: 1, selector: {matchLabels: {app: web}}}"),
		budget("resting", "{maxUnavailable: 1, selector: {matchLabels: {app: scaled-to-zero}}}"))
	s.fails("pdb/allows-eviction", pods, "2 PodDisruptionBudgets claim pod/web-", "one, two", "more than one PodDisruptionBudget")
	s.fails("pdb/one-per-pod", pods, "2 pods are claimed by more than one", "one, two")
	s.patchBudget("two", `{"selector":{"matchLabels":{"app":"nothing"}}}`)
	s.fails("pdb/one-per-pod", pods, "poddisruptionbudget/two", "PodDisruptionBudget two matches no pods")
	s.passes("pdb/allows-eviction", pods)
	s.kubectl("delete", "pdb", "two")
	s.passes("pdb/one-per-pod", pods)
	s.passes("pdb/allows-eviction", pods)
	s.kubectl("delete", "pdb", "one")
	s.fails("pdb/one-per-pod", pods, "no PodDisruptionBudget guards web-")
	s.kubectl("delete", "deployment", "web", "--cascade=foreground") // which is over when the pods have gone
	s.fails("pdb/one-per-pod", pods, "no such pods")
}

func stuckRollout(t *testing.T, w *world) {
	s := w.begin(t, "stuck", web("web", 2, "worker-4"), budget("web", "{minAvailable: 1, selector: {matchLabels: {app: web}}}"))
	s.kubectl("patch", "deployment", "web", "--type=merge", "--patch",
		`{"spec":{"progressDeadlineSeconds":1,"minReadySeconds":0,"template":{"spec":{"nodeSelector":{"kubernetes.io/hostname":"worker-none"}}}}}`)
	s.fails("workload/available", "{kind: Deployment, namespace: NS, name: web}", "2 wanted; 1 up to date, 2 ready", "Unschedulable")
	s.kubectl("rollout", "undo", "deployment/web")
	s.passes("workload/available", "{kind: Deployment, namespace: NS, name: web}")
	s.kubectl("cordon", "worker-1", "worker-2", "worker-3", "worker-4")
	s.kubectl("scale", "deployment/web", "--replicas=3")
	s.fails("workload/available", "{kind: Deployment, namespace: NS, name: web}", "3 wanted", "Unschedulable")
	s.kubectl("uncordon", "worker-1", "worker-2", "worker-3", "worker-4")
	s.passes("workload/available", "{kind: Deployment, namespace: NS, name: web}") // the scheduler's word is out of date by then
	s.passes("pdb/allows-eviction", "{namespace: NS, selector: app=web}")
	s.kubectl("scale", "deployment/web", "--replicas=0")
	s.fails("workload/available", "{kind: Deployment, namespace: NS, name: web}", "no pods at all")
}

func identities(t *testing.T, w *world) {
	const it = "objects: [{kind: apps/Deployment, namespace: NS, name: web}, {kind: DaemonSet, namespace: NS, name: agent}]"
	s := w.begin(t, "identity", web("web", 1, "worker-4"), agent)
	s.kubectl("scale", "deployment/web", "--replicas=2")
	s.passes("object/same-identity", it)
	s.kubectl("delete", "deployment", "web")
	s.fails("object/same-identity", it, "deployment/web was deleted")
	s.apply(web("web", 1, "worker-4"))
	s.kubectl("delete", "daemonset", "agent")
	s.fails("object/same-identity", it, "deployment/web was deleted and made again", "; daemonset/agent was deleted")
	if _, err := s.try("object/same-identity", "objects: [{kind: Deployment, namespace: NS, name: never}]"); err == nil {
		t.Error("an object that was not there at the start is judged; want an error")
	}
}

func writesAreRefused(t *testing.T, w *world) {
	s := w.begin(t, "readonly", scratch("worker-4"))
	ctx, pods := t.Context(), s.env.Client.CoreV1().Pods(s.namespace)
	before, err := pods.Get(ctx, "scratch", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	evict := func(dryRun ...string) error {
		return s.env.Client.PolicyV1().Evictions(s.namespace).Evict(ctx, &policyv1.Eviction{
			ObjectMeta: metav1.ObjectMeta{Name: "scratch", Namespace: s.namespace}, DeleteOptions: &metav1.DeleteOptions{DryRun: dryRun},
		})
	}
	exec := func() error {
		return s.env.Client.CoreV1().RESTClient().Get().Namespace(s.namespace).Resource("pods").Name("scratch").SubResource("exec").
			VersionedParams(&corev1.PodExecOptions{Command: []string{"true"}}, scheme.ParameterCodec).Do(ctx).Error()
	}
	podsByName := s.env.Dynamic.Resource(corev1.SchemeGroupVersion.WithResource("pods")).Namespace(s.namespace)
	for name, write := range map[string]func() error{
		"a deletion":                 func() error { return pods.Delete(ctx, "scratch", metav1.DeleteOptions{}) },
		"a dynamic deletion":         func() error { return podsByName.Delete(ctx, "scratch", metav1.DeleteOptions{}) },
		"a deletion of all":          func() error { return pods.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}) },
		"an eviction":                func() error { return evict() },
		"an update":                  func() error { _, err := pods.Update(ctx, before, metav1.UpdateOptions{}); return err },
		"a command in the container": exec,
	} {
		if _, refused := errors.AsType[*checks.RefusedError](write()); !refused {
			t.Errorf("%s is not refused", name)
		}
	}
	dry := []string{metav1.DryRunAll}
	for name, probe := range map[string]func() error{
		"a dry eviction":         func() error { return evict(dry...) },
		"a dry deletion":         func() error { return pods.Delete(ctx, "scratch", metav1.DeleteOptions{DryRun: dry}) },
		"a dry dynamic deletion": func() error { return podsByName.Delete(ctx, "scratch", metav1.DeleteOptions{DryRun: dry}) },
		"a dry update":           func() error { _, err := pods.Update(ctx, before, metav1.UpdateOptions{DryRun: dry}); return err },
	} {
		if err := probe(); err != nil {
			t.Errorf("%s is refused: %v", name, err)
		}
	}
	after, err := s.operator.CoreV1().Pods(s.namespace).Get(ctx, "scratch", metav1.GetOptions{})
	if err != nil || after.UID != before.UID || after.DeletionTimestamp != nil || after.ResourceVersion != before.ResourceVersion {
		t.Errorf("the pod is not what it was: %v, %v", after, err)
	}
}
