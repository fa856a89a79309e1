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

type definedParams struct {
	Name     string   `yaml:"name" doc:"Name of the CustomResourceDefinition, such as coupons.shop.example.com." ja:"CustomResourceDefinition の名前。coupons.shop.example.com など。"`
	Versions []string `yaml:"versions" doc:"The versions that it has and that its objects are stored in." ja:"定義が持ち、オブジェクトが保存されているバージョン。"`
}

func (p definedParams) object() string { return "customresourcedefinition/" + p.Name }

func customResourceDefinitions() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
}

func definedVersions() checks.Definition {
	return checks.Define("crd/versions", checks.Doc{
		Summary: text.New("A CustomResourceDefinition has certain versions, and its objects are stored in no other.", "CustomResourceDefinition のバージョンが指定どおりで、オブジェクトもそのバージョンで保存されている。"),
		Pass:    text.New("Both spec.versions and status.storedVersions name exactly these versions.", "spec.versions と status.storedVersions が、どちらもちょうどこれらのバージョンを挙げている。"),
		Fail:    text.New("One of the two names another version, or lacks one.", "どちらかに別のバージョンがある、または足りない。"),
	}, judgeVersions)
}

func judgeVersions(ctx context.Context, env checks.Env, p definedParams) (checks.Result, error) {
	want := text.New("%s has the versions [%s] in its spec and as storedVersions", "%s の spec と storedVersions にあるバージョンが [%s] だけであること", p.object(), strings.Join(p.Versions, ", "))
	crd, err := env.Dynamic.Resource(customResourceDefinitions()).Get(ctx, p.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return checks.Fail(p.object(), want, kube.Deleted(p.object()), whyVersions()), nil
	}
	if err != nil {
		return checks.Result{}, fmt.Errorf("reading %s: %w", p.object(), err)
	}
	stored, _, err := unstructured.NestedStringSlice(crd.Object, "status", "storedVersions")
	if err != nil {
		return checks.Result{}, fmt.Errorf("reading %s: %w", p.object(), err)
	}
	defined := versionsOf(crd)
	if sameNames(defined, p.Versions) && sameNames(stored, p.Versions) {
		return checks.Pass(p.object(), text.New("[%s]", "[%s]", strings.Join(stored, ", "))), nil
	}
	return checks.Fail(p.object(), want, text.New("spec.versions is [%s], status.storedVersions is [%s]", "spec.versions は [%s]、status.storedVersions は [%s] です",
		strings.Join(defined, ", "), strings.Join(stored, ", ")), whyVersions()), nil
}

func whyVersions() text.Text {
	return text.New("A version can go when nothing is stored in it any more. Until then the API server refuses to let it go, and it has to be kept up for ever.",
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
