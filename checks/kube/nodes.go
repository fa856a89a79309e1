package kube

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/text"
)

// EachNode judges nodes one by one. A node that does not exist fails; tell says what is wrong with those that exist and
// are not good.
func EachNode(ctx context.Context, env checks.Env, names []string, good func(*corev1.Node) bool,
	tell func(names text.Text) (want, got, why text.Text)) (checks.Result, error) {
	var missing, bad []string
	for _, name := range names {
		node, err := env.Client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			missing = append(missing, name)
		case err != nil:
			return checks.Result{}, fmt.Errorf("reading node %s: %w", name, err)
		case !good(node):
			bad = append(bad, name)
		}
	}
	switch {
	case len(missing) > 0:
		return checks.Fail("node/"+missing[0],
			text.New("nodes %s are part of the cluster", "ノード %s がクラスターに存在すること", strings.Join(names, ", ")),
			NodeMissing(strings.Join(missing, ", ")),
			text.New("Deleting a Node object does not drain it: its pods are cut off, and disruption budgets are not asked.",
				"Node オブジェクトを削除しても drain にはなりません。上の Pod は切り離され、PodDisruptionBudget も確認されません。")), nil
	case len(bad) > 0:
		want, got, why := tell(checks.Listed(bad))
		return checks.Fail("node/"+bad[0], want, got, why), nil
	}
	return checks.Pass("node/"+names[0], text.New("checked: %s", "確認しました: %s", strings.Join(names, ", "))), nil
}

// NodeMissing says that nodes do not exist.
func NodeMissing(names string) text.Text {
	return text.New("there is no node %s", "ノード %s がありません", names)
}
