package checks_test

import (
	"strings"
	"testing"
)

// barePod is never ready where gated, as a pod is whose readiness gate nobody opens.
func barePod(name, app string, gated bool) string {
	labels, gate := "{app: "+app+"}", ""
	if gated {
		labels, gate = "{app: "+app+", never-ready: 'true'}", "\n  readinessGates: [{conditionType: example.com/never}]"
	}
	return "\napiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", labels: " + labels + "}\nspec:\n  terminationGracePeriodSeconds: 1" + gate +
		"\n  containers: [{name: main, image: registry.test/mix:1}]\n"
}

func unreadyPods(t *testing.T, w *world) {
	const pods, names = "{namespace: NS, selector: app=mix}", "{namespace: NS, names: [mix]}"
	s := w.begin(t, "unready", barePod("well", "mix", false), barePod("broken", "mix", true),
		budget("mix", "{minAvailable: 2, selector: {matchLabels: {app: mix}}}"))
	s.fails("pdb/always-allows-unready", names, "no unhealthyPodEvictionPolicy")
	s.fails("pdb/always-allows-unready", "{namespace: NS, names: [mix, absent]}", "no PodDisruptionBudget absent")
	s.fails("pdb/allows-eviction-of-unready", pods, "refuses 1 of 1", "pod/broken")
	s.passes("pdb/guards-last-healthy", pods)
	s.patchBudget("mix", `{"unhealthyPodEvictionPolicy":"IfHealthyBudget"}`)
	s.fails("pdb/always-allows-unready", names, "is IfHealthyBudget")
	s.patchBudget("mix", `{"unhealthyPodEvictionPolicy":"AlwaysAllow"}`)
	s.passes("pdb/always-allows-unready", names)
	s.passes("pdb/allows-eviction-of-unready", pods)
	s.passes("pdb/guards-last-healthy", pods)
	s.patchBudget("mix", `{"minAvailable":0}`)
	s.fails("pdb/guards-last-healthy", pods, "would evict well")
	s.kubectl("delete", "pod", "broken")
	s.fails("pdb/allows-eviction-of-unready", pods, "none of the 1 pods is running without being ready")
	s.fails("pdb/guards-last-healthy", "{namespace: NS, selector: app=nothing}", "none of the 0 pods")
}

func templatesAndDeletions(t *testing.T, w *world) {
	const it, evicted = "{kind: Deployment, namespace: NS, name: tidy}", "{namespace: NS, name: tidy, atLeast: 1}"
	s := w.begin(t, "template", web("tidy", 2, "worker-1"))
	pod := func() string {
		return strings.TrimSpace(s.kubectl("get", "pods", "--output=jsonpath={.items[0].metadata.name}"))
	}
	s.fails("pod/stopped-by-itself", evicted, "0 were evicted")
	s.kubectl("rollout", "restart", "deployment/tidy")
	s.kubectl("rollout", "status", "deployment/tidy", "--timeout=60s")
	s.settle()
	s.passes("workload/template-unchanged", it)
	s.kubectl("drain", "worker-1", "--ignore-daemonsets", "--pod-selector=app=tidy")
	s.kubectl("uncordon", "worker-1")
	s.settle()
	s.passes("workload/pods-not-deleted", it)
	s.passes("pod/stopped-by-itself", evicted)
	s.fails("workload/termination-grace", "{kind: Deployment, namespace: NS, name: tidy, atLeast: 45}", "terminationGracePeriodSeconds is 1")
	s.passes("workload/termination-grace", "{kind: Deployment, namespace: NS, name: tidy, atLeast: 1}")
	s.fails("workload/pre-stop-pause", "{kind: Deployment, namespace: NS, name: tidy, atLeast: 5}", "container web pauses for 0 seconds")
	gone := pod()
	s.kubectl("delete", "pod", gone, "--grace-period=0", "--force")
	s.fails("workload/pods-not-deleted", it, "learner deleted pod "+gone, "its ReplicaSet made another one")
	s.fails("pod/stopped-by-itself", evicted, "pod "+gone+" was removed at once")
	s.kubectl("patch", "deployment", "tidy", "--patch", `{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":2}}}}`)
	s.fails("workload/template-unchanged", it, "was changed")
	s.kubectl("rollout", "status", "deployment/tidy", "--timeout=60s")
	s.fails("pod/stopped-by-itself", evicted, "0 were evicted")
	s.kubectl("delete", "deployment", "tidy")
	for use, with := range map[string]string{
		"workload/template-unchanged": it, "workload/zone-constraint": it, "pod/stopped-by-itself": evicted,
		"workload/termination-grace": "{kind: Deployment, namespace: NS, name: tidy, atLeast: 1}",
		"workload/pre-stop-pause":    "{kind: Deployment, namespace: NS, name: tidy, atLeast: 1}",
		"workload/leaves-lost-nodes": "{kind: Deployment, namespace: NS, name: tidy, atMost: 30}",
	} {
		s.fails(use, with, "deployment/tidy was deleted")
	}
}

func spreadOrNot(t *testing.T, w *world) {
	const it, zones = "{kind: Deployment, namespace: NS, name: web}", "{kind: Deployment, namespace: NS, name: web, survivors: 2}"
	s := w.begin(t, "spread", strings.Replace(web("web", 3, "worker-1"), "containers:", "nodeSelector: {topology.kubernetes.io/zone: z1}\n      containers:", 1))
	s.fails("workload/zone-constraint", it, "no topologySpreadConstraint")
	s.fails("workload/survives-zone", zones, "z1: 3, z2: 0, z3: 0")
	s.kubectl("patch", "deployment", "web", "--type=merge", "--patch", `{"spec":{"template":{"spec":{"nodeSelector":null,"topologySpreadConstraints":[
		{"topologyKey":"topology.kubernetes.io/zone","maxSkew":1,"whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"web"}},"matchLabelKeys":["pod-template-hash"]}]}}}}`)
	s.passes("workload/zone-constraint", it)
	s.passes("workload/survives-zone", zones)
	s.fails("workload/survives-zone", "{kind: Deployment, namespace: NS, name: web, survivors: 3}", "z1: 1, z2: 1, z3: 1")
	s.fails("workload/survives-node-loss", "{namespace: NS, name: web, node: worker-4, within: 120}", "sends heartbeats")
	s.fails("workload/survives-node-loss", "{namespace: NS, name: web, node: worker-9, within: 120}", "no node worker-9")
}
