package seed

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/release"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// upgradeTo brings a cluster's control plane to the release at which a step starts.
func upgradeTo(ctx context.Context, p cluster.Provider, name, wanted string) error {
	upgrader, ok := cluster.As[cluster.Upgrader](p)
	if !ok {
		return fmt.Errorf("provider %s cannot bring the control plane to %s", p.Name(), wanted)
	}
	for {
		c, err := p.Find(ctx, name)
		if err != nil {
			return err
		}
		have := release.Minor(release.Of(c.Version))
		if have >= release.Minor(wanted) {
			return nil
		}
		done, err := upgrader.Upgrade(ctx, name, cluster.UpgradeOrder{Release: fmt.Sprintf("1.%d", have+1)}, nil)
		if err != nil {
			return err
		}
		if done.Outcome != history.Upgraded {
			return fmt.Errorf("%s did not become ready: %s", done.To, done.Error)
		}
	}
}

// CanGoBack refuses a cluster that was upgraded beyond the release at which the step starts, unless a checkpoint can
// bring the cluster back.
func (t Target) CanGoBack(ctx context.Context) error {
	p := t.Provider
	if _, restores := cluster.As[cluster.Checkpointer](p); restores || !slices.Contains(cluster.CapabilitiesOf(p), cluster.Disposable) {
		return nil // a cluster that somebody else made has the versions that its owner gave it
	}
	c, err := p.Find(ctx, t.Lab.ID)
	if err != nil {
		return err
	}
	want := cmp.Or(t.Step.Cluster.Release, t.Lab.Cluster.Release)
	if runs := release.Of(c.Version); release.Minor(runs) > release.Minor(want) {
		return t.beyond(text.Text{EN: "the control plane is at " + runs, JA: "コントロールプレーンは " + runs + " です"})
	}
	cfg, err := p.Config(ctx, t.Lab.ID, cluster.Grader)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	for _, made := range t.Lab.Cluster.Nodes {
		node, err := client.CoreV1().Nodes().Get(ctx, made.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue // the node comes back with the kubelet of its machine
		}
		if err != nil {
			return err
		}
		want := cmp.Or(t.Step.Cluster.Kubelets[made.Name], made.Version, t.Lab.Cluster.Release)
		if has := release.Of(node.Status.NodeInfo.KubeletVersion); release.Minor(has) > release.Minor(want) {
			return t.beyond(text.Text{EN: made.Name + " is at " + has, JA: made.Name + " は " + has + " です"})
		}
	}
	return nil
}

func (t Target) beyond(what text.Text) error {
	return problem.New(problem.Cluster,
		text.New("%s, and a cluster of this kind does not go back to where %s starts; delete it, and start the lab again", "%s。この種類のクラスターは %s の開始時点まで戻せません。削除してから、ラボを始め直してください", what, t.Step.ID),
		action.Do(action.Delete).On(t.Lab.ID))
}

// setKubelets gives the nodes the kubelets with which the step starts. Where kubelets cannot be set, it upgrades the
// nodes.
func (t Target) setKubelets(ctx context.Context) error {
	p, wanted := t.Provider, t.Step.Cluster.Kubelets
	if len(wanted) == 0 {
		return nil
	}
	if setter, ok := cluster.As[cluster.KubeletSetter](p); ok {
		return setter.SetKubelets(ctx, t.Lab.ID, wanted)
	}
	upgrader, ok := cluster.As[cluster.NodeUpgrader](p)
	if !ok {
		return fmt.Errorf("provider %s cannot set the versions of kubelets", p.Name())
	}
	for _, node := range slices.Sorted(maps.Keys(wanted)) {
		if _, err := upgrader.UpgradeNode(ctx, t.Lab.ID, node, cluster.UpgradeOrder{Release: wanted[node]}); err != nil {
			return fmt.Errorf("bring the kubelet of %s to %s: %w", node, wanted[node], err)
		}
	}
	return nil
}
