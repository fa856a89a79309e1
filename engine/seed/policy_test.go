package seed

import (
	"strings"
	"testing"

	"github.com/k8slab/k8slab/content"
)

// TestASetUpStaysWithinItsLab tries objects that a lab from elsewhere brings.
func TestASetUpStaysWithinItsLab(t *testing.T) {
	for _, c := range []struct {
		name, manifest string
		// want is part of the reason; empty means that the object is let through on a disposable cluster.
		want string
	}{
		{"a workload of its own", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}", ""},
		{"a namespace of its own", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}", ""},
		{"a definition of its own", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: doors.example.com}", ""},
		{"an object in default", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}", ""},
		{"rights for an account of its own", "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: x}\nsubjects: [{kind: ServiceAccount, name: deployer, namespace: shop}, {kind: User, name: mia}, {kind: Group, name: 'system:serviceaccounts:shop'}]", ""},
		{"a policy within the API server", "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: x}", ""},
		{"a validating webhook", "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: x}", "a webhook sees and can refuse every request"},
		{"a mutating webhook of an old version", "apiVersion: admissionregistration.k8s.io/v1beta1\nkind: MutatingWebhookConfiguration\nmetadata: {name: x}", "a webhook sees and can refuse every request"},
		{"a conversion webhook", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\nspec: {conversion: {strategy: Webhook}}", "conversion webhook"},
		{"an aggregated API", "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.apps}", "hands a part of the API to another server"},
		{"flow control", "apiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: FlowSchema\nmetadata: {name: x}", "whose requests are served"},
		{"an object in kube-system", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: kube-system}", "that namespace is the cluster's own"},
		{"an object in kube-public", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: kube-public}", "that namespace is the cluster's own"},
		{"a lease of a node", "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: x, namespace: kube-node-lease}", "that namespace is the cluster's own"},
		{"the namespace kube-system", "apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system}", "that namespace is the cluster's own"},
		{"the namespace default", "apiVersion: v1\nkind: Namespace\nmetadata: {name: default}", "that namespace is the cluster's own"},
		{"the API server's Service", "apiVersion: v1\nkind: Service\nmetadata: {name: kubernetes}", "how pods find the API server"},
		{"an address for the API server's Service", "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: x, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}", "how pods find the API server"},
		{"rights for everybody", "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: x}\nsubjects: [{kind: Group, name: 'system:unauthenticated'}]", `gives rights to "system:unauthenticated"`},
		{"rights for a controller", "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: x, namespace: shop}\nsubjects: [{kind: ServiceAccount, name: node-controller, namespace: kube-system}]", `gives rights to "node-controller"`},
		{"rights for a controller as a user", "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: x, namespace: shop}\nsubjects: [{kind: User, name: 'system:serviceaccount:kube-system:x'}]", `gives rights to "system:serviceaccount:kube-system:x"`},
		{"a role of the cluster", "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: 'system:x'}", "names that begin with system: are the cluster's own"},
		{"cluster-admin", "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: cluster-admin}", "one of Kubernetes' own roles"},
		{"a part of view", "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: x, labels: {rbac.authorization.k8s.io/aggregate-to-view: 'true'}}", "added to Kubernetes' own roles"},
		{"what a second version adds", "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: x}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: x}\nsubjects: [{kind: Group, name: 'system:unauthenticated'}]", `gives rights to "system:unauthenticated"`},
		{"what hides in a list", "apiVersion: v1\nkind: List\nmetadata: {name: x}\nitems: [{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration}]", "not in a list"},
	} {
		t.Run(c.name, func(t *testing.T) {
			step := &content.Step{Setup: []content.File{{Path: "10-a/setup/a.yaml", Data: []byte(c.manifest)}}}
			own := &content.Lab{ID: "90-x"}
			foreign := &content.Lab{ID: "90-x", Origin: content.Origin{Source: "/labs"}}
			sc, err := Parse(foreign, step)
			if err != nil {
				t.Fatal(err)
			}
			for _, disposable := range []bool{true, false} {
				err := Permit(foreign, sc, disposable)
				if c.want == "" && disposable && err != nil {
					t.Errorf("it is refused: %v", err)
				}
				if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "the set-up of the lab 90-x may not contain")) {
					t.Errorf("disposable %v: got %v, want %q", disposable, err, c.want)
				}
			}
			if err := Permit(own, sc, true); err != nil {
				t.Errorf("a lab of k8slab's own is refused on a disposable cluster: %v", err)
			}
			if err := Permit(own, sc, false); (err != nil) != (c.want != "" || strings.Contains(c.manifest, "AdmissionPolicy")) {
				t.Errorf("a lab of k8slab's own on a cluster that is somebody's: got %v", err)
			}
		})
	}
}

// TestALabFromElsewhereStaysInItsNamespacesBesideOthers is about clusters that are not the lab's alone.
func TestALabFromElsewhereStaysInItsNamespacesBesideOthers(t *testing.T) {
	const own = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: privileged}}\n---\n"
	for manifest, allowed := range map[string]bool{
		own + "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}":                     true,
		own + "apiVersion: v1\nkind: Pod\nmetadata: {name: web}":                                                  false,
		own + "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: payments}":                             false,
		own + "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: disk}":                                    false,
		own + "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: x}":           false,
		own + "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: x, namespace: shop}": true,
	} {
		foreign := &content.Lab{ID: "90-x", Origin: content.Origin{Source: "/labs"}}
		sc, err := Parse(foreign, &content.Step{Setup: []content.File{{Path: "a.yaml", Data: []byte(manifest)}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := Permit(foreign, sc, false); (err == nil) != allowed {
			t.Errorf("%s\ngot %v", manifest, err)
		}
		confine(foreign, sc)
		if got := sc.objects[0].GetLabels()["pod-security.kubernetes.io/enforce"]; got != "baseline" {
			t.Errorf("the pods are held to %q", got)
		}
	}
}
