package workload

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/text"
)

// templateOf returns the pod template that a workload has now, and nil where there is no such workload.
func templateOf(ctx context.Context, env checks.Env, p kube.Workload) (*corev1.PodTemplateSpec, error) {
	var template *corev1.PodTemplateSpec
	var err error
	if p.Kind == "StatefulSet" {
		var s *appsv1.StatefulSet
		if s, err = env.Client.AppsV1().StatefulSets(p.Namespace).Get(ctx, p.Name, metav1.GetOptions{}); err == nil {
			template = &s.Spec.Template
		}
	} else {
		var d *appsv1.Deployment
		if d, err = env.Client.AppsV1().Deployments(p.Namespace).Get(ctx, p.Name, metav1.GetOptions{}); err == nil {
			template = &d.Spec.Template
		}
	}
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the pod template of %s: %w", p.Object(), err)
	}
	return template, nil
}

func templateUnchanged() checks.Definition {
	return checks.Define("workload/template-unchanged", checks.Doc{
		Summary: text.New("The pods of a workload are made as at the start.", "ワークロードの Pod が開始時と同じ内容で作られる。"),
		Pass:    text.New("The spec and the labels of the pod template are what they were. Annotations do not count, so that a restart is allowed.", "Pod テンプレートの spec とラベルが開始時と同じである。アノテーションは問わないので、再起動は許される。"),
		Fail:    text.New("Something of it was changed, or the workload was deleted.", "変更された、またはワークロードが削除された。"),
	}, func(ctx context.Context, env checks.Env, p scaledParams) (checks.Result, error) {
		w := kube.Workload(p)
		object := w.Object()
		before, err := baselineTemplate(env.Baseline, w)
		if err != nil {
			return checks.Result{}, err
		}
		now, err := templateOf(ctx, env, w)
		if err != nil {
			return checks.Result{}, err
		}
		want := text.New("the pod template of %s is the one from the start", "%s の Pod テンプレートが開始時のままであること", object)
		why := text.New("The application belongs to somebody else. A change that only makes its pods look well hides the trouble from those who have to fix it.",
			"このアプリには持ち主がいます。Pod の見かけだけをよくする変更は、直すべき人から問題を隠してしまいます。")
		switch {
		case now == nil:
			return checks.Fail(object, want, kube.Deleted(object), why), nil
		case !equality.Semantic.DeepEqual(before.Spec, now.Spec) || !equality.Semantic.DeepEqual(before.Labels, now.Labels):
			return checks.Fail(object, want, text.New("the pod template of %s was changed", "%s の Pod テンプレートが変更されています", object), why), nil
		}
		return checks.Pass(object, text.Text{}), nil
	})
}

func baselineTemplate(baseline checks.Baseline, p kube.Workload) (*corev1.PodTemplateSpec, error) {
	o, ok := baseline.Object(schema.GroupKind{Group: "apps", Kind: p.Kind}, p.Namespace, p.Name)
	if !ok {
		return nil, kube.NotInBaseline(p.Kind, p.Namespace, p.Name)
	}
	spec, _, err := unstructured.NestedMap(o.Object, "spec", "template")
	if err != nil {
		return nil, fmt.Errorf("reading the pod template of %s: %w", p.Object(), err)
	}
	template := &corev1.PodTemplateSpec{}
	return template, kube.FromUnstructured(&unstructured.Unstructured{Object: spec}, template)
}
