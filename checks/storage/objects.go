package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/text"
)

type customObjectsParams struct {
	Name string `yaml:"name" doc:"Name of the CustomResourceDefinition, such as coupons.shop.example.com." ja:"CustomResourceDefinition の名前。coupons.shop.example.com など。"`
	Kind string `yaml:"kind" doc:"Kind of its objects, such as Coupon." ja:"オブジェクトの種類。Coupon など。"`
}

func customObjectsKept() checks.Definition {
	return checks.Define("crd/objects-kept", checks.Doc{
		Summary: text.New("The custom objects of the starting state are still the same ones, and can be read.", "開始時からあるカスタムオブジェクトが、そのまま残っていて読み出せる。"),
		Pass:    text.New("Every one of them exists with the UID and the spec that it had at the start.", "どのオブジェクトも、開始時と同じ UID と spec で存在する。"),
		Fail:    text.New("One was deleted, created again or changed, or the API server cannot read what is stored.", "削除された、作り直された、または変更されたものがある。または、保存されたものを API サーバーが読み出せない。"),
	}, judgeCustomObjects)
}

func judgeCustomObjects(ctx context.Context, env checks.Env, p customObjectsParams) (checks.Result, error) {
	resource, group, _ := strings.Cut(p.Name, ".")
	object := "customresourcedefinition/" + p.Name
	want := text.New("every %s of the start can be read and is the same object", "開始時からある %s がすべて読み出せて、同じオブジェクトであること", p.Kind)
	why := text.New("Custom objects are data that belongs to somebody. What is deleted and made again has lost its identity, its status and its owners; what cannot be read is lost altogether.",
		"カスタムオブジェクトは誰かのデータです。作り直せば UID も status も所有関係も失われ、読み出せなくなれば、すべてが失われます。")
	first := env.Baseline.Objects(schema.GroupKind{Group: group, Kind: p.Kind})
	if len(first) == 0 {
		return checks.Result{}, fmt.Errorf("there was no %s in the starting state", p.Kind)
	}
	crd, err := env.Dynamic.Resource(customResourceDefinitions()).Get(ctx, p.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return checks.Fail(object, want, kube.Deleted(object), why), nil
	}
	if err != nil {
		return checks.Result{}, fmt.Errorf("reading %s: %w", object, err)
	}
	version := servedVersion(crd)
	if version == "" {
		return checks.Fail(object, want, text.New("it serves no version any more", "どのバージョンも提供されていません"), why), nil
	}
	now, err := env.Dynamic.Resource(schema.GroupVersionResource{Group: group, Version: version, Resource: resource}).List(ctx, metav1.ListOptions{})
	if unconvertible(err) {
		return checks.Fail(object, want, text.New("the API server cannot read what is stored", "保存されたものを API サーバーが読み出せません"), why).Because(err.Error()), nil
	}
	if err != nil {
		return checks.Result{}, fmt.Errorf("listing %s: %w", p.Name, err)
	}
	for _, was := range first {
		if fault := lostObject(was, now.Items); !fault.IsZero() {
			return checks.Fail(strings.ToLower(p.Kind)+"/"+was.GetName(), want, fault, why), nil
		}
	}
	return checks.Pass(object, text.New("%d objects, all the same", "%d 個のオブジェクトが元のままです", len(first))), nil
}

// servedVersion returns the version that is stored if it is served, and else the first that is served.
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

// unconvertible reports the API server's answer where an object is stored in a version that its definition does not
// have any more (nopConverter in k8s.io/apiextensions-apiserver/pkg/apiserver/conversion).
func unconvertible(err error) bool {
	return err != nil && strings.Contains(err.Error(), "convert")
}

func lostObject(was *unstructured.Unstructured, now []unstructured.Unstructured) text.Text {
	name := was.GetName()
	at := slices.IndexFunc(now, func(o unstructured.Unstructured) bool {
		return o.GetName() == name && o.GetNamespace() == was.GetNamespace()
	})
	switch {
	case at < 0:
		return text.New("%s has been deleted", "%s は削除されています", name)
	case now[at].GetUID() != was.GetUID():
		return text.New("%s was deleted and made again: it is another object of the same name", "%s は削除されて作り直されています。名前は同じでも別のオブジェクトです", name)
	}
	before, _, _ := unstructured.NestedMap(was.Object, "spec")
	after, _, _ := unstructured.NestedMap(now[at].Object, "spec")
	if field := kube.MissingField(before, after, "spec."); field != "" {
		return text.New("%s was changed: %s", "%s が変更されています: %s", name, field)
	}
	return text.Text{}
}
