package checks_test

import (
	"fmt"
	"strings"
	"testing"
)

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

func expressions(t *testing.T, w *world) {
	const (
		use  = "cel/expression"
		web1 = "object: {apiVersion: apps/v1, kind: Deployment, namespace: NS, name: web}"
		pods = "list: {apiVersion: v1, kind: Pod, namespace: NS, selector: app=web}"
		said = "got: {en: \"'it has ' + string(object.spec.replicas)\", ja: \"string(object.spec.replicas) + ' 個'\"}"
	)
	s := w.begin(t, "cel", web("web", 2, "worker-1"))
	three := celCheck(web1, "object.spec.replicas == 3", said)
	s.fails(use, three, "it has 2", "deployment/web")
	s.fails(use, celCheck(web1, "object.spec.replicas == 3"), "deployment/web is not like that")
	s.fails(use, celCheck(web1, "object.metadata.labels.team == 'shop'"), "no such key: labels", "lacks a field")
	s.fails(use, celCheck(web1, "object.metadata.labels.team == 'shop'", "got: {en: object.metadata.labels.team, ja: object.metadata.labels.team}"), "lacks a field")
	s.fails(use, celCheck(strings.Replace(web1, "name: web", "name: nowhere", 1), "true"), "there is no deployment/nowhere")
	s.passes(use, celCheck(web1, "object.metadata.uid == baseline.metadata.uid"))
	s.passes(use, celCheck(web1, "now > timestamp(object.metadata.creationTimestamp)"))
	s.passes(use, celCheck(pods, "items.size() == 2 && items.all(p, baseline.exists(b, b.metadata.uid == p.metadata.uid))"))

	s.kubectl("scale", "deployment/web", "--replicas=3")
	s.passes(use, three)
	rollout := "pending: \"object.status.?readyReplicas.orValue(0) < object.spec.replicas ? 'the rollout of web' : ''\""
	s.passes(use, celCheck(web1, "object.status.readyReplicas == 3", rollout)) // at once: what is pending is waited for
	s.passes(use, celCheck(pods, "items.size() == 3 && baseline.size() == 2"))
	s.fails(use, celCheck(pods, "items.all(p, p.spec.nodeName == 'worker-9')"), "pods is not like that")
	s.kubectl("label", "deployment", "web", "team=shop")
	s.passes(use, celCheck(web1, "object.metadata.labels.team == 'shop'"))

	s.kubectl("delete", "deployment", "web", "--cascade=foreground")
	s.fails(use, three, "deployment/web was deleted")
	s.apply(web("web", 2, "worker-1"))
	s.fails(use, celCheck(web1, "object.metadata.uid == baseline.metadata.uid"), "is not like that")

	of := "object: {apiVersion: shop.test/v1, kind: Cart, namespace: NS, name: mine}"
	all := "list: {apiVersion: shop.test/v1, kind: Cart}"
	s.fails(use, celCheck(of, "object.spec.wheels == 4"), "the cluster knows no kind Cart of shop.test/v1")
	s.passes(use, celCheck(all, "items.size() == 0"))
	s.apply(cart)
	s.kubectl("wait", "--for=condition=Established", "crd/carts.shop.test", "--timeout=60s")
	s.fails(use, celCheck(of, "object.spec.wheels == 4"), "there is no cart/mine")
	s.apply("apiVersion: shop.test/v1\nkind: Cart\nmetadata: {name: mine}\nspec: {wheels: 4}\n")
	s.passes(use, celCheck(of, "object.spec.wheels == 4 && baseline == null"))
	s.passes(use, celCheck(all, "items.size() == 1"))
	s.kubectl("delete", "crd", "carts.shop.test")

	for name, with := range map[string]string{
		"a comparison of other types": celCheck(web1, "object.spec.replicas > 'two'.size() + object.metadata.name"),
		"a namespace that is missing": celCheck("object: {apiVersion: coordination.k8s.io/v1, kind: Lease, name: mine}", "true"),
	} {
		if _, err := s.try(use, with); err == nil || !strings.Contains(err.Error(), use) {
			t.Errorf("%s: the error is %v, want one that names the check", name, err)
		}
	}
}
