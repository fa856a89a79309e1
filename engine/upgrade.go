package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/release"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/engine/seed"
	"github.com/k8slab/k8slab/text"
)

// UpgradePlan is an upgrade of the control plane before it is done.
type UpgradePlan struct {
	// From is the version that runs; To is the release to go to.
	From string `json:"from"`
	To   string `json:"to"`
	// Obstacles stand in the way of the upgrade; empty if nothing does.
	Obstacles []Obstacle `json:"findings"`
}

// PlanUpgrade looks whether the control plane can go to the release. It changes nothing. An empty release means the
// next one.
func (p *Play) PlanUpgrade(ctx context.Context, to string) (*UpgradePlan, error) {
	if err := p.upgradable(ctx); err != nil {
		return nil, err
	}
	s := p.Session()
	plan := &UpgradePlan{From: s.Cluster.Version, Obstacles: []Obstacle{}}
	var err error
	if plan.To, err = nextRelease(ctx, p.Provider(), s.Cluster.Version, to); err != nil {
		return nil, err
	}
	client, err := p.grader(ctx)
	if err != nil {
		return nil, err
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, noAnswer(s, err)
	}
	plan.Obstacles = append(plan.Obstacles, skewObstacles(nodes.Items, plan.To)...)
	now := time.Now()
	past, began := p.sinceBegun()
	since := now.Add(-deprecatedWindow)
	if began.After(since) {
		since = began // what came before the starting state does not count
	}
	requests, err := past.Requests(ctx, history.Query{Since: since})
	if err != nil {
		return nil, fmt.Errorf("who uses deprecated APIs: %w", err)
	}
	plan.Obstacles = append(plan.Obstacles, deprecatedObstacles(requests, plan.To, now)...)
	return plan, nil
}

// upgradable refuses a cluster that does not run, or that k8slab cannot upgrade.
func (p *Play) upgradable(ctx context.Context) error {
	if err := p.awake(ctx, nil); err != nil {
		return err
	}
	if !slices.Contains(cluster.CapabilitiesOf(p.Provider()), cluster.Upgrades) {
		return problem.New(problem.Usage,
			text.New("k8slab cannot upgrade clusters of the kind %s", "%s クラスターは k8slab からアップグレードできません", p.Provider().Name()), action.Do(action.ClusterStatus))
	}
	return nil
}

func (p *Play) grader(ctx context.Context) (kubernetes.Interface, error) {
	cfg, err := p.Provider().Config(ctx, p.Session().Lab.ID, cluster.Grader)
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(cfg)
}

func noAnswer(s *Session, err error) error {
	return problem.New(problem.Cluster,
		text.New("the API server of %s does not answer: %v", "%s の API サーバーが応答しません: %v", s.Lab.ID, err), action.Do(action.ClusterStatus)).From(err)
}

// sinceBegun returns the audit log without requests that a restored snapshot has undone, and when the step began. The
// time is zero if that is not known.
func (p *Play) sinceBegun() (past history.Reader, began time.Time) {
	if b, err := seed.LoadBaseline(p.dir); err == nil && b != nil {
		return b.AuditLog(p.holds().auditLog), b.Time
	}
	return p.holds().auditLog, time.Time{}
}

// Upgrade brings the control plane to the plan's release. If obstacles stand in the way, it refuses, unless forced; a
// forced upgrade records the obstacles that it ignored.
func (p *Play) Upgrade(ctx context.Context, plan *UpgradePlan, force bool, report cluster.Progress) (done history.Upgrade, err error) {
	if len(plan.Obstacles) > 0 && !force {
		return done, blocked(plan)
	}
	if err := p.upgradable(ctx); err != nil {
		return done, err
	}
	upgrader, ok := cluster.As[cluster.Upgrader](p.Provider())
	if !ok {
		return done, fmt.Errorf("provider %s cannot upgrade", p.Provider().Name())
	}
	order := cluster.UpgradeOrder{Release: plan.To, Forced: len(plan.Obstacles) > 0}
	for _, o := range plan.Obstacles {
		order.Ignored = append(order.Ignored, o.What.EN)
	}
	err = p.locked(ctx, func() (err error) {
		if done, err = upgrader.Upgrade(ctx, p.Session().Lab.ID, order, report); err != nil {
			return err
		}
		return errors.Join(p.recordUpgrade(done), p.look(ctx))
	})
	if err != nil {
		return done, err
	}
	if done.Outcome == history.RolledBack {
		return done, problem.New(problem.Cluster,
			text.New("%s did not become ready, and %s runs again; nothing is lost: %s",
				"%s が正常に起動しなかったため、%s に戻しました。失われたものはありません: %s", done.To, done.From, done.Error),
			action.Do(action.ClusterLogs).With("log", done.Log).With("tail", "20"))
	}
	return done, nil
}

func blocked(plan *UpgradePlan) error {
	return problem.New(problem.Cluster,
		text.New("the upgrade from %s to %s has not begun; found in its way: %d", "%s から %s へのアップグレードは始めていません。妨げになるものが %d 件見つかりました", plan.From, plan.To, len(plan.Obstacles)),
		action.Do(action.ClusterUpgrade).With("dry-run", ""))
}

func (p *Play) recordUpgrade(done history.Upgrade) error {
	return p.append(progress.Event{
		Kind: progress.Upgraded, Node: done.Node, From: done.From, To: done.To, Outcome: string(done.Outcome), Ignored: done.Ignored,
	})
}

// UpgradeNode brings the kubelet of a node to the release; empty means that of the control plane. It refuses a node
// that still runs workload pods, unless forced.
func (p *Play) UpgradeNode(ctx context.Context, node, to string, force bool) (done history.Upgrade, err error) {
	if err := p.hasNode(node); err != nil {
		return done, err
	}
	if err := p.upgradable(ctx); err != nil {
		return done, err
	}
	upgrader, ok := cluster.As[cluster.NodeUpgrader](p.Provider())
	if !ok {
		return done, fmt.Errorf("provider %s cannot upgrade nodes", p.Provider().Name())
	}
	s := p.Session()
	to = cmp.Or(to, release.Of(s.Cluster.Version))
	if release.Minor(to) < 0 {
		return done, noRelease(to)
	}
	order := cluster.UpgradeOrder{Release: to}
	if order.Pods, err = p.examineNode(ctx, node); err != nil {
		return done, err
	}
	if len(order.Pods) > 0 {
		if !force {
			return done, nodeInUse(node, order.Pods)
		}
		order.Forced, order.Ignored = true, []string{node + " still ran " + strings.Join(order.Pods, ", ")}
	}
	err = p.locked(ctx, func() (err error) {
		done, err = upgrader.UpgradeNode(ctx, s.Lab.ID, node, order)
		if err != nil || done.From == done.To {
			return err
		}
		return p.recordUpgrade(done)
	})
	return done, err
}

// examineNode returns the workload pods of a node, as namespace/name. It refuses a node that is deleted or not Ready.
func (p *Play) examineNode(ctx context.Context, name string) (pods []string, err error) {
	s := p.Session()
	client, err := p.grader(ctx)
	if err != nil {
		return nil, err
	}
	node, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, problem.New(problem.Cluster,
			text.New("the Node object %s has been deleted; there is nothing to upgrade", "Node オブジェクト %s は削除されています。アップグレードする対象がありません", name),
			action.Do(action.ListNodes))
	}
	if err != nil {
		return nil, noAnswer(s, err)
	}
	if !isReady(node) {
		return nil, problem.New(problem.Cluster,
			text.New("%s is not Ready, so its kubelet cannot be upgraded", "%s が Ready ではないため、kubelet をアップグレードできません", name), action.Do(action.ListNodes))
	}
	list, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + name})
	if err != nil {
		return nil, noAnswer(s, err)
	}
	for i := range list.Items {
		if isWorkload(&list.Items[i]) {
			pods = append(pods, list.Items[i].Namespace+"/"+list.Items[i].Name)
		}
	}
	return pods, nil
}

func nodeInUse(node string, pods []string) error {
	return problem.New(problem.Cluster,
		text.New("%s still runs workload pods: %s. Restarting its kubelet under them is a risk; drain the node first", "%s ではまだワークロードの Pod が動いています: %s。Pod を動かしたまま kubelet を入れ替えるのは危険です。先に Node をドレインしてください", node, text.List(pods)),
		action.InTerminal("kubectl get pods -A --field-selector spec.nodeName="+node))
}

func isReady(node *corev1.Node) bool {
	return slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// isWorkload reports whether a drain would have moved the pod: it has not ended, and neither a DaemonSet nor the
// kubelet itself made it.
func isWorkload(pod *corev1.Pod) bool {
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return false
	}
	if _, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]; mirror {
		return false
	}
	owner := metav1.GetControllerOf(pod)
	return owner == nil || owner.Kind != "DaemonSet"
}

// nextRelease returns the release to go to. If there is none, the error says why.
func nextRelease(ctx context.Context, p cluster.Provider, version, wanted string) (string, error) {
	var known []string
	if lister, ok := cluster.As[cluster.Releases](p); ok {
		var err error
		if known, err = lister.Releases(ctx); err != nil {
			return "", err
		}
	}
	have := release.Minor(release.Of(version))
	next := fmt.Sprintf("1.%d", have+1)
	if wanted == "" {
		wanted = next
	}
	want := release.Minor(wanted)
	list := strings.Join(known, ", ")
	switch {
	case want < 0:
		return "", noRelease(wanted)
	case want == have:
		return "", problem.New(problem.Usage,
			text.New("the control plane is at %s already", "コントロールプレーンはすでに %s です", version), action.Do(action.ClusterStatus))
	case want < have:
		return "", problem.New(problem.Usage,
			text.New("the control plane is at %s; it never goes down to %s", "コントロールプレーンは %s です。%s に下げることはできません", version, wanted), action.Do(action.ClusterStatus))
	case want > have+1:
		return "", problem.New(problem.Usage,
			text.New("the control plane goes up by one minor release at a time: from %s to %s, not to %s", "コントロールプレーンは一度に 1 マイナーバージョンずつ上げます。%s の次は %s で、%s ではありません", version, next, wanted),
			action.Do(action.ClusterUpgrade).With("to", next))
	case !slices.Contains(known, wanted):
		return "", problem.New(problem.Cluster,
			text.New("there is no control plane of release %s on this machine; there is %s", "このマシンにはリリース %s のコントロールプレーンがありません。あるのは %s です", wanted, list), whereReleasesComeFrom(p))
	}
	return wanted, nil
}

// whereReleasesComeFrom returns the action that leads to another release: for a kind of cluster that can be examined,
// the examination, which tells about its images.
func whereReleasesComeFrom(p cluster.Provider) action.Action {
	if _, ok := cluster.As[cluster.Examiner](p); ok {
		return action.Do(action.Doctor).With("cluster", p.Name())
	}
	return action.InTerminal("make build")
}

func noRelease(s string) error {
	return problem.New(problem.Usage,
		text.New("%q is not a release; write major and minor, such as 1.37", "%q はリリースではありません。1.37 のようにメジャーとマイナーを指定してください", s), action.HelpOn(action.ClusterUpgrade))
}
