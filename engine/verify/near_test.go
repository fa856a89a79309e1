package verify

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

func object(t *testing.T, manifest string) *unstructured.Unstructured {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	return o
}

// seen is an observation of the objects in the manifests.
func seen(t *testing.T, manifests ...string) observation {
	t.Helper()
	all := observation{}
	for _, m := range manifests {
		o := object(t, m)
		all.keep(schema.GroupVersionResource{Version: "v1", Resource: strings.ToLower(o.GetKind()) + "s"}, o)
	}
	return all
}

const (
	budget    = "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: web, namespace: shop, uid: a, resourceVersion: '1'}, spec: {minAvailable: 1}, status: {x: 1}}"
	raised    = "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: web, namespace: shop, uid: a, resourceVersion: '9'}, spec: {minAvailable: 3}, status: {x: 2}}"
	replaced  = "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: web, namespace: shop, uid: b}, spec: {minAvailable: 3}}"
	percent   = "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: web, namespace: shop, uid: a}, spec: {minAvailable: '50%'}}"
	percents  = "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: web, namespace: shop, uid: a}, spec: {minAvailable: '100%'}}"
	node      = "{apiVersion: v1, kind: Node, metadata: {name: worker-2, uid: n}, spec: {}}"
	cordoned  = "{apiVersion: v1, kind: Node, metadata: {name: worker-2, uid: n}, spec: {unschedulable: true, taints: [{key: node.kubernetes.io/unschedulable, effect: NoSchedule}]}}"
	debugging = "{apiVersion: v1, kind: Pod, metadata: {name: debug, namespace: shop, uid: p}, spec: {nodeName: worker-2}}"
	owned     = "{apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: shop, uid: q, ownerReferences: [{kind: ReplicaSet, name: web, controller: true, apiVersion: apps/v1, uid: r}]}}"
	two       = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop, uid: d, annotations: {deployment.kubernetes.io/revision: '1'}}, spec: {replicas: 2}}"
	three     = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop, uid: d, annotations: {deployment.kubernetes.io/revision: '2'}}, spec: {replicas: 3}}"
)

// bundle is an object that the field manager has made.
func bundle(manager string) string {
	return "{apiVersion: certificates.k8s.io/v1beta1, kind: ClusterTrustBundle, metadata: {name: by-" + manager + ", managedFields: [{manager: " + manager + "}]}}"
}

func TestNearMissesAreDerivedFromWhatTheSolutionChanged(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after []string
		want          []string
	}{
		{"statuses, versions and the pods of controllers are nobody's work",
			[]string{two, owned}, []string{strings.Replace(two, "revision: '1'", "revision: '2'", 1)}, nil},
		{"what only the control plane has written is nobody's work", []string{node}, []string{cordoned, bundle("kube-controller-manager"), bundle("kubectl-create")},
			[]string{"without/clustertrustbundle/by-kubectl-create", "without/node/worker-2", "deleted/node/worker-2", "recreated/node/worker-2", "reverted"}},
		{"one object that was changed",
			[]string{budget}, []string{raised},
			[]string{"wrong-namespace", "deleted/poddisruptionbudget/shop/web", "recreated/poddisruptionbudget/shop/web",
				"off-by-one/poddisruptionbudget/shop/web/spec.minAvailable", "reverted"}},
		{"an object that the solution replaces is not wrong because it is another one",
			[]string{budget}, []string{replaced},
			[]string{"wrong-namespace", "deleted/poddisruptionbudget/shop/web", "off-by-one/poddisruptionbudget/shop/web/spec.minAvailable", "reverted"}},
		{"a percentage is a number",
			[]string{percent}, []string{percents},
			[]string{"wrong-namespace", "deleted/poddisruptionbudget/shop/web", "recreated/poddisruptionbudget/shop/web",
				"off-by-one/poddisruptionbudget/shop/web/spec.minAvailable", "reverted"}},
		{"a number that moved by one has nothing in between",
			[]string{two}, []string{three},
			[]string{"wrong-namespace", "deleted/deployment/shop/web", "recreated/deployment/shop/web", "reverted"}},
		{"a node that was cordoned, and a pod that was removed",
			[]string{node, debugging}, []string{cordoned},
			[]string{"without/node/worker-2", "deleted/node/worker-2", "recreated/node/worker-2", "without/pod/shop/debug", "reverted"}},
		{"an object that was made can be left out or be elsewhere",
			[]string{node}, []string{cordoned, budget, three},
			[]string{"wrong-namespace", "without/deployment/shop/web", "only/deployment/shop/web", "without/node/worker-2", "only/node/worker-2",
				"deleted/node/worker-2", "recreated/node/worker-2", "without/poddisruptionbudget/shop/web", "only/poddisruptionbudget/shop/web", "reverted"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, n := range nearMisses(effects(seen(t, c.before...), seen(t, c.after...))) {
				got = append(got, n.id)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestOffByOneGoesTowardsTheStart(t *testing.T) {
	for _, c := range []struct {
		was, is, want any
		ok            bool
	}{
		{int64(30), int64(60), int64(59), true},
		{int64(3), int64(1), int64(2), true},
		{int64(2), int64(3), nil, false},
		{int64(2), int64(2), nil, false},
		{"100%", "50%", "51%", true},
		{"50", "100", nil, false},
		{int64(2), "50%", nil, false},
		{true, false, nil, false},
	} {
		got, ok := towards(c.was, c.is)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("from %v to %v: got %v, %v, want %v, %v", c.was, c.is, got, ok, c.want, c.ok)
		}
	}
}

func TestCopiesDoNotTakeWhatTheServerGivesOutOnce(t *testing.T) {
	service := creatable(object(t, "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7], ports: [{port: 80, nodePort: 30080}]}}"))
	if _, found, _ := unstructured.NestedString(service.Object, "spec", "clusterIP"); found {
		t.Error("the copy of a Service has its address")
	}
	headless := creatable(object(t, "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {clusterIP: None, clusterIPs: [None]}}"))
	if ip, _, _ := unstructured.NestedString(headless.Object, "spec", "clusterIP"); ip != "None" {
		t.Errorf("the copy of a headless Service has the address %q", ip)
	}
	job := creatable(object(t, "{apiVersion: batch/v1, kind: Job, metadata: {name: report}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {controller-uid: x, app: report}}}}}"))
	if _, found, _ := unstructured.NestedMap(job.Object, "spec", "selector"); found {
		t.Error("the copy of a Job selects the pods of the first")
	}
}
