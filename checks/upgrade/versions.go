package upgrade

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/text"
)

type kubeletParams struct {
	Nodes   []string `yaml:"nodes" doc:"Names of the nodes." ja:"ノードの名前の一覧。"`
	Release string   `yaml:"release" doc:"Release of their kubelets, such as 1.37." ja:"kubelet のリリース。1.37 など。"`
}

func (p kubeletParams) Validate() error { return validRelease(p.Release) }

func validRelease(release string) error {
	if v, err := version.ParseGeneric(release); err != nil || len(v.Components()) != 2 || v.Components()[0] == 0 {
		return fmt.Errorf("release: %q is none; write major and minor, such as 1.37", release)
	}
	return nil
}

// isOf reports whether a version such as "v1.37.2" belongs to a release such as "1.37".
func isOf(v, release string) bool {
	return strings.HasPrefix(v+".", "v"+release+".")
}

func kubeletVersion() checks.Definition {
	return checks.Define("node/kubelet-version", checks.Doc{
		Summary: text.New("The kubelets of the nodes are of a release.", "ノードの kubelet が、指定したリリースのものである。"),
		Pass:    text.New("Every node that is named reports a kubelet of the release.", "挙げたどのノードも、そのリリースの kubelet を報告している。"),
		Fail:    text.New("A node reports another version or does not exist.", "別のバージョンを報告している、または存在しないノードがある。"),
	}, func(ctx context.Context, env checks.Env, p kubeletParams) (checks.Result, error) {
		versions := map[string]string{}
		return kube.EachNode(ctx, env, p.Nodes,
			func(node *corev1.Node) bool {
				versions[node.Name] = node.Status.NodeInfo.KubeletVersion
				return isOf(node.Status.NodeInfo.KubeletVersion, p.Release)
			},
			func(text.Text) (want, got, why text.Text) {
				var others []string
				for _, name := range p.Nodes {
					if !isOf(versions[name], p.Release) {
						others = append(others, name+" "+versions[name])
					}
				}
				names := checks.Listed(others)
				return text.New("the kubelets of nodes %s are of release %s", "ノード %s の kubelet がリリース %s であること", strings.Join(p.Nodes, ", "), p.Release),
					text.Text{EN: "of another version: " + names.EN, JA: "別のバージョンのノード: " + names.JA},
					text.New("The control plane does not bring its nodes along, and a machine that reboots comes back with the kubelet that it had.",
						"コントロールプレーンを上げても、ノードは付いてきません。マシンを再起動しても、kubelet は元のバージョンのまま戻ってきます。")
			})
	})
}

type controlPlaneParams struct {
	Release string   `yaml:"release" doc:"Release of the API server, such as 1.37." ja:"API サーバーのリリース。1.37 など。"`
	Gone    []string `yaml:"gone,omitempty" doc:"Group versions that it must not serve, such as storage.k8s.io/v1beta1." ja:"提供されていてはならないグループとバージョン。storage.k8s.io/v1beta1 など。"`
}

func (p controlPlaneParams) Validate() error { return validRelease(p.Release) }

func controlPlaneVersion() checks.Definition {
	return checks.Define("control-plane/version", checks.Doc{
		Summary: text.New("The API server is of a release, and serves what it serves there.", "API サーバーが指定したリリースのもので、提供する API もそのとおりである。"),
		Pass:    text.New("It reports a version of the release, and answers 404 for each of the group versions.", "そのリリースのバージョンを報告し、挙げたグループとバージョンには 404 を返す。"),
		Fail:    text.New("It is of another release, or serves one of the group versions.", "別のリリースである、または挙げたグループとバージョンのどれかを提供している。"),
	}, judgeControlPlane)
}

func judgeControlPlane(_ context.Context, env checks.Env, p controlPlaneParams) (checks.Result, error) {
	const object = "kube-apiserver"
	info, err := env.Client.Discovery().ServerVersion()
	if err != nil {
		return checks.Result{}, fmt.Errorf("asking the API server for its version: %w", err)
	}
	want := text.New("the API server is of release %s", "API サーバーのリリースが %s であること", p.Release)
	if !isOf(info.GitVersion, p.Release) {
		return checks.Fail(object, want, text.New("the API server is %s", "API サーバーは %s です", info.GitVersion),
			text.New("The API server goes first: nodes may be older than it, but never newer.", "最初に上げるのは API サーバーです。Node は API サーバーより古くてもかまいませんが、新しくてはいけません。")), nil
	}
	for _, gv := range p.Gone {
		_, err := env.Client.Discovery().ServerResourcesForGroupVersion(gv)
		switch {
		case apierrors.IsNotFound(err):
		case err != nil:
			return checks.Result{}, fmt.Errorf("asking the API server for %s: %w", gv, err)
		default:
			return checks.Fail(object, text.New("the API server does not serve %s", "API サーバーが %s を提供していないこと", gv),
				text.New("%s is still served", "%s がまだ提供されています", gv),
				text.New("Whoever brings an old version back only puts off what its callers have to do.", "古いバージョンを復活させても、使う側の修正を先送りするだけです。")), nil
		}
	}
	return checks.Pass(object, text.New("the API server is %s", "API サーバーは %s です", info.GitVersion)), nil
}
