package upgrade_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/upgrade"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/internal/checkstest"
	"github.com/k8slab/k8slab/internal/testcluster"
)

func TestMain(m *testing.M) { testcluster.Main(m) }

// TestOnARealCluster plays what learners do, right and wrong, with the real kubectl on a real control plane.
func TestOnARealCluster(t *testing.T) {
	checkstest.Run(t, upgrade.Definitions(),
		checkstest.Story{Name: "nodes that are upgraded", Play: upgradedNodes},
		checkstest.Story{Name: "versions of kubelets", Play: skew},
		checkstest.Story{Name: "upgrades", Play: upgrades},
		checkstest.Story{Name: "nodes that were removed", Play: removedNodes},
		checkstest.Story{Name: "callers of deprecated APIs", Play: deprecatedCallers},
	)
}

func upgradedNodes(t *testing.T, w *checkstest.World) {
	const both, one = "nodes: [worker-1, worker-2]", "atMost: 1"
	s := w.Begin(t, "upgrade", checkstest.Web("web", 2, "worker-2"), checkstest.Agent)
	s.Fails("node/upgraded-empty", both, "still at the version of the start: worker-1, worker-2")
	s.Passes("node/one-at-a-time", one)
	s.Kubectl("drain", "worker-1", "--ignore-daemonsets", "--force", "--delete-emptydir-data", "--timeout=60s")
	s.UpgradeNode("worker-1")
	s.Fails("node/upgraded-empty", both, "still at the version of the start: worker-2")
	s.Passes("node/upgraded-empty", "nodes: [worker-1]")
	s.Kubectl("cordon", "worker-2")
	s.Kubectl("uncordon", "worker-1", "worker-2")
	s.Fails("node/one-at-a-time", one, "it was 2: worker-1, worker-2")
	s.Passes("node/one-at-a-time", "atMost: 2")
	s.Passes("node/one-at-a-time", "{nodes: [worker-2, worker-3], atMost: 1}")
	version := s.UpgradeNode("worker-2")
	s.Kubectl("drain", "worker-2", "--ignore-daemonsets", "--force", "--delete-emptydir-data", "--timeout=60s")
	s.Kubectl("uncordon", "worker-2")
	s.Fails("node/upgraded-empty", both, "when node worker-2 became "+version+" at ", "upgrade/web-")
	if r := s.Judge("node/upgraded-empty", "nodes: [worker-2]"); strings.Contains(r.Got.EN, "agent") {
		t.Errorf("the pod of a DaemonSet counts: %s", r.Got.EN)
	}
	if _, err := s.Try("node/upgraded-empty", "nodes: [worker-9]"); err == nil {
		t.Error("a node that was never there is judged; want an error")
	}
}

func skew(t *testing.T, w *checkstest.World) {
	const it = "{label: skew, ok: fine, bad: bad}"
	s := w.Begin(t, "skew")
	names := []string{"ghost-33", "ghost-34", "ghost-37", "ghost-38"}
	for _, name := range names {
		s.Ghost(name, "v1."+strings.TrimPrefix(name, "ghost-")+".0", "")
	}
	s.Include(nodesResource(), "", names...)
	s.Fails("node/skew-labels", it, "node ghost-33 has no label skew", "ghost-38 has no label skew")
	s.Kubectl("label", "node", "ghost-34", "ghost-37", "skew=fine")
	s.Kubectl("label", "node", "ghost-33", "ghost-38", "skew=bad")
	s.Passes("node/skew-labels", it)
	for node, wrong := range map[string]struct{ label, why string }{
		"ghost-33": {"fine", "three"}, "ghost-34": {"bad", "n-2) is old advice"}, "ghost-37": {"bad", "own minor version"}, "ghost-38": {"fine", "never be newer"},
	} {
		right := strings.TrimSpace(s.Kubectl("get", "node", node, "--output=jsonpath={.metadata.labels.skew}"))
		s.Kubectl("label", "node", node, "--overwrite", "skew="+wrong.label)
		s.Fails("node/skew-labels", it, "node "+node+" is labelled skew="+wrong.label)
		if r := s.Judge("node/skew-labels", it); !strings.Contains(r.Why.EN, wrong.why) && node != "ghost-33" {
			t.Errorf("%s: the reason is %q, want %q in it", node, r.Why.EN, wrong.why)
		}
		s.Kubectl("label", "node", node, "--overwrite", "skew="+right)
	}
	s.Kubectl("label", "node", "ghost-37", "--overwrite", "skew=perhaps")
	s.Fails("node/skew-labels", it, "skew=perhaps")
	s.Kubectl("delete", "node", "ghost-33")
	s.Fails("node/skew-labels", it, "no node ghost-33")

	s.Passes("node/kubelet-version", `{nodes: [ghost-37], release: "1.37"}`)
	s.Fails("node/kubelet-version", `{nodes: [ghost-37, ghost-38], release: "1.37"}`, "ghost-38 v1.38.0")
	s.Fails("node/kubelet-version", `{nodes: [ghost-37], release: "1.3"}`, "ghost-37 v1.37.0")
	s.Kubectl("delete", "node", "ghost-34", "ghost-37", "ghost-38")
}

func nodesResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: "nodes"}
}

func upgrades(t *testing.T, w *checkstest.World) {
	s := w.Begin(t, "upgrades")
	s.Passes("control-plane/version", `{release: "1.37", gone: [storage.k8s.io/v1beta1]}`)
	s.Fails("control-plane/version", `{release: "1.36"}`, "the API server is v1.37.")
	s.Fails("control-plane/version", `{release: "1.37", gone: [storage.k8s.io/v1beta1, apps/v1]}`, "apps/v1 is still served")
	s.Passes("upgrade/none", "{}")
	s.Passes("upgrade/not-forced", "{}")
	all := []history.Upgrade{{Time: time.Now(), From: "v1.36.3", To: "v1.37.2", Outcome: history.RolledBack}}
	s.Env.Upgrades = checkstest.Upgraded(all...)
	s.Passes("upgrade/none", "{}")
	all = append(all, history.Upgrade{Time: time.Now(), Node: "worker-1", From: "v1.36.0", To: "v1.37.0", Outcome: history.Upgraded, Forced: true, Ignored: []string{"pods"}})
	s.Env.Upgrades = checkstest.Upgraded(all...)
	s.Fails("upgrade/none", "{}", "node/worker-1 went from v1.36.0 to v1.37.0")
	s.Passes("upgrade/not-forced", "{}") // it is about the control plane
	s.Env.Upgrades = checkstest.Upgraded(append(all, history.Upgrade{Time: time.Now(), From: "v1.36.3", To: "v1.37.2", Outcome: history.Upgraded, Forced: true, Ignored: []string{"ci-bot still calls"}})...)
	s.Fails("upgrade/not-forced", "{}", "ci-bot still calls", "record of upgrades")
	s.Env.Upgrades = nil
	if _, err := s.Try("upgrade/none", "{}"); !errors.Is(err, history.ErrNotRecorded) {
		t.Errorf("on a cluster that k8slab does not upgrade the error is %v, want %v", err, history.ErrNotRecorded)
	}
}

func removedNodes(t *testing.T, w *checkstest.World) {
	const gone = "nodes: [ghost-a, ghost-b]"
	s := w.Begin(t, "removed")
	s.Ghost("ghost-a", "v1.37.0", "agentpool: blue")
	s.Ghost("ghost-b", "v1.37.0", "agentpool: blue")
	s.Include(nodesResource(), "", "ghost-a", "ghost-b")
	s.Env.Since = time.Now()
	s.Fails("pod/on-nodes", "{namespace: NS, nodes: agentpool=green}", "there is no pod")
	s.Apply(strings.Replace(checkstest.Scratch("ghost-b"), "name: scratch", "name: left", 1))
	s.Fails("pod/on-nodes", "{namespace: NS, nodes: agentpool=green}", "left is on ghost-b")
	s.Passes("pod/on-nodes", "{namespace: NS, nodes: agentpool=blue}")
	s.Apply(strings.Replace(checkstest.Scratch("ghost-b"), "name: scratch", "name: leaving", 1))
	s.Kubectl("delete", "pod", "leaving", "--wait=false") // which takes as long as nobody is there who would end it
	r, err := s.Once("pod/on-nodes", "{namespace: NS, nodes: agentpool=green}")
	if err != nil || r.Pending != "" || r.Object != "pod/left" || strings.Contains(r.Got.EN, "leaving") {
		t.Errorf("beside a pod that goes, one that stays is judged %+v, %v", r, err)
	}
	s.Kubectl("delete", "pod", "left", "--wait=false")
	r, err = s.Once("pod/on-nodes", "{namespace: NS, nodes: agentpool=green}")
	if err != nil || r.Outcome != checks.Failed || r.Pending == "" || !strings.Contains(r.Got.EN, "leaving is on ghost-b; left is on ghost-b") {
		t.Errorf("pods that go are judged %+v, %v", r, err)
	}
	s.Kubectl("delete", "pods", "left", "leaving", "--force", "--grace-period=0")
	s.Apply(strings.Replace(checkstest.Scratch("ghost-b"), "name: scratch", "name: left", 1))
	s.Kubectl("label", "node", "ghost-b", "agentpool=green", "--overwrite")
	s.Fails("pod/on-nodes", "{namespace: NS, nodes: agentpool=green}", "left is on ghost-b")

	s.Fails("node/removed-empty", gone, "still part of the cluster: ghost-a, ghost-b")
	s.Kubectl("delete", "node", "ghost-a")
	s.Passes("node/removed-empty", "nodes: [ghost-a]")
	s.Fails("node/removed-empty", gone, "still part of the cluster: ghost-b")
	s.Kubectl("delete", "node", "ghost-b")
	s.Fails("node/removed-empty", gone, "when node ghost-b was deleted at ", "removed/left")
	s.Kubectl("delete", "pod", "left", "--force", "--grace-period=0")
	s.Fails("node/removed-empty", gone, "removed/left") // what was, was
	if _, err := s.Try("node/removed-empty", "nodes: [ghost-z]"); err == nil {
		t.Error("a node that was never there is judged; want an error")
	}
	s.Env.History = nil
	if _, err := s.Try("node/removed-empty", gone); err == nil {
		t.Error("it is judged without a record; want an error")
	}
}

const manifests = `
apiVersion: v1
kind: ConfigMap
metadata: {name: manifests}
data:
  a.yaml: |
    apiVersion: v1
    kind: Endpoints
    metadata: {name: shop, namespace: warned}
    subsets: [{addresses: [{ip: 10.1.2.3}]}]
    ---
    apiVersion: policy/v1
    kind: PodDisruptionBudget
    metadata: {name: shop, namespace: warned}
    spec: {minAvailable: 1, selector: {matchLabels: {app: shop}}}
`

// deprecatedCallers uses Endpoints, of which the API server has warned since 1.33 (KEP-4974).
func deprecatedCallers(t *testing.T, w *checkstest.World) {
	const it = "{namespace: NS, configMap: manifests}"
	s := w.Begin(t, "warned", manifests)
	s.Include(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, "warned", "manifests")
	s.Fails("manifests/no-warnings", it, "Endpoints is deprecated", "warns of the manifest of endpoints/shop")
	patch := func(a string) {
		t.Helper()
		s.Kubectl("patch", "configmap", "manifests", "--type=merge", "--patch", fmt.Sprintf(`{"data":{"a.yaml":%q}}`, a))
	}
	budgetOf := func(version, spec string) string {
		return "apiVersion: " + version + "\nkind: PodDisruptionBudget\nmetadata: {name: shop, namespace: warned}\nspec: " + spec + "\n"
	}
	const spec = "{minAvailable: 1, selector: {matchLabels: {app: shop}}}"
	patch(budgetOf("policy/v1", spec))
	s.Fails("manifests/no-warnings", it, "the manifest of endpoints/shop is gone")
	s.Include(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, "warned")
	s.Env.Baseline = checkstest.Baseline(nil)
	s.Include(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, "warned", "manifests")
	s.Passes("manifests/no-warnings", it)
	patch(budgetOf("policy/v1", "{unhealthyPodEvictionPolicy: AlwaysAllow, selector: {matchLabels: {app: shop}}, minAvailable: 1}"))
	s.Passes("manifests/no-warnings", it)
	patch(budgetOf("policy/v1beta1", spec))
	s.Fails("manifests/no-warnings", it, "serves no PodDisruptionBudget in policy/v1beta1")
	patch(budgetOf("policy/v1", "{minAvailable: 2, selector: {matchLabels: {app: shop}}}"))
	s.Fails("manifests/no-warnings", it, "spec.minAvailable")
	patch("a: [")
	s.Fails("manifests/no-warnings", it, "cannot be read as YAML")
	patch("a: b")
	s.Fails("manifests/no-warnings", it, "lacks apiVersion")
	patch(budgetOf("policy/v1", spec))

	const callers = "{namespace: NS, configMap: manifests, serviceAccount: bot}"
	began := time.Now()
	s.Env.Since = began
	at := func(seconds int, user, group, resource string, deprecated bool) history.Request {
		return history.Request{Time: began.Add(time.Duration(seconds) * time.Second), Verb: "patch", User: user, Group: group, Resource: resource, Namespace: "warned", Name: "shop", Code: 200, Deprecated: deprecated, RemovedRelease: "1.99"}
	}
	const bot = "system:serviceaccount:warned:bot"
	old, applied := at(5, bot, "", "endpoints", true), at(20, bot, "policy", "poddisruptionbudgets", false)
	fixed := at(10, "learner", "", "configmaps", false)
	fixed.Name = "manifests"
	s.Env.AuditLog = checkstest.MadeUp{old, fixed, applied}
	s.Passes("api/deprecated-not-called", callers)
	tried := at(30, "learner", "", "endpoints", true)
	tried.DryRun = true
	s.Env.AuditLog = checkstest.MadeUp{old, fixed, applied, tried}
	s.Passes("api/deprecated-not-called", callers)
	late := at(12, bot, "policy", "poddisruptionbudgets", true) // it had read the manifests before they were fixed
	s.Env.AuditLog = checkstest.MadeUp{fixed, late, applied}
	s.Passes("api/deprecated-not-called", callers)
	for _, story := range []checkstest.MadeUp{{old, applied}, {fixed, late}, {fixed, applied, at(30, bot, "policy", "poddisruptionbudgets", true)}} {
		s.Env.AuditLog = story
		r, err := s.Once("api/deprecated-not-called", callers)
		if err != nil || r.Pending == "" || !strings.Contains(r.Got.EN, bot+" wrote ") || !strings.Contains(r.Cause, "1.99") {
			t.Errorf("the answer is %v, %v; want one that waits for the bot to write another way", checkstest.Tell(r), err)
		}
	}
	s.Env.AuditLog = checkstest.MadeUp{old, fixed, applied, at(30, "learner", "", "endpoints", true)}
	s.Fails("api/deprecated-not-called", callers, "learner wrote endpoints/shop")
	refused := applied
	refused.Code = 403
	for _, story := range []checkstest.MadeUp{{old, fixed}, {old, applied, fixed, at(12, "learner", "policy", "poddisruptionbudgets", false)}, {fixed, refused}} {
		s.Env.AuditLog = story
		if story[0].Time.Equal(old.Time) && len(story) == 4 {
			story[1].Time = began.Add(7 * time.Second) // before the manifests were fixed
		}
		r, err := s.Once("api/deprecated-not-called", callers)
		if err != nil || r.Pending == "" || !strings.Contains(r.Got.EN, "bot has not applied poddisruptionbudget/shop") {
			t.Errorf("the answer is %v, %v; want one that waits", checkstest.Tell(r), err)
		}
	}
	s.Env.Upgrades = checkstest.Upgraded(history.Upgrade{Time: began.Add(8 * time.Second), Outcome: history.Upgraded})
	s.Env.AuditLog = checkstest.MadeUp{old, applied}
	s.Passes("api/deprecated-not-called", callers)
}
