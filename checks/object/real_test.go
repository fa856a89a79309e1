package object_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/k8slab/k8slab/checks/object"
	"github.com/k8slab/k8slab/internal/checkstest"
	"github.com/k8slab/k8slab/internal/testcluster"
)

func TestMain(m *testing.M) { testcluster.Main(m) }

// TestOnARealCluster plays what learners do, right and wrong, with the real kubectl on a real control plane.
func TestOnARealCluster(t *testing.T) {
	checkstest.Run(t, object.Definitions(),
		checkstest.Story{Name: "objects that go and come back", Play: identities},
		checkstest.Story{Name: "expressions in CEL", Play: expressions},
		checkstest.Story{Name: "a status that is written by hand", Play: statusByHand},
	)
}

func identities(t *testing.T, w *checkstest.World) {
	const it = "objects: [{kind: apps/Deployment, namespace: NS, name: web}, {kind: DaemonSet, namespace: NS, name: agent}]"
	s := w.Begin(t, "identity", checkstest.Web("web", 1, "worker-4"), checkstest.Agent, checkstest.Budget("web", "{minAvailable: 1, selector: {matchLabels: {app: web}}}"))
	s.Kubectl("scale", "deployment/web", "--replicas=2")
	s.Passes("object/same-identity", it)
	s.Kubectl("delete", "pdb", "web")
	s.Fails("object/same-identity", "objects: [{kind: PodDisruptionBudget, namespace: NS, name: web}]", "poddisruptionbudget/web was deleted")
	s.Kubectl("delete", "deployment", "web")
	s.Fails("object/same-identity", it, "deployment/web was deleted")
	s.Apply(checkstest.Web("web", 1, "worker-4"))
	s.Kubectl("delete", "daemonset", "agent")
	s.Fails("object/same-identity", it, "deployment/web was deleted and made again", "; daemonset/agent was deleted")
	if _, err := s.Try("object/same-identity", "objects: [{kind: Deployment, namespace: NS, name: never}]"); err == nil {
		t.Error("an object that was not there at the start is judged; want an error")
	}
}

// celCheck writes parameters of cel/expression.
func celCheck(of, expression string, more ...string) string {
	return fmt.Sprintf("{%s, expression: %q, want: {en: wanted, ja: 期待}, why: {en: it matters, ja: 大事}%s}", of, expression, strings.Join(append([]string{""}, more...), ", "))
}

// cart is a kind that no list of built-in kinds holds.
const cart = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: carts.shop.test}
spec:
  group: shop.test
  names: {kind: Cart, plural: carts, singular: cart, listKind: CartList}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {wheels: {type: integer}}}}}}
`

func expressions(t *testing.T, w *checkstest.World) {
	const (
		use  = "cel/expression"
		web1 = "object: {apiVersion: apps/v1, kind: Deployment, namespace: NS, name: web}"
		pods = "list: {apiVersion: v1, kind: Pod, namespace: NS, selector: app=web}"
		said = "got: {en: \"'it has ' + string(object.spec.replicas)\", ja: \"string(object.spec.replicas) + ' 個'\"}"
	)
	s := w.Begin(t, "cel", checkstest.Web("web", 2, "worker-1"))
	three := celCheck(web1, "object.spec.replicas == 3", said)
	s.Fails(use, three, "it has 2", "deployment/web")
	s.Fails(use, celCheck(web1, "object.spec.replicas == 3"), "deployment/web is not like that")
	s.Fails(use, celCheck(web1, "object.metadata.labels.team == 'shop'"), "no such key: labels", "lacks a field")
	s.Fails(use, celCheck(web1, "object.metadata.labels.team == 'shop'", "got: {en: object.metadata.labels.team, ja: object.metadata.labels.team}"), "lacks a field")
	s.Fails(use, celCheck(strings.Replace(web1, "name: web", "name: nowhere", 1), "true"), "there is no deployment/nowhere")
	s.Passes(use, celCheck(web1, "object.metadata.uid == baseline.metadata.uid"))
	s.Passes(use, celCheck(web1, "now > timestamp(object.metadata.creationTimestamp)"))
	s.Passes(use, celCheck(pods, "items.size() == 2 && items.all(p, baseline.exists(b, b.metadata.uid == p.metadata.uid))"))

	s.Kubectl("scale", "deployment/web", "--replicas=3")
	s.Passes(use, three)
	rollout := "pending: \"object.status.?readyReplicas.orValue(0) < object.spec.replicas ? 'the rollout of web' : ''\""
	s.Passes(use, celCheck(web1, "object.status.readyReplicas == 3", rollout)) // at once: what is pending is waited for
	s.Passes(use, celCheck(pods, "items.size() == 3 && baseline.size() == 2"))
	s.Fails(use, celCheck(pods, "items.all(p, p.spec.nodeName == 'worker-9')"), "pods is not like that")
	s.Kubectl("label", "deployment", "web", "team=shop")
	s.Passes(use, celCheck(web1, "object.metadata.labels.team == 'shop'"))

	s.Kubectl("delete", "deployment", "web", "--cascade=foreground")
	s.Fails(use, three, "deployment/web was deleted")
	s.Apply(checkstest.Web("web", 2, "worker-1"))
	s.Fails(use, celCheck(web1, "object.metadata.uid == baseline.metadata.uid"), "is not like that")

	of := "object: {apiVersion: shop.test/v1, kind: Cart, namespace: NS, name: mine}"
	all := "list: {apiVersion: shop.test/v1, kind: Cart}"
	s.Fails(use, celCheck(of, "object.spec.wheels == 4"), "the cluster knows no kind Cart of shop.test/v1")
	s.Passes(use, celCheck(all, "items.size() == 0"))
	s.Apply(cart)
	s.Kubectl("wait", "--for=condition=Established", "crd/carts.shop.test", "--timeout=60s")
	s.Fails(use, celCheck(of, "object.spec.wheels == 4"), "there is no cart/mine")
	s.Apply("apiVersion: shop.test/v1\nkind: Cart\nmetadata: {name: mine}\nspec: {wheels: 4}\n")
	s.Passes(use, celCheck(of, "object.spec.wheels == 4 && baseline == null"))
	s.Passes(use, celCheck(all, "items.size() == 1"))
	s.Kubectl("delete", "crd", "carts.shop.test")

	for name, with := range map[string]string{
		"a comparison of other types": celCheck(web1, "object.spec.replicas > 'two'.size() + object.metadata.name"),
		"a namespace that is missing": celCheck("object: {apiVersion: coordination.k8s.io/v1, kind: Lease, name: mine}", "true"),
	} {
		if _, err := s.Try(use, with); err == nil || !strings.Contains(err.Error(), use) {
			t.Errorf("%s: the error is %v, want one that names the check", name, err)
		}
	}
}

func statusByHand(t *testing.T, w *checkstest.World) {
	const (
		it  = "objects: [{group: apiextensions.k8s.io, resource: customresourcedefinitions, name: carts.shop.test}]"
		crd = "crd/carts.shop.test"
	)
	s := w.Begin(t, "status")
	s.Passes("object/status-not-written", it)
	s.Apply(cart)
	s.Kubectl("wait", "--for=condition=Established", crd, "--timeout=60s")
	s.Passes("object/status-not-written", it) // the control plane has written it
	s.Kubectl("patch", crd, "--subresource=status", "--type=merge", `--patch={"status":{"storedVersions":["v1"]}}`, "--dry-run=server")
	s.Passes("object/status-not-written", it)
	s.Kubectl("patch", crd, "--subresource=status", "--type=merge", `--patch={"status":{"storedVersions":["v1"]}}`)
	s.Fails("object/status-not-written", it, "learner wrote the status of carts.shop.test")
	s.Kubectl("delete", crd)
}
