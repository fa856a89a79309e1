package checks_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine/history"
)

// ghost is a Node without a machine, whose kubelet says what the test wants.
func (s *scene) ghost(name, version, labels string) {
	s.t.Helper()
	s.apply(fmt.Sprintf("apiVersion: v1\nkind: Node\nmetadata: {name: %s, labels: {%s}}\nspec: {unschedulable: true}\n", name, labels))
	s.kubectl("patch", "node", name, "--subresource=status", "--patch", fmt.Sprintf(`{"status":{"nodeInfo":{"kubeletVersion":%q}}}`, version))
}

// include makes objects part of the starting state, as they are now.
func (s *scene) include(gvr schema.GroupVersionResource, namespace string, names ...string) {
	s.t.Helper()
	b, _ := s.env.Baseline.(baseline)
	for _, name := range names {
		o, err := s.env.Dynamic.Resource(gvr).Namespace(namespace).Get(s.t.Context(), name, metav1.GetOptions{})
		if err != nil {
			s.t.Fatal(err)
		}
		b = append(b, o)
	}
	s.env.Baseline = b
}

func nodesResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: "nodes"}
}

func skew(t *testing.T, w *world) {
	const it = "{label: skew, ok: fine, bad: bad}"
	s := w.begin(t, "skew")
	names := []string{"ghost-33", "ghost-34", "ghost-37", "ghost-38"}
	for _, name := range names {
		s.ghost(name, "v1."+strings.TrimPrefix(name, "ghost-")+".0", "")
	}
	s.include(nodesResource(), "", names...)
	s.fails("node/skew-labels", it, "node ghost-33 has no label skew", "ghost-38 has no label skew")
	s.kubectl("label", "node", "ghost-34", "ghost-37", "skew=fine")
	s.kubectl("label", "node", "ghost-33", "ghost-38", "skew=bad")
	s.passes("node/skew-labels", it)
	for node, wrong := range map[string]struct{ label, why string }{
		"ghost-33": {"fine", "three"}, "ghost-34": {"bad", "n-2) is old advice"}, "ghost-37": {"bad", "own minor version"}, "ghost-38": {"fine", "never be newer"},
	} {
		right := strings.TrimSpace(s.kubectl("get", "node", node, "--output=jsonpath={.metadata.labels.skew}"))
		s.kubectl("label", "node", node, "--overwrite", "skew="+wrong.label)
		s.fails("node/skew-labels", it, "node "+node+" is labelled skew="+wrong.label)
		if r := s.judge("node/skew-labels", it); !strings.Contains(r.Why.EN, wrong.why) && node != "ghost-33" {
			t.Errorf("%s: the reason is %q, want %q in it", node, r.Why.EN, wrong.why)
		}
		s.kubectl("label", "node", node, "--overwrite", "skew="+right)
	}
	s.kubectl("label", "node", "ghost-37", "--overwrite", "skew=perhaps")
	s.fails("node/skew-labels", it, "skew=perhaps")
	s.kubectl("delete", "node", "ghost-33")
	s.fails("node/skew-labels", it, "no node ghost-33")

	s.passes("node/kubelet-version", `{nodes: [ghost-37], release: "1.37"}`)
	s.fails("node/kubelet-version", `{nodes: [ghost-37, ghost-38], release: "1.37"}`, "ghost-38 v1.38.0")
	s.fails("node/kubelet-version", `{nodes: [ghost-37], release: "1.3"}`, "ghost-37 v1.37.0")
	s.kubectl("delete", "node", "ghost-34", "ghost-37", "ghost-38")
}

func upgrades(t *testing.T, w *world) {
	s := w.begin(t, "upgrades")
	s.passes("control-plane/version", `{release: "1.37", gone: [storage.k8s.io/v1beta1]}`)
	s.fails("control-plane/version", `{release: "1.36"}`, "the API server is v1.37.")
	s.fails("control-plane/version", `{release: "1.37", gone: [storage.k8s.io/v1beta1, apps/v1]}`, "apps/v1 is still served")
	s.passes("upgrade/none", "{}")
	s.passes("upgrade/not-forced", "{}")
	all := []history.Upgrade{{Time: time.Now(), From: "v1.36.3", To: "v1.37.2", Outcome: history.RolledBack}}
	s.env.Upgrades = upgraded(all...)
	s.passes("upgrade/none", "{}")
	all = append(all, history.Upgrade{Time: time.Now(), Node: "worker-1", From: "v1.36.0", To: "v1.37.0", Outcome: history.Upgraded, Forced: true, Ignored: []string{"pods"}})
	s.env.Upgrades = upgraded(all...)
	s.fails("upgrade/none", "{}", "node/worker-1 went from v1.36.0 to v1.37.0")
	s.passes("upgrade/not-forced", "{}") // it is about the control plane
	s.env.Upgrades = upgraded(append(all, history.Upgrade{Time: time.Now(), From: "v1.36.3", To: "v1.37.2", Outcome: history.Upgraded, Forced: true, Ignored: []string{"ci-bot still calls"}})...)
	s.fails("upgrade/not-forced", "{}", "ci-bot still calls", "record of upgrades")
	s.env.Upgrades = nil
	if _, err := s.try("upgrade/none", "{}"); !errors.Is(err, history.ErrNotRecorded) {
		t.Errorf("on a cluster that k8slab does not upgrade the error is %v, want %v", err, history.ErrNotRecorded)
	}
}

func removedNodes(t *testing.T, w *world) {
	const gone = "nodes: [ghost-a, ghost-b]"
	s := w.begin(t, "removed")
	s.ghost("ghost-a", "v1.37.0", "agentpool: blue")
	s.ghost("ghost-b", "v1.37.0", "agentpool: blue")
	s.include(nodesResource(), "", "ghost-a", "ghost-b")
	s.env.Since = time.Now()
	s.fails("pod/on-nodes", "{namespace: NS, nodes: agentpool=green}", "there is no pod")
	s.apply(strings.Replace(scratch("ghost-b"), "name: scratch", "name: left", 1))
	s.fails("pod/on-nodes", "{namespace: NS, nodes: agentpool=green}", "left is on ghost-b")
	s.passes("pod/on-nodes", "{namespace: NS, nodes: agentpool=blue}")
	s.apply(strings.Replace(scratch("ghost-b"), "name: scratch", "name: leaving", 1))
	s.kubectl("delete", "pod", "leaving", "--wait=false") // which takes as long as nobody is there who would end it
	r, err := s.once("pod/on-nodes", "{namespace: NS, nodes: agentpool=green}")
	if err != nil || r.Pending != "" || r.Object != "pod/left" || strings.Contains(r.Got.EN, "leaving") {
		t.Errorf("beside a pod that goes, one that stays is judged %+v, %v", r, err)
	}
	s.kubectl("delete", "pod", "left", "--wait=false")
	r, err = s.once("pod/on-nodes", "{namespace: NS, nodes: agentpool=green}")
	if err != nil || r.Outcome != checks.Failed || r.Pending == "" || !strings.Contains(r.Got.EN, "leaving is on ghost-b; left is on ghost-b") {
		t.Errorf("pods that go are judged %+v, %v", r, err)
	}
	s.kubectl("delete", "pods", "left", "leaving", "--force", "--grace-period=0")
	s.apply(strings.Replace(scratch("ghost-b"), "name: scratch", "name: left", 1))
	s.kubectl("label", "node", "ghost-b", "agentpool=green", "--overwrite")
	s.fails("pod/on-nodes", "{namespace: NS, nodes: agentpool=green}", "left is on ghost-b")

	s.fails("node/removed-empty", gone, "still part of the cluster: ghost-a, ghost-b")
	s.kubectl("delete", "node", "ghost-a")
	s.passes("node/removed-empty", "nodes: [ghost-a]")
	s.fails("node/removed-empty", gone, "still part of the cluster: ghost-b")
	s.kubectl("delete", "node", "ghost-b")
	s.fails("node/removed-empty", gone, "when node ghost-b was deleted at ", "removed/left")
	s.kubectl("delete", "pod", "left", "--force", "--grace-period=0")
	s.fails("node/removed-empty", gone, "removed/left") // what was, was
	if _, err := s.try("node/removed-empty", "nodes: [ghost-z]"); err == nil {
		t.Error("a node that was never there is judged; want an error")
	}
	s.env.Record = nil
	if _, err := s.try("node/removed-empty", gone); err == nil {
		t.Error("it is judged without a record; want an error")
	}
}

// requests is a history that was made up.
type requests []history.Request

func (r requests) Requests(_ context.Context, q history.Query) (found []history.Request, err error) {
	for _, one := range r {
		if q.Selects(one) {
			found = append(found, one)
		}
	}
	return found, nil
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
func deprecatedCallers(t *testing.T, w *world) {
	const it = "{namespace: NS, configMap: manifests}"
	s := w.begin(t, "warned", manifests)
	s.include(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, "warned", "manifests")
	s.fails("manifests/no-warnings", it, "Endpoints is deprecated", "warns of the manifest of endpoints/shop")
	patch := func(a string) {
		t.Helper()
		s.kubectl("patch", "configmap", "manifests", "--type=merge", "--patch", fmt.Sprintf(`{"data":{"a.yaml":%q}}`, a))
	}
	budgetOf := func(version, spec string) string {
		return "apiVersion: " + version + "\nkind: PodDisruptionBudget\nmetadata: {name: shop, namespace: warned}\nspec: " + spec + "\n"
	}
	const spec = "{minAvailable: 1, selector: {matchLabels: {app: shop}}}"
	patch(budgetOf("policy/v1", spec))
	s.fails("manifests/no-warnings", it, "the manifest of endpoints/shop is gone")
	s.include(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, "warned")
	s.env.Baseline = baseline(nil)
	s.include(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, "warned", "manifests")
	s.passes("manifests/no-warnings", it)
	patch(budgetOf("policy/v1", "{unhealthyPodEvictionPolicy: AlwaysAllow, selector: {matchLabels: {app: shop}}, minAvailable: 1}"))
	s.passes("manifests/no-warnings", it)
	patch(budgetOf("policy/v1beta1", spec))
	s.fails("manifests/no-warnings", it, "serves no PodDisruptionBudget in policy/v1beta1")
	patch(budgetOf("policy/v1", "{minAvailable: 2, selector: {matchLabels: {app: shop}}}"))
	s.fails("manifests/no-warnings", it, "spec.minAvailable")
	patch("a: [")
	s.fails("manifests/no-warnings", it, "cannot be read as YAML")
	patch("a: b")
	s.fails("manifests/no-warnings", it, "lacks apiVersion")
	patch(budgetOf("policy/v1", spec))

	const callers = "{namespace: NS, configMap: manifests, serviceAccount: bot}"
	began := time.Now()
	s.env.Since = began
	at := func(seconds int, user, group, resource string, deprecated bool) history.Request {
		return history.Request{Time: began.Add(time.Duration(seconds) * time.Second), Verb: "patch", User: user, Group: group, Resource: resource, Namespace: "warned", Name: "shop", Code: 200, Deprecated: deprecated, RemovedRelease: "1.99"}
	}
	const bot = "system:serviceaccount:warned:bot"
	old, applied := at(5, bot, "", "endpoints", true), at(20, bot, "policy", "poddisruptionbudgets", false)
	mended := at(10, "learner", "", "configmaps", false)
	mended.Name = "manifests"
	s.env.History = requests{old, mended, applied}
	s.passes("api/deprecated-not-called", callers)
	tried := at(30, "learner", "", "endpoints", true)
	tried.DryRun = true
	s.env.History = requests{old, mended, applied, tried}
	s.passes("api/deprecated-not-called", callers)
	late := at(12, bot, "policy", "poddisruptionbudgets", true) // it had read the manifests before they were mended
	s.env.History = requests{mended, late, applied}
	s.passes("api/deprecated-not-called", callers)
	for _, story := range []requests{{old, applied}, {mended, late}, {mended, applied, at(30, bot, "policy", "poddisruptionbudgets", true)}} {
		s.env.History = story
		r, err := s.once("api/deprecated-not-called", callers)
		if err != nil || r.Pending == "" || !strings.Contains(r.Got.EN, bot+" wrote ") || !strings.Contains(r.Cause, "1.99") {
			t.Errorf("the answer is %v, %v; want one that waits for the bot to write another way", tell(r), err)
		}
	}
	s.env.History = requests{old, mended, applied, at(30, "learner", "", "endpoints", true)}
	s.fails("api/deprecated-not-called", callers, "learner wrote endpoints/shop")
	refused := applied
	refused.Code = 403
	for _, story := range []requests{{old, mended}, {old, applied, mended, at(12, "learner", "policy", "poddisruptionbudgets", false)}, {mended, refused}} {
		s.env.History = story
		if story[0].Time.Equal(old.Time) && len(story) == 4 {
			story[1].Time = began.Add(7 * time.Second) // before the manifests were mended
		}
		r, err := s.once("api/deprecated-not-called", callers)
		if err != nil || r.Pending == "" || !strings.Contains(r.Got.EN, "bot has not applied poddisruptionbudget/shop") {
			t.Errorf("the answer is %v, %v; want one that waits", tell(r), err)
		}
	}
	s.env.Upgrades = upgraded(history.Upgrade{Time: began.Add(8 * time.Second), Outcome: history.Upgraded})
	s.env.History = requests{old, applied}
	s.passes("api/deprecated-not-called", callers)
}

const coupons = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: coupons.checks.test}
spec:
  group: checks.test
  scope: Namespaced
  names: {kind: Coupon, listKind: CouponList, plural: coupons, singular: coupon}
  versions:
  - {name: v1alpha1, served: true, storage: %v, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
  - {name: v1, served: true, storage: %v, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`

func storedVersions(t *testing.T, w *world) {
	const (
		versions = "{name: coupons.checks.test, versions: [v1]}"
		migrated = "{group: checks.test, resource: coupons}"
		kept     = "{name: coupons.checks.test, kind: Coupon}"
		byHand   = "objects: [{group: apiextensions.k8s.io, resource: customresourcedefinitions, name: coupons.checks.test}]"
		crd      = "crd/coupons.checks.test"
	)
	s := w.begin(t, "stored", fmt.Sprintf(coupons, true, false))
	s.kubectl("wait", "--for=condition=Established", crd, "--timeout=60s")
	coupon := "apiVersion: checks.test/v1\nkind: Coupon\nmetadata: {name: %s}\nspec: {percent: 10}\n"
	s.apply(fmt.Sprintf(coupon, "one"))
	s.apply(fmt.Sprintf(coupon, "two"))
	s.apply(fmt.Sprintf(coupons, false, true))
	s.include(schema.GroupVersionResource{Group: "checks.test", Version: "v1", Resource: "coupons"}, "stored", "one", "two")
	s.env.Since = time.Now()

	s.fails("crd/versions", versions, "spec.versions is [v1alpha1, v1], status.storedVersions is [v1alpha1, v1]")
	s.fails("crd/versions", "{name: nothing.checks.test, versions: [v1]}", "nothing.checks.test")
	s.fails("storage/migrated", migrated, "there is no StorageVersionMigration of coupons.checks.test")
	s.passes("crd/objects-kept", kept)
	s.passes("object/status-not-written", byHand)
	s.apply("apiVersion: storagemigration.k8s.io/v1\nkind: StorageVersionMigration\nmetadata: {name: coupons-checks}\nspec: {resource: {group: checks.test, resource: coupons}}\n")
	if r, err := s.once("storage/migrated", migrated); err != nil || r.Outcome != checks.Passed && r.Pending == "" {
		t.Errorf("the answer is %v, %v; want one that waits for the migration", tell(r), err)
	}
	// The controller looks again after twice the time of the last try, until the garbage collector, which reads every 30 s what is served,
	// has a copy of the coupons that is as new as the migration: sync in pkg/controller/storageversionmigrator of Kubernetes.
	s.kubectl("wait", "--for=condition=Succeeded", "storageversionmigration/coupons-checks", "--timeout=180s")
	s.passes("storage/migrated", migrated)
	s.fails("storage/migrated", "{group: checks.test, resource: others}", "there is no StorageVersionMigration")
	s.kubectl("wait", "--for=jsonpath={.status.storedVersions[0]}=v1", crd, "--timeout=60s") // a moment after the migration has succeeded
	s.fails("crd/versions", versions, "status.storedVersions is [v1]")
	s.passes("object/status-not-written", byHand)
	s.kubectl("patch", crd, "--type=json", `--patch=[{"op":"remove","path":"/spec/versions/0"}]`)
	s.passes("crd/versions", versions)
	s.passes("crd/objects-kept", kept)

	s.kubectl("patch", crd, "--subresource=status", "--type=merge", `--patch={"status":{"storedVersions":["v1"]}}`, "--dry-run=server")
	s.passes("object/status-not-written", byHand)
	s.kubectl("patch", crd, "--subresource=status", "--type=merge", `--patch={"status":{"storedVersions":["v1"]}}`)
	s.fails("object/status-not-written", byHand, "learner wrote the status of coupons.checks.test")
	s.kubectl("patch", "coupon", "one", "--type=merge", `--patch={"spec":{"percent":90}}`)
	s.fails("crd/objects-kept", kept, "one was changed: spec.percent")
	s.kubectl("delete", "coupon", "one")
	s.fails("crd/objects-kept", kept, "one has been deleted")
	s.apply(fmt.Sprintf(coupon, "one"))
	s.fails("crd/objects-kept", kept, "made again")

	// What is stored in a version that is gone cannot be read.
	s.apply(strings.ReplaceAll(fmt.Sprintf(coupons, false, true), "v1alpha1", "v2"))
	s.apply(strings.ReplaceAll(fmt.Sprintf(coupons, true, false), "v1alpha1", "v2"))
	s.kubectl("patch", crd, "--subresource=status", "--type=merge", `--patch={"status":{"storedVersions":["v2"]}}`)
	s.kubectl("patch", crd, "--type=json", `--patch=[{"op":"remove","path":"/spec/versions/1"}]`)
	s.fails("crd/objects-kept", kept, "cannot read what is stored", "convert")
	s.apply(strings.ReplaceAll(fmt.Sprintf(coupons, true, false), "v1alpha1", "v2")) // or nobody could delete them
	s.kubectl("delete", crd)
	s.fails("crd/objects-kept", kept, "coupons.checks.test")
}
