package checks

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/history"
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

func kubeletVersion() Definition {
	return Define("node/kubelet-version", Doc{
		Summary: say("The kubelets of the nodes are of a release.", "ノードの kubelet が、指定したリリースのものである。"),
		Pass:    say("Every node that is named reports a kubelet of the release.", "挙げたどのノードも、そのリリースの kubelet を報告している。"),
		Fail:    say("A node reports another version or does not exist.", "別のバージョンを報告している、または存在しないノードがある。"),
	}, func(ctx context.Context, env Env, p kubeletParams) (Result, error) {
		versions := map[string]string{}
		return eachNode(ctx, env, p.Nodes,
			func(node *corev1.Node) bool {
				versions[node.Name] = node.Status.NodeInfo.KubeletVersion
				return isOf(node.Status.NodeInfo.KubeletVersion, p.Release)
			},
			func(content.Text) (want, got, why content.Text) {
				var others []string
				for _, name := range p.Nodes {
					if !isOf(versions[name], p.Release) {
						others = append(others, name+" "+versions[name])
					}
				}
				names := list(others)
				return say("the kubelets of nodes %s are of release %s", "ノード %s の kubelet がリリース %s であること", strings.Join(p.Nodes, ", "), p.Release),
					content.Text{EN: "of another version: " + names.EN, JA: "別のバージョンのノード: " + names.JA},
					say("The control plane does not bring its nodes along, and a machine that reboots comes back with the kubelet that it had.",
						"コントロールプレーンを上げても、ノードは付いてきません。マシンを再起動しても、kubelet は元のバージョンのまま戻ってきます。")
			})
	})
}

type controlPlaneParams struct {
	Release string   `yaml:"release" doc:"Release of the API server, such as 1.37." ja:"API サーバーのリリース。1.37 など。"`
	Gone    []string `yaml:"gone,omitempty" doc:"Group versions that it must not serve, such as storage.k8s.io/v1beta1." ja:"提供されていてはならないグループとバージョン。storage.k8s.io/v1beta1 など。"`
}

func (p controlPlaneParams) Validate() error { return validRelease(p.Release) }

func controlPlaneVersion() Definition {
	return Define("control-plane/version", Doc{
		Summary: say("The API server is of a release, and serves what it serves there.", "API サーバーが指定したリリースのもので、提供する API もそのとおりである。"),
		Pass:    say("It reports a version of the release, and answers 404 for each of the group versions.", "そのリリースのバージョンを報告し、挙げたグループとバージョンには 404 を返す。"),
		Fail:    say("It is of another release, or serves one of the group versions.", "別のリリースである、または挙げたグループとバージョンのどれかを提供している。"),
	}, judgeControlPlane)
}

func judgeControlPlane(_ context.Context, env Env, p controlPlaneParams) (Result, error) {
	const object = "kube-apiserver"
	info, err := env.Client.Discovery().ServerVersion()
	if err != nil {
		return Result{}, fmt.Errorf("asking the API server for its version: %w", err)
	}
	want := say("the API server is of release %s", "API サーバーのリリースが %s であること", p.Release)
	if !isOf(info.GitVersion, p.Release) {
		return fail(object, want, say("the API server is %s", "API サーバーは %s です", info.GitVersion),
			say("The API server goes first: nodes may be older than it, but never newer.", "最初に上げるのは API サーバーです。Node は API サーバーより古くてもかまいませんが、新しくてはいけません。")), nil
	}
	for _, gv := range p.Gone {
		_, err := env.Client.Discovery().ServerResourcesForGroupVersion(gv)
		switch {
		case apierrors.IsNotFound(err):
		case err != nil:
			return Result{}, fmt.Errorf("asking the API server for %s: %w", gv, err)
		default:
			return fail(object, say("the API server does not serve %s", "API サーバーが %s を提供していないこと", gv),
				say("%s is still served", "%s がまだ提供されています", gv),
				say("Whoever brings an old version back only puts off what its callers have to do.", "古いバージョンを復活させても、使う側の修正を先送りするだけです。")), nil
		}
	}
	return pass(object, say("the API server is %s", "API サーバーは %s です", info.GitVersion)), nil
}

type noParams struct{}

func notForced() Definition {
	return Define("upgrade/not-forced", Doc{
		Summary: say("No upgrade of the control plane was forced.",
			"コントロールプレーンのアップグレードが強制されていない。"),
		Pass: say("Since the step began, nothing that stood in the way of an upgrade of the control plane was ignored.", "ステップの開始以降、コントロールプレーンのアップグレードの妨げになるものを無視していない。"),
		Fail: say("It was; the failure says what was ignored.", "無視した。何を無視したかを示す。"),
	}, func(ctx context.Context, env Env, _ noParams) (Result, error) {
		const object = "kube-apiserver"
		upgrades, err := env.upgrades(ctx)
		if err != nil {
			return Result{}, fmt.Errorf("looking up how the control plane was upgraded: %w", err)
		}
		for _, u := range upgrades {
			if u.Node == "" && u.Forced {
				return fail(object, say("the upgrade is not forced", "アップグレードを強制しないこと"),
					say("the upgrade from %s to %s at %s ignored: %s", "%[3]s の %[1]s から %[2]s へのアップグレードで、次のものが無視されました: %[4]s",
						u.From, u.To, clockOf(u.Time), strings.Join(u.Ignored, "; ")),
					say("What stands in the way is somebody who breaks with the upgrade. To force it is to decide that without asking them.",
						"妨げになっているのは、アップグレードすると動かなくなる誰かのプログラムです。強制するとは、その人に聞かずに決めてしまうことです。")).
					because(recordOfUpgrade(u)), nil
			}
		}
		return pass(object, content.Text{}), nil
	}, Upgrades)
}

func noUpgrade() Definition {
	return Define("upgrade/none", Doc{
		Summary: say("Neither the control plane nor a node was upgraded.",
			"コントロールプレーンもノードもアップグレードされていない。"),
		Pass: say("There was no upgrade since the step began.", "ステップの開始以降、アップグレードがない。"),
		Fail: say("There was one; the failure says of what, and when.", "あった。何をいつ上げたかを示す。"),
	}, func(ctx context.Context, env Env, _ noParams) (Result, error) {
		upgrades, err := env.upgrades(ctx)
		if err != nil {
			return Result{}, fmt.Errorf("looking up what was upgraded: %w", err)
		}
		for _, u := range upgrades {
			if u.Outcome != history.Upgraded {
				continue
			}
			what := "kube-apiserver"
			if u.Node != "" {
				what = "node/" + u.Node
			}
			return fail(what, say("everything keeps the version that it has", "どのバージョンも変えないこと"),
				say("%s went from %s to %s at %s", "%[1]s が %[4]s に %[2]s から %[3]s になりました", what, u.From, u.To, clockOf(u.Time)),
				say("First one knows what there is, and then one changes it. An upgrade that nobody has planned is an outage that nobody has announced.",
					"まず現状を知り、変えるのはそのあとです。計画のないアップグレードは、予告のない障害と変わりません。")).
				because(recordOfUpgrade(u)), nil
		}
		return pass("", content.Text{}), nil
	}, Upgrades)
}

// recordOfUpgrade is k8slab's own record in one line.
func recordOfUpgrade(u history.Upgrade) string {
	what := "control plane"
	if u.Node != "" {
		what = "node " + u.Node
	}
	return fmt.Sprintf("record of upgrades: %s %s to %s, forced %v", what, u.From, u.To, u.Forced)
}
