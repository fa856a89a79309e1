package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
)

// UpgradePlan is an upgrade of the control plane before it is done.
type UpgradePlan struct {
	// From is the version that runs, To the release to go to.
	From string `json:"from"`
	To   string `json:"to"`
	// Findings stand in the way; there are none where nothing does.
	Findings []Finding `json:"findings"`
}

// PlanUpgrade looks whether the session's control plane can go to the release, without changing anything. An empty release means the
// next one.
func (e *Engine) PlanUpgrade(ctx context.Context, s *Session, release string) (*UpgradePlan, error) {
	p, err := e.upgradable(ctx, s)
	if err != nil {
		return nil, err
	}
	plan := &UpgradePlan{From: s.Cluster.Version, Findings: []Finding{}}
	if plan.To, err = nextRelease(ctx, p, s.Cluster.Version, release); err != nil {
		return nil, err
	}
	client, err := e.grader(ctx, p, s)
	if err != nil {
		return nil, err
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, noAnswer(s, err)
	}
	plan.Findings = append(plan.Findings, skewFindings(nodes.Items, plan.To)...)
	now := time.Now()
	past, began := e.pastOf(p, s)
	since := now.Add(-deprecatedWindow)
	if began.After(since) {
		since = began // what was before the starting state is no part of it
	}
	requests, err := past.Requests(ctx, history.Query{Since: since})
	if err != nil {
		return nil, fmt.Errorf("who uses deprecated APIs: %w", err)
	}
	plan.Findings = append(plan.Findings, deprecatedFindings(requests, plan.To, now)...)
	return plan, nil
}

// upgradable returns the provider of the session's cluster, which runs.
func (e *Engine) upgradable(ctx context.Context, s *Session) (cluster.Provider, error) {
	if err := e.awake(ctx, s, nil); err != nil {
		return nil, err
	}
	p, err := e.Provider(s.Cluster.Provider)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(p.Capabilities(), cluster.Upgrades) {
		return nil, problem.New(problem.Usage,
			fmt.Sprintf("k8slab cannot upgrade clusters of the kind %s", p.Name()),
			fmt.Sprintf("%s クラスターは k8slab からアップグレードできません", p.Name()), "k8slab cluster status")
	}
	return p, nil
}

func (e *Engine) grader(ctx context.Context, p cluster.Provider, s *Session) (kubernetes.Interface, error) {
	cfg, err := p.Config(ctx, s.Lab.ID, cluster.Grader)
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(cfg)
}

func noAnswer(s *Session, err error) error {
	return problem.New(problem.Cluster,
		fmt.Sprintf("the API server of %s does not answer: %v", s.Lab.ID, err),
		fmt.Sprintf("%s の API サーバーが応答しません: %v", s.Lab.ID, err), "k8slab cluster status").From(err)
}

// pastOf is what happened on the session's cluster, without what a restored snapshot has undone, and when its step began; zero where
// that is not known.
func (e *Engine) pastOf(p cluster.Provider, s *Session) (past history.Reader, began time.Time) {
	all := historyOf(p, s.Lab.ID)
	dir, err := e.sessionDir(s.Lab.ID)
	if err != nil {
		return all, time.Time{}
	}
	if b, err := loadBaseline(dir); err == nil && b != nil {
		return b.without(all), b.Time
	}
	return all, time.Time{}
}

// Upgrade brings the session's control plane to the plan's release. Where something stands in the way it is refused, unless forced; what
// was ignored is then recorded.
func (e *Engine) Upgrade(ctx context.Context, s *Session, plan *UpgradePlan, force bool, report cluster.Progress) (history.Upgrade, error) {
	if len(plan.Findings) > 0 && !force {
		return history.Upgrade{}, blocked(plan)
	}
	p, err := e.upgradable(ctx, s)
	if err != nil {
		return history.Upgrade{}, err
	}
	upgrader, ok := p.(cluster.Upgrader)
	if !ok {
		return history.Upgrade{}, fmt.Errorf("provider %s cannot upgrade", p.Name())
	}
	unlock, err := e.lockSession(ctx, s.Lab.ID)
	if err != nil {
		return history.Upgrade{}, err
	}
	defer unlock()
	order := cluster.UpgradeOrder{Release: plan.To, Forced: len(plan.Findings) > 0}
	for _, f := range plan.Findings {
		order.Ignored = append(order.Ignored, f.What.EN)
	}
	done, err := upgrader.Upgrade(ctx, s.Lab.ID, order, report)
	if err != nil {
		return done, err
	}
	if err := e.recordUpgrade(s, done); err != nil {
		return done, err
	}
	if done.Outcome == history.RolledBack {
		return done, problem.New(problem.Cluster,
			fmt.Sprintf("%s did not become ready, and %s runs again; nothing is lost: %s", done.To, done.From, done.Error),
			fmt.Sprintf("%s が正常に起動しなかったため、%s に戻しました。失われたものはありません: %s", done.To, done.From, done.Error),
			"k8slab cluster logs "+done.Log+" --tail 20")
	}
	return done, nil
}

func blocked(plan *UpgradePlan) error {
	return problem.New(problem.Cluster,
		fmt.Sprintf("the upgrade from %s to %s is not begun: %d found that stand in its way", plan.From, plan.To, len(plan.Findings)),
		fmt.Sprintf("%s から %s へのアップグレードは始めていません。妨げになるものが %d 件見つかりました", plan.From, plan.To, len(plan.Findings)),
		"k8slab cluster upgrade --dry-run")
}

func (e *Engine) recordUpgrade(s *Session, done history.Upgrade) error {
	return e.journal.Append(progress.Event{
		Kind: progress.Upgraded, Attempt: s.Attempt.Attempt, Lab: s.Lab.ID, Step: s.Step.ID,
		Node: done.Node, From: done.From, To: done.To, Outcome: string(done.Outcome), Ignored: done.Ignored,
	})
}

// Switched writes down what the learner did to a node's machine: "stop", "start", "reboot" or "touch". The cluster sees only what comes of it.
func (e *Engine) Switched(s *Session, node, action string) error {
	return e.journal.Append(progress.Event{
		Kind: progress.Switched, Attempt: s.Attempt.Attempt, Lab: s.Lab.ID, Step: s.Step.ID, Node: node, Action: action,
	})
}

// UpgradeNode brings the kubelet of a node to the release, which is the control plane's where it is empty. A node that still runs workload
// pods is refused, unless forced.
func (e *Engine) UpgradeNode(ctx context.Context, s *Session, node, release string, force bool) (history.Upgrade, error) {
	p, err := e.upgradable(ctx, s)
	if err != nil {
		return history.Upgrade{}, err
	}
	upgrader, ok := p.(cluster.NodeUpgrader)
	if !ok {
		return history.Upgrade{}, fmt.Errorf("provider %s cannot upgrade nodes", p.Name())
	}
	if release == "" {
		release = releaseOf(s.Cluster.Version)
	}
	if minorOf(release) < 0 {
		return history.Upgrade{}, noRelease(release)
	}
	client, err := e.grader(ctx, p, s)
	if err != nil {
		return history.Upgrade{}, err
	}
	order := cluster.UpgradeOrder{Release: release}
	if order.Pods, err = e.examineNode(ctx, s, client, node); err != nil {
		return history.Upgrade{}, err
	}
	if len(order.Pods) > 0 {
		if !force {
			return history.Upgrade{}, nodeInUse(node, order.Pods)
		}
		order.Forced, order.Ignored = true, []string{node + " still ran " + strings.Join(order.Pods, ", ")}
	}
	unlock, err := e.lockSession(ctx, s.Lab.ID)
	if err != nil {
		return history.Upgrade{}, err
	}
	defer unlock()
	done, err := upgrader.UpgradeNode(ctx, s.Lab.ID, node, order)
	if err != nil || done.From == done.To {
		return done, err
	}
	return done, e.recordUpgrade(s, done)
}

// examineNode returns the workload pods of a node whose kubelet can be reached.
func (e *Engine) examineNode(ctx context.Context, s *Session, client kubernetes.Interface, name string) (pods []string, err error) {
	node, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, problem.New(problem.Cluster,
			fmt.Sprintf("the Node object %s has been deleted; there is nothing to upgrade", name),
			fmt.Sprintf("Node オブジェクト %s は削除されています。アップグレードする対象がありません", name), "k8slab node list")
	}
	if err != nil {
		return nil, noAnswer(s, err)
	}
	if !isReady(node) {
		return nil, problem.New(problem.Cluster,
			fmt.Sprintf("%s is not Ready, so its kubelet cannot be upgraded", name),
			fmt.Sprintf("%s が Ready ではないため、kubelet をアップグレードできません", name), "k8slab node list")
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
		fmt.Sprintf("%s still runs workload pods: %s. Restarting its kubelet under them is a risk; drain the node first", node, strings.Join(pods, ", ")),
		fmt.Sprintf("%s ではまだワークロードの Pod が動いています: %s。Pod を動かしたまま kubelet を入れ替えるのは危険です。先に Node をドレインしてください", node, strings.Join(pods, "、")),
		"kubectl get pods -A --field-selector spec.nodeName="+node)
}

func isReady(node *corev1.Node) bool {
	return slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// isWorkload reports whether a drain would have moved the pod: it has not ended, and neither a DaemonSet nor the kubelet itself made it.
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

// nextRelease is the release to go to, or why there is none.
func nextRelease(ctx context.Context, p cluster.Provider, version, wanted string) (string, error) {
	var known []string
	if lister, ok := p.(cluster.Releases); ok {
		var err error
		if known, err = lister.Releases(ctx); err != nil {
			return "", err
		}
	}
	have := minorOf(releaseOf(version))
	next := fmt.Sprintf("1.%d", have+1)
	if wanted == "" {
		wanted = next
	}
	want := minorOf(wanted)
	list := strings.Join(known, ", ")
	switch {
	case want < 0:
		return "", noRelease(wanted)
	case want == have:
		return "", problem.New(problem.Usage,
			fmt.Sprintf("the control plane is at %s already", version),
			fmt.Sprintf("コントロールプレーンはすでに %s です", version), "k8slab cluster status")
	case want < have:
		return "", problem.New(problem.Usage,
			fmt.Sprintf("the control plane is at %s; it never goes down to %s", version, wanted),
			fmt.Sprintf("コントロールプレーンは %s です。%s に下げることはできません", version, wanted), "k8slab cluster status")
	case want > have+1:
		return "", problem.New(problem.Usage,
			fmt.Sprintf("the control plane goes up by one minor release at a time: from %s to %s, not to %s", version, next, wanted),
			fmt.Sprintf("コントロールプレーンは一度に 1 マイナーバージョンずつ上げます。%s の次は %s で、%s ではありません", version, next, wanted),
			"k8slab cluster upgrade --to "+next)
	case !slices.Contains(known, wanted):
		return "", problem.New(problem.Cluster,
			fmt.Sprintf("there is no control plane of release %s on this machine; there is %s", wanted, list),
			fmt.Sprintf("このマシンにはリリース %s のコントロールプレーンがありません。あるのは %s です", wanted, list), whereReleasesComeFrom(p))
	}
	return wanted, nil
}

// whereReleasesComeFrom is the command with which another release may be had: an examination of what a kind of cluster takes, where there is
// one, tells about its images.
func whereReleasesComeFrom(p cluster.Provider) string {
	if _, ok := p.(cluster.Examiner); ok {
		return "k8slab doctor --cluster " + p.Name()
	}
	return "make build"
}

func noRelease(s string) error {
	return problem.New(problem.Usage,
		fmt.Sprintf("%q is no release; write major and minor, such as 1.37", s),
		fmt.Sprintf("%q はリリースではありません。1.37 のようにメジャーとマイナーを指定してください", s), "k8slab cluster upgrade --help")
}

// minorOf is the minor of a release such as "1.37", and -1 for what is none.
func minorOf(release string) int {
	rest, ok := strings.CutPrefix(release, "1.")
	if !ok {
		return -1
	}
	minor, err := strconv.Atoi(rest)
	if err != nil || minor < 0 || strconv.Itoa(minor) != rest {
		return -1
	}
	return minor
}

// releaseOf is the release of a version: "1.37" of "v1.37.2".
func releaseOf(version string) string {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 2 {
		return ""
	}
	return parts[0] + "." + parts[1]
}

// upgradeTo brings a cluster's control plane to the release at which a step starts.
func upgradeTo(ctx context.Context, p cluster.Provider, name, release string) error {
	upgrader, ok := p.(cluster.Upgrader)
	if !ok {
		return fmt.Errorf("provider %s cannot bring the control plane to %s", p.Name(), release)
	}
	for {
		c, err := p.Find(ctx, name)
		if err != nil {
			return err
		}
		have := minorOf(releaseOf(c.Version))
		if have >= minorOf(release) {
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

// canGoBack refuses a cluster that was upgraded beyond where the step starts, unless a checkpoint or the provider can bring it back.
func (e *Engine) canGoBack(ctx context.Context, s *Session) error {
	p, err := e.Provider(s.Attempt.Provider)
	if err != nil {
		return err
	}
	if _, restores := p.(cluster.Checkpointer); restores || !slices.Contains(p.Capabilities(), cluster.Disposable) {
		return nil // what is not ours has the versions that its owner gave it
	}
	c, err := p.Find(ctx, s.Lab.ID)
	if err != nil {
		return err
	}
	want := cmp.Or(s.Step.Cluster.Release, s.Lab.Cluster.Release)
	if runs := releaseOf(c.Version); minorOf(runs) > minorOf(want) {
		return beyond(s, content.Text{EN: "the control plane is at " + runs, JA: "コントロールプレーンは " + runs + " です"})
	}
	client, err := e.grader(ctx, p, s)
	if err != nil {
		return err
	}
	for _, made := range s.Lab.Cluster.Nodes {
		node, err := client.CoreV1().Nodes().Get(ctx, made.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue // it comes back with the kubelet that its machine has
		}
		if err != nil {
			return err
		}
		want := cmp.Or(s.Step.Cluster.Kubelets[made.Name], made.Version, s.Lab.Cluster.Release)
		if has := releaseOf(node.Status.NodeInfo.KubeletVersion); minorOf(has) > minorOf(want) {
			return beyond(s, content.Text{EN: made.Name + " is at " + has, JA: made.Name + " は " + has + " です"})
		}
	}
	return nil
}

func beyond(s *Session, what content.Text) error {
	return problem.New(problem.Cluster,
		fmt.Sprintf("%s, and a cluster of this kind does not go back to where %s starts; delete it, and start the lab anew", what.EN, s.Step.ID),
		fmt.Sprintf("%s。この種類のクラスターは %s の開始時点まで戻せません。削除してから、ラボを始め直してください", what.JA, s.Step.ID),
		"k8slab delete --lab "+s.Lab.ID)
}

// setKubelets gives the nodes the kubelets with which the step starts; where they cannot be set, the nodes are upgraded.
func setKubelets(ctx context.Context, p cluster.Provider, s *Session) error {
	wanted := s.Step.Cluster.Kubelets
	if len(wanted) == 0 {
		return nil
	}
	if setter, ok := p.(cluster.KubeletSetter); ok {
		return setter.SetKubelets(ctx, s.Lab.ID, wanted)
	}
	upgrader, ok := p.(cluster.NodeUpgrader)
	if !ok {
		return fmt.Errorf("provider %s cannot set the versions of kubelets", p.Name())
	}
	for _, node := range slices.Sorted(maps.Keys(wanted)) {
		if _, err := upgrader.UpgradeNode(ctx, s.Lab.ID, node, cluster.UpgradeOrder{Release: wanted[node]}); err != nil {
			return fmt.Errorf("bring the kubelet of %s to %s: %w", node, wanted[node], err)
		}
	}
	return nil
}

// upgradesSince looks up the upgrades since the step began, without those that a restored snapshot has undone. It is nil where clusters are
// not upgraded.
func upgradesSince(p cluster.Provider, name string, b *baseline) func(context.Context) ([]history.Upgrade, error) {
	log, ok := p.(cluster.UpgradeLog)
	if !ok {
		return nil
	}
	return func(ctx context.Context) ([]history.Upgrade, error) {
		all, err := log.Upgrades(ctx, name)
		return slices.DeleteFunc(all, func(u history.Upgrade) bool { return u.Time.Before(b.Time) || undone(b.Undone, u.Time) }), err
	}
}
