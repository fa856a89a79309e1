package seed

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// Permit refuses a set-up that reaches beyond its lab. A lab from a source must not do that on any cluster, a lab that
// came with k8slab must not do it on clusters that were not made for it alone: docs/adr/007-foreign-content.md says
// why.
func Permit(lab *content.Lab, s *Scenario, disposable bool) error {
	if lab.Origin.IsZero() && disposable {
		return nil
	}
	var errs []error
	// An object that is later written over another one is held to the same rules as an object that is created.
	for _, o := range slices.Concat(s.objects, s.changes) {
		reach := Reaches(o)
		if reach.IsZero() && !disposable {
			reach = governs(o)
		}
		if reach.IsZero() && !disposable && !lab.Origin.IsZero() {
			reach = s.strays(o)
		}
		if reach.IsZero() {
			continue
		}
		name := o.GetKind() + " " + o.GetName()
		if ns := o.GetNamespace(); ns != "" {
			name = o.GetKind() + " " + ns + "/" + o.GetName()
		}
		errs = append(errs, problem.New(problem.Content,
			text.New("the set-up of the lab %s may not contain %s: %s", "ラボ %s の初期状態に %s を含めることはできません: %s", lab.ID, name, reach), action.Action{}))
	}
	return errors.Join(errs...)
}

// ownNamespaces lists the namespaces without which a cluster does not work.
var ownNamespaces = []string{"kube-system", "kube-public", "kube-node-lease"}

// Reaches says why an object reaches beyond its lab: it sends what others do to an address of the lab's choice, it
// belongs to the cluster itself, or it can keep k8slab from resetting and grading. The zero Text means that it does
// not.
func Reaches(o *unstructured.Unstructured) text.Text {
	group, kind := o.GroupVersionKind().Group, o.GetKind()
	switch {
	case kind == "List" || o.IsList():
		return text.Text{EN: "objects have to stand by themselves, not in a list", JA: "オブジェクトはリストに入れず、一つずつ書く必要があります"}
	case group == "admissionregistration.k8s.io" && strings.HasSuffix(kind, "WebhookConfiguration"):
		return text.Text{EN: "a webhook sees and can refuse every request in the cluster, k8slab's own too", JA: "Webhook は、k8slab 自身のものも含めてクラスターのすべての要求を読み取り、拒否できます"}
	case group == "apiextensions.k8s.io" && conversionWebhook(o):
		return text.Text{EN: "its conversion webhook gets every object of its kind", JA: "変換 Webhook に、その種類のすべてのオブジェクトが送られます"}
	case group == "apiregistration.k8s.io":
		return text.Text{EN: "it hands a part of the API to another server", JA: "API の一部を別のサーバーに渡します"}
	case group == "flowcontrol.apiserver.k8s.io":
		return text.Text{EN: "it decides whose requests are served, k8slab's own too", JA: "k8slab 自身のものも含めて、どの要求を処理するかを決めます"}
	case slices.Contains(ownNamespaces, o.GetNamespace()),
		group == "" && kind == "Namespace" && (o.GetName() == "default" || slices.Contains(ownNamespaces, o.GetName())):
		return text.Text{EN: "that namespace is the cluster's own", JA: "その Namespace はクラスター自身のものです"}
	case inDefault(o) && speaksForTheAPI(o):
		return text.Text{EN: "it is how pods find the API server", JA: "Pod が API サーバーを見つけるためのものです"}
	case group == "rbac.authorization.k8s.io":
		return widensAccess(o)
	}
	return text.Text{}
}

// governs says why an object concerns the whole cluster, which is allowed only on a cluster that was made for the lab.
// The zero Text means that it does not.
func governs(o *unstructured.Unstructured) text.Text {
	if o.GroupVersionKind().Group == "admissionregistration.k8s.io" {
		return text.Text{EN: "on a cluster that is not the lab's alone, it concerns others", JA: "このラボ専用でないクラスターでは、ほかの利用者にも影響します"}
	}
	return text.Text{}
}

// strays says that an object is outside of the namespaces that the scenario makes. The zero Text means that it is not.
func (s *Scenario) strays(o *unstructured.Unstructured) text.Text {
	if o.GroupVersionKind().GroupKind() == namespaceKind || slices.Contains(s.namespaces(), o.GetNamespace()) {
		return text.Text{}
	}
	return text.Text{
		EN: "on a cluster that is not its alone, a lab from elsewhere makes namespaces of its own and only what stands in them",
		JA: "ラボ専用でないクラスターでは、外部のラボが作れるのは自分の Namespace とその中のものだけです",
	}
}

// podSecurity are the labels by which the API server holds pods to a standard (KEP-2579).
var podSecurity = map[string]string{
	"pod-security.kubernetes.io/enforce": "baseline",
	// The lab may not ask for the rules of an old release.
	"pod-security.kubernetes.io/enforce-version": "latest",
}

// confine has the API server hold the pods of a lab from a source to the baseline standard, on clusters where
// containers of others run beside them: docs/adr/007-foreign-content.md.
func confine(lab *content.Lab, s *Scenario) {
	if lab.Origin.IsZero() {
		return
	}
	for _, o := range slices.Concat(s.objects, s.changes) {
		if o.GroupVersionKind().GroupKind() != namespaceKind {
			continue
		}
		labels := o.GetLabels()
		maps.Copy(labels, podSecurity)
		o.SetLabels(labels)
	}
}

func conversionWebhook(o *unstructured.Unstructured) bool {
	strategy, _, _ := unstructured.NestedString(o.Object, "spec", "conversion", "strategy")
	return strategy == "Webhook"
}

func inDefault(o *unstructured.Unstructured) bool {
	return o.GetNamespace() == "" || o.GetNamespace() == "default"
}

func speaksForTheAPI(o *unstructured.Unstructured) bool {
	switch o.GetKind() {
	case "Service", "Endpoints":
		return o.GetName() == "kubernetes"
	case "EndpointSlice":
		return o.GetName() == "kubernetes" || o.GetLabels()["kubernetes.io/service-name"] == "kubernetes"
	}
	return false
}

// widensAccess says why an RBAC object of a lab concerns others than the lab's own users and service accounts.
func widensAccess(o *unstructured.Unstructured) text.Text {
	if strings.HasPrefix(o.GetName(), "system:") {
		return text.Text{EN: "names that begin with system: are the cluster's own", JA: "system: で始まる名前はクラスター自身のものです"}
	}
	if strings.HasPrefix(o.GetKind(), "Cluster") && slices.Contains([]string{"cluster-admin", "admin", "edit", "view"}, o.GetName()) {
		return text.Text{EN: "it is one of Kubernetes' own roles", JA: "Kubernetes 標準のロールです"}
	}
	for label := range o.GetLabels() {
		if strings.HasPrefix(label, "rbac.authorization.k8s.io/aggregate-to-") {
			return text.Text{EN: "it is added to Kubernetes' own roles", JA: "Kubernetes 標準のロールに追加されます"}
		}
	}
	subjects, _, _ := unstructured.NestedSlice(o.Object, "subjects")
	for _, s := range subjects {
		subject, _ := s.(map[string]any)
		name, _ := subject["name"].(string)
		namespace, _ := subject["namespace"].(string)
		if group, ok := serviceAccounts(name); ok {
			namespace = group
		} else if strings.HasPrefix(name, "system:") {
			namespace = ownNamespaces[0]
		}
		if slices.Contains(ownNamespaces, namespace) {
			return text.New("it gives rights to %q, who is not the lab's", "ラボのものではない %q に権限を与えます", name)
		}
	}
	return text.Text{}
}

// serviceAccounts returns the namespace of the service account that a user's name stands for, or of the service
// accounts that a group's name stands for.
func serviceAccounts(name string) (namespace string, ok bool) {
	for _, prefix := range []string{"system:serviceaccount:", "system:serviceaccounts:"} {
		if rest, found := strings.CutPrefix(name, prefix); found {
			namespace, _, _ = strings.Cut(rest, ":")
			return namespace, true
		}
	}
	return "", false
}
