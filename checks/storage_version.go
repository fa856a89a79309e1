package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/history"
)

type definedParams struct {
	Name     string   `yaml:"name" doc:"Name of the CustomResourceDefinition, such as coupons.shop.example.com." ja:"CustomResourceDefinition の名前。coupons.shop.example.com など。"`
	Versions []string `yaml:"versions" doc:"The versions that it has and that its objects are stored in." ja:"定義が持ち、オブジェクトが保存されているバージョン。"`
}

func (p definedParams) object() string { return "customresourcedefinition/" + p.Name }

func definitions() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
}

func definedVersions() Definition {
	return Define("crd/versions", Doc{
		Summary: say("A CustomResourceDefinition has certain versions, and its objects are stored in no other.", "CustomResourceDefinition のバージョンが指定どおりで、オブジェクトもそのバージョンで保存されている。"),
		Pass:    say("Both spec.versions and status.storedVersions name exactly these versions.", "spec.versions と status.storedVersions が、どちらもちょうどこれらのバージョンを挙げている。"),
		Fail:    say("One of the two names another version, or lacks one.", "どちらかに別のバージョンがある、または足りない。"),
	}, judgeVersions)
}

func judgeVersions(ctx context.Context, env Env, p definedParams) (Result, error) {
	want := say("%s has the versions [%s] in its spec and as storedVersions", "%s の spec と storedVersions にあるバージョンが [%s] だけであること", p.object(), strings.Join(p.Versions, ", "))
	crd, err := env.Dynamic.Resource(definitions()).Get(ctx, p.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return fail(p.object(), want, deleted(p.object()), whyVersions()), nil
	}
	if err != nil {
		return Result{}, fmt.Errorf("reading %s: %w", p.object(), err)
	}
	stored, _, err := unstructured.NestedStringSlice(crd.Object, "status", "storedVersions")
	if err != nil {
		return Result{}, fmt.Errorf("reading %s: %w", p.object(), err)
	}
	defined := versionsOf(crd)
	if sameNames(defined, p.Versions) && sameNames(stored, p.Versions) {
		return pass(p.object(), say("[%s]", "[%s]", strings.Join(stored, ", "))), nil
	}
	return fail(p.object(), want, say("spec.versions is [%s], status.storedVersions is [%s]", "spec.versions は [%s]、status.storedVersions は [%s] です",
		strings.Join(defined, ", "), strings.Join(stored, ", ")), whyVersions()), nil
}

func whyVersions() content.Text {
	return say("A version can go when nothing is stored in it any more. Until then the API server refuses to let it go, and it has to be kept up for ever.",
		"あるバージョンを取り除けるのは、そのバージョンで保存されたものがなくなってからです。それまでは API サーバーが断り、ずっと面倒を見続けることになります。")
}

func versionsOf(crd *unstructured.Unstructured) []string {
	var names []string
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	for _, v := range versions {
		if m, ok := v.(map[string]any); ok {
			names = append(names, fmt.Sprint(m["name"]))
		}
	}
	return names
}

func sameNames(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

type customObjectsParams struct {
	Name string `yaml:"name" doc:"Name of the CustomResourceDefinition, such as coupons.shop.example.com." ja:"CustomResourceDefinition の名前。coupons.shop.example.com など。"`
	Kind string `yaml:"kind" doc:"Kind of its objects, such as Coupon." ja:"オブジェクトの種類。Coupon など。"`
}

func customObjectsKept() Definition {
	return Define("crd/objects-kept", Doc{
		Summary: say("The custom objects of the starting state are still the same ones, and can be read.", "開始時からあるカスタムオブジェクトが、そのまま残っていて読み出せる。"),
		Pass:    say("Every one of them exists with the UID and the spec that it had at the start.", "どのオブジェクトも、開始時と同じ UID と spec で存在する。"),
		Fail:    say("One was deleted, made anew or changed, or the API server cannot read what is stored.", "削除された、作り直された、または変更されたものがある。または、保存されたものを API サーバーが読み出せない。"),
	}, judgeCustomObjects)
}

func judgeCustomObjects(ctx context.Context, env Env, p customObjectsParams) (Result, error) {
	resource, group, _ := strings.Cut(p.Name, ".")
	object := "customresourcedefinition/" + p.Name
	want := say("every %s of the start can be read and is the same object", "開始時からある %s がすべて読み出せて、同じオブジェクトであること", p.Kind)
	why := say("Custom objects are data that belongs to somebody. What is deleted and made anew has lost its identity, its status and its owners; what cannot be read is lost altogether.",
		"カスタムオブジェクトは誰かのデータです。作り直せば UID も status も所有関係も失われ、読み出せなくなれば、すべてが失われます。")
	first := env.Baseline.Objects(schema.GroupKind{Group: group, Kind: p.Kind})
	if len(first) == 0 {
		return Result{}, fmt.Errorf("there was no %s in the starting state", p.Kind)
	}
	crd, err := env.Dynamic.Resource(definitions()).Get(ctx, p.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return fail(object, want, deleted(object), why), nil
	}
	if err != nil {
		return Result{}, fmt.Errorf("reading %s: %w", object, err)
	}
	version := servedVersion(crd)
	if version == "" {
		return fail(object, want, say("it serves no version any more", "どのバージョンも提供されていません"), why), nil
	}
	now, err := env.Dynamic.Resource(schema.GroupVersionResource{Group: group, Version: version, Resource: resource}).List(ctx, metav1.ListOptions{})
	if unconvertible(err) {
		return fail(object, want, say("the API server cannot read what is stored", "保存されたものを API サーバーが読み出せません"), why).because(err.Error()), nil
	}
	if err != nil {
		return Result{}, fmt.Errorf("listing %s: %w", p.Name, err)
	}
	for _, was := range first {
		if fault := lostObject(was, now.Items); !fault.IsZero() {
			return fail(strings.ToLower(p.Kind)+"/"+was.GetName(), want, fault, why), nil
		}
	}
	return pass(object, say("%d objects, all the same", "%d 個のオブジェクトが元のままです", len(first))), nil
}

// servedVersion is the first version that is served, the stored one before others.
func servedVersion(crd *unstructured.Unstructured) string {
	found := ""
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	for _, v := range versions {
		m, ok := v.(map[string]any)
		if !ok || m["served"] != true {
			continue
		}
		if m["storage"] == true || found == "" {
			found = fmt.Sprint(m["name"])
		}
	}
	return found
}

// unconvertible reports the API server's answer where an object is stored in a version that its definition does not have any more
// (nopConverter in k8s.io/apiextensions-apiserver/pkg/apiserver/conversion).
func unconvertible(err error) bool {
	return err != nil && strings.Contains(err.Error(), "convert")
}

func lostObject(was *unstructured.Unstructured, now []unstructured.Unstructured) content.Text {
	name := was.GetName()
	at := slices.IndexFunc(now, func(o unstructured.Unstructured) bool {
		return o.GetName() == name && o.GetNamespace() == was.GetNamespace()
	})
	switch {
	case at < 0:
		return say("%s has been deleted", "%s は削除されています", name)
	case now[at].GetUID() != was.GetUID():
		return say("%s was deleted and made again: it is another object of the same name", "%s は削除されて作り直されています。名前は同じでも別のオブジェクトです", name)
	}
	before, _, _ := unstructured.NestedMap(was.Object, "spec")
	after, _, _ := unstructured.NestedMap(now[at].Object, "spec")
	if field := missing(before, after, "spec."); field != "" {
		return say("%s was changed: %s", "%s が変更されています: %s", name, field)
	}
	return content.Text{}
}

type migratedParams struct {
	Group    string `yaml:"group" doc:"Group of the resource, such as shop.example.com." ja:"リソースのグループ。shop.example.com など。"`
	Resource string `yaml:"resource" doc:"Resource whose objects are to be stored anew, such as coupons." ja:"保存し直すリソース。coupons など。"`
}

func migrations() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "storagemigration.k8s.io", Version: "v1", Resource: "storageversionmigrations"}
}

func storageMigrated() Definition {
	return Define("storage/migrated", Doc{
		Summary: say("All objects of a resource have been stored anew by a StorageVersionMigration.", "StorageVersionMigration によって、リソースのすべてのオブジェクトが保存し直されている。"),
		Pass:    say("There is a StorageVersionMigration of the resource whose condition Succeeded is true.", "そのリソースの StorageVersionMigration があり、条件 Succeeded が true である。"),
		Fail:    say("There is none of this resource, or it has failed. One that is under way is waited for.", "そのリソースのものがない、または失敗した。実行中のものは待つ。"),
	}, judgeMigration)
}

func judgeMigration(ctx context.Context, env Env, p migratedParams) (Result, error) {
	name := schema.GroupResource{Group: p.Group, Resource: p.Resource}.String()
	want := say("a StorageVersionMigration of %s has succeeded", "%s の StorageVersionMigration が成功していること", name)
	why := say("A change of the storage version only concerns what is written from then on. What nobody writes stays in etcd as it was, until somebody writes all of it once.",
		"保存バージョンを変えても、効くのはそれ以降に書き込まれたものだけです。誰も書き込まないものは、すべてを一度書き直すまで etcd に元の形で残ります。")
	all, err := env.Dynamic.Resource(migrations()).List(ctx, metav1.ListOptions{})
	if err != nil {
		return Result{}, fmt.Errorf("listing StorageVersionMigrations: %w", err)
	}
	result := fail("storageversionmigration", want, say("there is no StorageVersionMigration of %s", "%s の StorageVersionMigration がありません", name), why)
	for i := range all.Items {
		m := &all.Items[i]
		group, _, _ := unstructured.NestedString(m.Object, "spec", "resource", "group")
		resource, _, _ := unstructured.NestedString(m.Object, "spec", "resource", "resource")
		if group != p.Group || resource != p.Resource {
			continue
		}
		object := "storageversionmigration/" + m.GetName()
		state, said := migrationState(m)
		switch state {
		case "Succeeded":
			return pass(object, say("%s has succeeded", "%s は成功しています", object)), nil
		case "Failed":
			result = fail(object, want, say("%s has failed", "%s は失敗しました", object), why).because(said)
		default:
			result = fail(object, want, say("%s is under way", "%s は実行中です", object), why).waitingFor("the migration of " + name)
		}
	}
	return result, nil
}

// migrationState returns the condition that is true, Succeeded and Failed before Running, and its message.
func migrationState(m *unstructured.Unstructured) (state, said string) {
	conditions, _, _ := unstructured.NestedSlice(m.Object, "status", "conditions")
	for _, c := range conditions {
		condition, ok := c.(map[string]any)
		if !ok || condition["status"] != "True" || state == "Succeeded" || state == "Failed" {
			continue
		}
		state = fmt.Sprint(condition["type"])
		said = words(state, fmt.Sprint(condition["reason"]), fmt.Sprint(condition["message"]))
	}
	return state, said
}

type ownStatus struct {
	Group    string `yaml:"group" doc:"Group of the resource, such as apiextensions.k8s.io." ja:"リソースのグループ。apiextensions.k8s.io など。"`
	Resource string `yaml:"resource" doc:"The resource, such as customresourcedefinitions." ja:"リソース。customresourcedefinitions など。"`
	Name     string `yaml:"name,omitempty" doc:"Name of the object; none means any." ja:"オブジェクトの名前。書かなければすべて。"`
}

type statusParams struct {
	Objects []ownStatus `yaml:"objects" doc:"Objects whose status belongs to a controller." ja:"status をコントローラーに任せるオブジェクト。"`
}

func statusLeftAlone() Definition {
	return Define("object/status-not-written", Doc{
		Summary: say("Nobody wrote the status of an object by hand.",
			"オブジェクトの status が人の手で書き換えられていない。"),
		Pass: say("Since the start only the control plane wrote it.", "開始以降、コントロールプレーンだけが書き込んでいる。"),
		Fail: say("A person did; the failure says who and when.", "人が書き込んだ。誰がいつ行ったかを示す。"),
	}, func(ctx context.Context, env Env, p statusParams) (Result, error) {
		for _, o := range p.Objects {
			requests, err := env.History.Requests(ctx, history.Query{
				Since: env.Since, Verbs: []string{"update", "patch"}, Group: o.Group, Resource: o.Resource, Name: o.Name, Subresource: "status", Succeeded: true,
			})
			if err != nil {
				return Result{}, fmt.Errorf("looking up who wrote the status of %s: %w", o.Resource, err)
			}
			for _, r := range requests {
				if history.IsPerson(r.User) {
					return fail(r.Resource+"/"+r.Name, say("nobody writes the status of %s by hand", "%s の status を手で書き換えないこと", r.Resource),
						say("%s wrote the status of %s at %s", "%[1]s が %[3]s に %[2]s の status を書き換えました", who(r), r.Name, clock(r)),
						say("A status tells what is. Written by hand it tells what somebody would like, and everybody who relies on it is misled, the API server first of all.",
							"status は現状を伝えるものです。手で書き換えると願望を伝えることになり、それを信じる人が、まず API サーバーが、だまされます。")).
						because(recordOf(r)), nil
				}
			}
		}
		return pass("", content.Text{}), nil
	}, AuditLog)
}
