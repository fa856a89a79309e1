package storage

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/text"
)

type migratedParams struct {
	Group    string `yaml:"group" doc:"Group of the resource, such as shop.example.com." ja:"リソースのグループ。shop.example.com など。"`
	Resource string `yaml:"resource" doc:"Resource whose objects are to be stored again, such as coupons." ja:"保存し直すリソース。coupons など。"`
}

func migrations() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "storagemigration.k8s.io", Version: "v1", Resource: "storageversionmigrations"}
}

func storageMigrated() checks.Definition {
	return checks.Define("storage/migrated", checks.Doc{
		Summary: text.New("All objects of a resource have been stored again by a StorageVersionMigration.", "StorageVersionMigration によって、リソースのすべてのオブジェクトが保存し直されている。"),
		Pass:    text.New("There is a StorageVersionMigration of the resource whose condition Succeeded is true.", "そのリソースの StorageVersionMigration があり、条件 Succeeded が true である。"),
		Fail:    text.New("There is none of this resource, or it has failed. One that is under way is waited for.", "そのリソースのものがない、または失敗した。実行中のものは待つ。"),
	}, judgeMigration)
}

func judgeMigration(ctx context.Context, env checks.Env, p migratedParams) (checks.Result, error) {
	name := schema.GroupResource{Group: p.Group, Resource: p.Resource}.String()
	want := text.New("a StorageVersionMigration of %s has succeeded", "%s の StorageVersionMigration が成功していること", name)
	why := text.New("A change of the storage version only concerns what is written from then on. What nobody writes stays in etcd as it was, until somebody writes all of it once.",
		"保存バージョンを変えても、効くのはそれ以降に書き込まれたものだけです。誰も書き込まないものは、すべてを一度書き直すまで etcd に元の形で残ります。")
	all, err := env.Dynamic.Resource(migrations()).List(ctx, metav1.ListOptions{})
	if err != nil {
		return checks.Result{}, fmt.Errorf("listing StorageVersionMigrations: %w", err)
	}
	result := checks.Fail("storageversionmigration", want, text.New("there is no StorageVersionMigration of %s", "%s の StorageVersionMigration がありません", name), why)
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
			return checks.Pass(object, text.New("%s has succeeded", "%s は成功しています", object)), nil
		case "Failed":
			result = checks.Fail(object, want, text.New("%s has failed", "%s は失敗しました", object), why).Because(said)
		default:
			result = checks.Fail(object, want, text.New("%s is under way", "%s は実行中です", object), why).WaitingFor("the migration of " + name)
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
		said = kube.Words(state, fmt.Sprint(condition["reason"]), fmt.Sprint(condition["message"]))
	}
	return state, said
}
