package workload

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/text"
)

func replicasNotLowered() checks.Definition {
	return checks.Define("workload/replicas-not-lowered", checks.Doc{
		Summary: text.New("A workload asks for as many pods as at the start.", "ワークロードのレプリカ数が開始時より減っていない。"),
		Pass:    text.New("spec.replicas is what it was, or more.", "spec.replicas が開始時と同じか、それより多い。"),
		Fail:    text.New("It is less, or the workload was deleted.", "減っている、またはワークロードが削除された。"),
	}, func(ctx context.Context, env checks.Env, p scaledParams) (checks.Result, error) {
		gk := schema.GroupKind{Group: "apps", Kind: p.Kind}
		before, ok := env.Baseline.Object(gk, p.Namespace, p.Name)
		if !ok {
			return checks.Result{}, kube.NotInBaseline(p.Kind, p.Namespace, p.Name)
		}
		object := kube.Workload(p).Object()
		had := kube.ReplicasOf(before)
		want := text.New("%s has %d replicas or more", "%s のレプリカ数が %d 以上であること", object, had)
		why := text.New("With fewer pods there is less left to serve while one of them moves.",
			"Pod を減らすと、1 つが移動している間に応答できる Pod も減ってしまいます。")
		now, err := kube.ReadLive(ctx, env, gk, p.Namespace, p.Name)
		if err != nil {
			return checks.Result{}, err
		}
		if now == nil {
			return checks.Fail(object, want, kube.Deleted(object), why), nil
		}
		if has := kube.ReplicasOf(now); has < had {
			return checks.Fail(object, want, text.New("it has %d", "%d になっています", has), why), nil
		}
		return checks.Pass(object, text.Text{}), nil
	})
}
