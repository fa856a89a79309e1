package embedded

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/release"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// kubeletPatience bounds the wait for a Node object that shows its kubelet.
const kubeletPatience = 30 * time.Second

// Releases implements cluster.Releases.
func (p *Provider) Releases(context.Context) ([]string, error) {
	return availableReleases(searchPath())
}

// Upgrade implements cluster.Upgrader.
func (p *Provider) Upgrade(ctx context.Context, name string, order cluster.UpgradeOrder, progress cluster.Progress) (history.Upgrade, error) {
	f := p.folder(name)
	if !f.supervised() {
		return history.Upgrade{}, notRunning(name)
	}
	body, err := json.Marshal(order)
	if err != nil {
		return history.Upgrade{}, err
	}
	res, err := f.request(ctx, "POST", "/upgrade", body)
	if err != nil {
		return history.Upgrade{}, interrupted(name, err)
	}
	defer res.Body.Close()
	news := json.NewDecoder(res.Body)
	for {
		var n upgradeNews
		if err := news.Decode(&n); err != nil {
			if ctx.Err() != nil {
				return history.Upgrade{}, ctx.Err()
			}
			return history.Upgrade{}, interrupted(name, err)
		}
		switch {
		case n.Error != "":
			return history.Upgrade{}, upgradeProblem(n.Error)
		case n.Result != nil:
			return *n.Result, nil
		case n.Phase != nil && progress != nil:
			progress(*n.Phase)
		}
	}
}

func notRunning(name string) error {
	return problem.New(problem.Cluster,
		text.New("the cluster %s is not running", "クラスター %s は動いていません", name),
		action.Do(action.StartComponent))
}

func upgradeProblem(detail string) error {
	return problem.New(problem.Cluster,
		text.Text{EN: "the control plane was not upgraded: " + detail, JA: "コントロールプレーンをアップグレードできませんでした: " + detail},
		action.Do(action.ClusterStatus))
}

// interrupted is said where the supervisor went away in the middle.
func interrupted(name string, err error) error {
	return problem.New(problem.Cluster,
		text.New("the process that upgrades the cluster %s has gone; the next start finishes the upgrade or undoes it", "クラスター %s をアップグレードしていたプロセスがなくなりました。次の起動時に、アップグレードを完了するか元に戻します", name),
		action.Do(action.StartComponent)).From(err)
}

// Upgrades implements cluster.UpgradeLog.
func (p *Provider) Upgrades(_ context.Context, name string) ([]history.Upgrade, error) {
	raw, err := os.ReadFile(p.folder(name).upgrades())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []history.Upgrade
	for line := range bytes.Lines(raw) {
		var u history.Upgrade
		if err := json.Unmarshal(line, &u); err != nil {
			continue // cut short by a full disk; the lines around it still count
		}
		all = append(all, u)
	}
	return all, nil
}

// UpgradeNode implements cluster.NodeUpgrader.
func (p *Provider) UpgradeNode(ctx context.Context, name, node string, order cluster.UpgradeOrder) (history.Upgrade, error) {
	f := p.folder(name)
	d, err := f.readDescription()
	if err != nil {
		return history.Upgrade{}, err
	}
	began := time.Now()
	from, err := f.kubeletOf(ctx, node)
	if err != nil {
		return history.Upgrade{}, err
	}
	done := history.Upgrade{
		Node: node, From: from, To: d.kubeletVersion(order.Release), Outcome: history.Upgraded,
		Forced: order.Forced, Ignored: order.Ignored, Pods: order.Pods,
	}
	if err := release.MayBecome(node, from, done.To, d.Version); err != nil {
		return history.Upgrade{}, err
	}
	if from == done.To {
		return done, nil
	}
	if err := p.nodeCommand(ctx, name, node, "upgrade", done.To); err != nil {
		return history.Upgrade{}, err
	}
	if err := f.awaitKubelet(ctx, node, done.To); err != nil {
		return history.Upgrade{}, err
	}
	done.Time, done.TookMS = time.Now().UTC(), time.Since(began).Milliseconds()
	return done, f.storageProblem(f.appendUpgrade(done))
}

// SetKubelets implements cluster.KubeletSetter.
func (p *Provider) SetKubelets(ctx context.Context, name string, releases map[string]string) error {
	f := p.folder(name)
	d, err := f.readDescription()
	if err != nil {
		return err
	}
	nodes := slices.Sorted(maps.Keys(releases))
	for _, node := range nodes {
		if err := p.nodeCommand(ctx, name, node, "set-kubelet", d.kubeletVersion(releases[node])); err != nil {
			return err
		}
	}
	for _, node := range nodes {
		if err := f.awaitKubelet(ctx, node, d.kubeletVersion(releases[node])); err != nil {
			return err
		}
	}
	return nil
}

func (p *Provider) nodeCommand(ctx context.Context, name, node, action, kubelet string) error {
	return p.command(ctx, name, "/nodes/"+url.PathEscape(node)+"/"+action+"?version="+url.QueryEscape(kubelet), nil)
}

func (f folder) kubeletOf(ctx context.Context, node string) (string, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", f.identity("operator"))
	if err != nil {
		return "", err
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return "", err
	}
	object, err := client.CoreV1().Nodes().Get(ctx, node, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("find node %s: %w", node, err)
	}
	return object.Status.NodeInfo.KubeletVersion, nil
}

// awaitKubelet waits until the Node object shows the version.
func (f folder) awaitKubelet(ctx context.Context, node, want string) error {
	var shows string
	var failed error
	err := wait.PollUntilContextTimeout(ctx, nodesPoll, kubeletPatience, true, func(ctx context.Context) (bool, error) {
		shows, failed = f.kubeletOf(ctx, node)
		return failed == nil && shows == want, nil
	})
	if err != nil {
		return fmt.Errorf("node %s shows %q and not %s: %w", node, shows, want, errors.Join(err, failed))
	}
	return nil
}
