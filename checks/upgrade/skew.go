package upgrade

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/text"
)

const (
	// mostSkew is how many minor versions a kubelet may be older than its API server, since kubelet 1.25 (version skew
	// policy, KEP-3935).
	mostSkew = 3
	// formerSkew is how many minor versions it was before kubelet 1.25.
	formerSkew = 2
)

type skewParams struct {
	Label string `yaml:"label" doc:"Key of the label that a learner puts on the nodes." ja:"受講者がノードに付けるラベルのキー。"`
	OK    string `yaml:"ok" doc:"Its value for a kubelet that the API server supports." ja:"API サーバーがサポートする kubelet を示す値。"`
	Bad   string `yaml:"bad" doc:"Its value for one that it does not support." ja:"サポートされない kubelet を示す値。"`
}

func (p skewParams) Validate() error {
	if p.OK == p.Bad {
		return fmt.Errorf("bad: %q is the value of ok, too; write another one", p.Bad)
	}
	return nil
}

func skewLabels() checks.Definition {
	return checks.Define("node/skew-labels", checks.Doc{
		Summary: text.New("Labels of the nodes say rightly whether their kubelets suit the API server.", "ノードのラベルが、kubelet と API サーバーのバージョン差を正しく示している。"),
		Pass: text.New("Every node of the start is labelled ok where its kubelet is not newer than the API server and at most three minor versions older, and bad where not.",
			"開始時からあるどのノードも、kubelet が API サーバーより新しくなく、古くても 3 マイナーバージョン以内なら ok、それ以外なら bad になっている。"),
		Fail: text.New("A node has no such label, another value, or the wrong one of the two; the failure names both versions and the rule.",
			"ラベルがない、値がどちらでもない、または逆になっているノードがある。両方のバージョンと決まりを示す。"),
	}, judgeSkewLabels)
}

func judgeSkewLabels(ctx context.Context, env checks.Env, p skewParams) (checks.Result, error) {
	api, err := serverVersion(env)
	if err != nil {
		return checks.Result{}, err
	}
	nodes := env.Baseline.Objects(schema.GroupKind{Kind: "Node"})
	if len(nodes) == 0 {
		return checks.Result{}, fmt.Errorf("there was no node in the starting state")
	}
	want := text.New("each node is labelled %[1]s=%[2]s or %[1]s=%[3]s, as its kubelet suits the API server %[4]s",
		"どのノードにも、kubelet が API サーバー %[4]s でサポートされるかどうかに応じて %[1]s=%[2]s か %[1]s=%[3]s のラベルが付いていること", p.Label, p.OK, p.Bad, api)
	var faults []text.Text
	var first, why text.Text
	object := ""
	for _, o := range nodes {
		node, err := env.Client.CoreV1().Nodes().Get(ctx, o.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return checks.Fail("node/"+o.GetName(), want, kube.NodeMissing(o.GetName()), whyLabels()), nil
		}
		if err != nil {
			return checks.Result{}, fmt.Errorf("reading node %s: %w", o.GetName(), err)
		}
		if first, why, err = mislabelled(node, p, api, why); err != nil {
			return checks.Result{}, err
		}
		if !first.IsZero() {
			if object == "" {
				object = "node/" + node.Name
			}
			faults = append(faults, first)
		}
	}
	if len(faults) > 0 {
		return checks.Fail(object, want, text.Sentences(faults), why), nil
	}
	return checks.Pass(object, text.New("%d nodes are labelled as they should be", "%d 個のノードに正しいラベルが付いています", len(nodes))), nil
}

// mislabelled says what is wrong with the label of a node, and why it matters; the reason is the known one if there is
// one.
func mislabelled(node *corev1.Node, p skewParams, api *version.Version, known text.Text) (fault, why text.Text, err error) {
	kubelet, err := version.ParseGeneric(node.Status.NodeInfo.KubeletVersion)
	if err != nil {
		return fault, why, fmt.Errorf("the kubelet version of node %s: %w", node.Name, err)
	}
	value, labelled := node.Labels[p.Label]
	age := int(api.Minor()) - int(kubelet.Minor())
	supported := age >= 0 && age <= mostSkew
	switch {
	case supported && value == p.OK, !supported && value == p.Bad:
		return text.Text{}, known, nil
	case !labelled:
		fault = text.New("node %s has no label %s", "ノード %s にラベル %s がありません", node.Name, p.Label)
	default:
		fault = text.New("node %s is labelled %s=%s; its kubelet is %s", "ノード %s のラベルが %s=%s になっています (kubelet は %s)",
			node.Name, p.Label, value, node.Status.NodeInfo.KubeletVersion)
	}
	if !known.IsZero() {
		return fault, known, nil
	}
	return fault, whySkew(age, supported, value == p.OK || value == p.Bad), nil
}

func whyLabels() text.Text {
	return text.New("An upgrade begins with knowing which nodes would be in its way.", "どのノードが妨げになるかを知ることが、アップグレードの第一歩です。")
}

// whySkew is the rule that a wrong label has overlooked.
func whySkew(age int, supported, valid bool) text.Text {
	switch {
	case !valid:
		return whyLabels()
	case age < 0:
		return text.New("A kubelet must never be newer than its API server. The server does not turn it away, but nobody has tested the two together.",
			"kubelet は API サーバーより新しくてはいけません。サーバーが接続を断ることはありませんが、その組み合わせは誰も確かめていません。")
	case !supported:
		return text.New("A kubelet may be %d minor versions older than its API server, and no more. The server does not turn an older one away, but nobody has tested the two together.",
			"kubelet が API サーバーより古くてよいのは %d マイナーバージョンまでです。もっと古い kubelet もサーバーは断りませんが、その組み合わせは誰も確かめていません。", mostSkew)
	case age > formerSkew:
		return text.New("Since kubelet 1.25 a kubelet may be three minor versions older than its API server (n-3). Two (n-2) is old advice.",
			"kubelet 1.25 以降、kubelet は API サーバーより 3 マイナーバージョンまで古くてもかまいません (n-3)。2 つまで (n-2) というのは昔の決まりです。")
	}
	return text.New("A kubelet of the API server's own minor version, or one that is up to three older, is supported.",
		"API サーバーと同じか、3 つ前までのマイナーバージョンの kubelet はサポートされます。")
}

func serverVersion(env checks.Env) (*version.Version, error) {
	info, err := env.Client.Discovery().ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("asking the API server for its version: %w", err)
	}
	v, err := version.ParseGeneric(strings.TrimPrefix(info.GitVersion, "v"))
	if err != nil {
		return nil, fmt.Errorf("the API server's version %q: %w", info.GitVersion, err)
	}
	return v, nil
}
