package budget_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/k8slab/k8slab/checks/budget"
	"github.com/k8slab/k8slab/internal/checkstest"
	"github.com/k8slab/k8slab/internal/testcluster"
)

func TestMain(m *testing.M) { testcluster.Main(m) }

// TestOnARealCluster plays what learners do, right and wrong, with the real kubectl on a real control plane.
func TestOnARealCluster(t *testing.T) {
	checkstest.Run(t, budget.Definitions(),
		checkstest.Story{Name: "a budget without room", Play: budgetWithoutRoom},
		checkstest.Story{Name: "two budgets for one pod", Play: twoBudgets},
		checkstest.Story{Name: "pods that are on their way", Play: podsOnTheirWay},
		checkstest.Story{Name: "a budget that was weaker in between", Play: weakerInBetween},
		checkstest.Story{Name: "pods that are not ready", Play: unreadyPods},
	)
}

func budgetWithoutRoom(t *testing.T, w *checkstest.World) {
	const it, pods = "{namespace: NS, name: web}", "{namespace: NS, selector: app=web}"
	s := w.Begin(t, "budget", checkstest.Web("web", 2, "worker-3"), checkstest.Budget("web", "{minAvailable: 2, selector: {matchLabels: {app: web}}}"))
	s.Fails("pdb/allows-eviction", pods, "refuses 2 of 2", "needs 2 healthy pods and has 2 currently", "poddisruptionbudget/web")
	s.Fails("pdb/allows-eviction", "{namespace: NS, selector: app=nothing}", "0 such pods")
	s.Passes("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 2}")
	s.Fails("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 3}", "it keeps 2")
	s.Fails("pdb/keeps-floor", "{namespace: NS, name: absent, healthy: 2}", "no PodDisruptionBudget absent")
	s.Passes("pdb/not-weaker", it)

	s.Apply(checkstest.Agent)
	s.Settle()
	s.Passes("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 2, selector: app=web}")
	s.Fails("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 2, selector: 'app in (web,agent)'}", "does not guard agent-")
	s.PatchBudget("web", `{"selector":{"matchLabels":null}}`)
	s.Passes("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 2}")
	s.Fails("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 2, selector: app=web}", "guards 4 other pods too", "only 0 are certain")
	s.PatchBudget("web", `{"minAvailable":6}`)
	s.Passes("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 2, selector: app=web}")
	s.PatchBudget("web", `{"minAvailable":2,"selector":{"matchLabels":{"app":"web"}}}`)
	s.Kubectl("scale", "deployment/web", "--replicas=3")
	s.Passes("pdb/allows-eviction", pods) // at once: what is pending is waited for
	s.Passes("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 2}")

	for _, equivalent := range []string{`{"minAvailable":null,"maxUnavailable":1}`, `{"minAvailable":"50%","maxUnavailable":null}`, `{"selector":{"matchLabels":null,"matchExpressions":[{"key":"app","operator":"In","values":["web"]}]}}`} {
		s.PatchBudget("web", equivalent)
		s.Passes("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 2}")
		s.Passes("pdb/not-weaker", it)
		s.Passes("pdb/one-per-pod", pods)
	}
	for _, weaker := range []string{`{"minAvailable":1,"maxUnavailable":null}`, `{"minAvailable":null,"maxUnavailable":"34%"}`} {
		s.PatchBudget("web", weaker)
		s.Fails("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 2}", "the floor you were asked to keep is broken: it keeps 1")
		s.Fails("pdb/not-weaker", it, "it keeps 1 pods healthy; as it was at the start, it would keep 2")
	}
	s.PatchBudget("web", `{"minAvailable":2,"maxUnavailable":null,"selector":{"matchLabels":{"app":"wbe"},"matchExpressions":null}}`)
	s.Fails("pdb/keeps-floor", "{namespace: NS, name: web, healthy: 2}", "matches no pods (expectedPods is 0)")
	s.Fails("pdb/not-weaker", it, "no longer guards web-")
	s.Fails("pdb/one-per-pod", pods, "no PodDisruptionBudget guards web-", "PodDisruptionBudget web matches no pods")
	s.Kubectl("delete", "pdb", "web")
	s.Fails("pdb/not-weaker", it, "no PodDisruptionBudget web")
}

func twoBudgets(t *testing.T, w *checkstest.World) {
	const pods = "{namespace: NS, selector: 'tier in (front, back)'}"
	s := w.Begin(t, "two", strings.ReplaceAll(checkstest.Web("web", 2, "worker-4"), "{app: web}", "{app: web, tier: front}"))
	// The budgets come when the pods are ready: each is counted when it is made. Of two budgets of one pod the
	// disruption controller counts only one again when the pod changes, and leaves the other as it is.
	s.Apply(checkstest.Budget("one", "{minAvailable: 1, selector: {matchLabels: {tier: front}}}"))
	s.Apply(checkstest.Budget("two", "{maxUnavailable: 1, selector: {matchLabels: {app: web}}}"))
	s.Apply(checkstest.Budget("resting", "{maxUnavailable: 1, selector: {matchLabels: {app: scaled-to-zero}}}"))
	s.Env.Baseline = s.TakeBaseline()
	s.Fails("pdb/allows-eviction", pods, "2 PodDisruptionBudgets claim pod/web-", "one, two", "more than one PodDisruptionBudget")
	s.Fails("pdb/one-per-pod", pods, "2 pods are claimed by more than one", "one, two")
	s.PatchBudget("two", `{"selector":{"matchLabels":{"app":"nothing"}}}`)
	s.Fails("pdb/one-per-pod", pods, "poddisruptionbudget/two", "PodDisruptionBudget two matches no pods")
	s.Passes("pdb/allows-eviction", pods)
	s.Kubectl("delete", "pdb", "two")
	s.Passes("pdb/one-per-pod", pods)
	s.Passes("pdb/allows-eviction", pods)
	s.Kubectl("delete", "pdb", "one")
	s.Fails("pdb/one-per-pod", pods, "no PodDisruptionBudget guards web-")
	s.Kubectl("delete", "deployment", "web", "--cascade=foreground") // which is over when the pods have gone
	s.Fails("pdb/one-per-pod", pods, "no such pods")
}

func podsOnTheirWay(t *testing.T, w *checkstest.World) {
	s := w.Begin(t, "coming", checkstest.Web("web", 2, "worker-4"), checkstest.Budget("web", "{minAvailable: 1, selector: {matchLabels: {app: web}}}"))
	s.Kubectl("cordon", "worker-1", "worker-2", "worker-3", "worker-4")
	s.Kubectl("scale", "deployment/web", "--replicas=3")
	s.Kubectl("uncordon", "worker-1", "worker-2", "worker-3", "worker-4")
	s.Passes("pdb/allows-eviction", "{namespace: NS, selector: app=web}")
}

const floorOfTwo = "{namespace: NS, name: web, kind: Deployment, workload: web, healthy: 2}"

func weakerInBetween(t *testing.T, w *checkstest.World) {
	s := w.Begin(t, "weaker", checkstest.Web("web", 3, "worker-1"), checkstest.Budget("web", "{minAvailable: 2, selector: {matchLabels: {app: web}}}"))
	again := func() {
		t.Helper()
		s.Kubectl("rollout", "status", "deployment/web", "--timeout=60s")
		s.Settle()
		s.Env.Baseline, s.Env.Since = s.TakeBaseline(), time.Now()
	}
	const strong = `{"minAvailable":2,"maxUnavailable":null,"selector":{"matchLabels":{"app":"web"}}}`
	s.PatchBudget("web", `{"minAvailable":1}`)
	s.PatchBudget("web", strong)
	evictOne(s)
	s.Passes("pdb/floor-at-disruptions", floorOfTwo)
	again()
	s.PatchBudget("web", `{"minAvailable":null,"maxUnavailable":1}`)
	evictOne(s)
	s.Passes("pdb/floor-at-disruptions", floorOfTwo)
	again()
	for said, weak := range map[string]string{
		"poddisruptionbudget/web kept 1 of 3 healthy":    `{"minAvailable":1,"maxUnavailable":null}`,
		"poddisruptionbudget/web kept 0 of 3":            `{"minAvailable":null,"maxUnavailable":"100%"}`,
		"poddisruptionbudget/web did not guard that pod": `{"minAvailable":2,"maxUnavailable":null,"selector":{"matchLabels":{"app":"wbe"}}}`,
		"audit log: learner create pods/web-":            `{"minAvailable":0,"maxUnavailable":null}`,
		"learner evicted pod web-":                       `{"minAvailable":null,"maxUnavailable":2}`,
	} {
		s.PatchBudget("web", weak)
		evictOne(s)
		s.PatchBudget("web", strong)
		s.Fails("pdb/floor-at-disruptions", floorOfTwo, said)
		again()
	}
	s.Kubectl("delete", "pdb", "web")
	evictOne(s)
	s.Apply(checkstest.Budget("web", "{minAvailable: 2, selector: {matchLabels: {app: web}}}"))
	s.Fails("pdb/floor-at-disruptions", floorOfTwo, "poddisruptionbudget/web had been deleted")
	again()
	s.Kubectl("scale", "deployment/web", "--replicas=2")
	again()
	s.Kubectl("delete", "pod", anyPod(s))
	s.Fails("pdb/floor-at-disruptions", floorOfTwo, "learner deleted pod web-", "deployment/web had 2 pods, none to spare")
	again()
	s.Kubectl("annotate", "pod", anyPod(s), "looked-at=yes")
	s.Passes("pdb/floor-at-disruptions", floorOfTwo)
	s.Kubectl("label", "pod", anyPod(s), "app=retired", "--overwrite")
	s.Fails("pdb/floor-at-disruptions", floorOfTwo, "learner changed the labels of pod web-", "none to spare")
	again()
	s.PatchBudget("web", strong)
	s.Env.AuditLog = checkstest.WithoutAnswers{Reader: s.Log}
	if _, err := s.Try("pdb/floor-at-disruptions", floorOfTwo); err == nil || !strings.Contains(err.Error(), "does not say what the patch of poddisruptionbudget/web") {
		t.Errorf("the error for a log without answers is %v", err)
	}
}

func anyPod(s *checkstest.Scene) string {
	s.T.Helper()
	return strings.TrimSpace(s.Kubectl("get", "pods", "--selector=app=web", "--output=jsonpath={.items[0].metadata.name}"))
}

// evictOne asks until the budget's controller has caught up and the eviction is admitted.
func evictOne(s *checkstest.Scene) {
	s.T.Helper()
	pod := anyPod(s)
	eviction := `{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "` + pod + `"}}`
	testcluster.Eventually(s.T, func() error {
		cmd := s.KubectlCommand(eviction, "create", "--raw", "/api/v1/namespaces/"+s.Namespace+"/pods/"+pod+"/eviction", "--filename=-")
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, said)
		}
		return nil
	})
}

// barePod is never ready where gated, as a pod is whose readiness gate nobody opens.
func barePod(name, app string, gated bool) string {
	labels, gate := "{app: "+app+"}", ""
	if gated {
		labels, gate = "{app: "+app+", never-ready: 'true'}", "\n  readinessGates: [{conditionType: example.com/never}]"
	}
	return "\napiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", labels: " + labels + "}\nspec:\n  terminationGracePeriodSeconds: 1" + gate +
		"\n  containers: [{name: main, image: registry.test/mix:1}]\n"
}

func unreadyPods(t *testing.T, w *checkstest.World) {
	const pods, names = "{namespace: NS, selector: app=mix}", "{namespace: NS, names: [mix]}"
	s := w.Begin(t, "unready", barePod("well", "mix", false), barePod("broken", "mix", true),
		checkstest.Budget("mix", "{minAvailable: 2, selector: {matchLabels: {app: mix}}}"))
	s.Fails("pdb/always-allows-unready", names, "no unhealthyPodEvictionPolicy")
	s.Fails("pdb/always-allows-unready", "{namespace: NS, names: [mix, absent]}", "no PodDisruptionBudget absent")
	s.Fails("pdb/allows-eviction-of-unready", pods, "refuses 1 of 1", "pod/broken")
	s.Passes("pdb/guards-last-healthy", pods)
	s.PatchBudget("mix", `{"unhealthyPodEvictionPolicy":"IfHealthyBudget"}`)
	s.Fails("pdb/always-allows-unready", names, "is IfHealthyBudget")
	s.PatchBudget("mix", `{"unhealthyPodEvictionPolicy":"AlwaysAllow"}`)
	s.Passes("pdb/always-allows-unready", names)
	s.Passes("pdb/allows-eviction-of-unready", pods)
	s.Passes("pdb/guards-last-healthy", pods)
	s.PatchBudget("mix", `{"minAvailable":0}`)
	s.Fails("pdb/guards-last-healthy", pods, "would evict well")
	s.Kubectl("delete", "pod", "broken")
	s.Fails("pdb/allows-eviction-of-unready", pods, "none of the 1 pods is running without being ready")
	s.Fails("pdb/guards-last-healthy", "{namespace: NS, selector: app=nothing}", "none of the 0 pods")
}
