package kind

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/private"
	"github.com/k8slab/k8slab/engine/cluster/release"
	"github.com/k8slab/k8slab/engine/flock"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

const (
	// upgradeTimeout bounds an upgrade; on two processors it takes two minutes.
	upgradeTimeout = 15 * time.Minute
	// settledLooks is how many looks in a row the API server has to be ready after an upgrade: the new kubelet starts
	// the control plane's pods once more.
	settledLooks = int(15 * time.Second / poll)
	// kubeletPatience bounds the wait until a Node object shows its new kubelet.
	kubeletPatience = time.Minute
)

func (f folder) upgrades() string       { return f.path("upgrades.jsonl") }
func (f folder) transitionFile() string { return f.path("transition.json") }

// transition is an upgrade of the control plane that is under way.
type transition struct {
	Order cluster.UpgradeOrder `json:"order"`
	From  string               `json:"from"`
	To    string               `json:"to"`
	Began time.Time            `json:"began"`
}

// Releases implements cluster.Releases: the releases of the node images that ImageVariable names, or of kind's own
// images. An image whose tag names no release has to be on this machine to be looked into.
func (p *Provider) Releases(ctx context.Context) ([]string, error) {
	var releases []string
	for _, image := range knownImages() {
		release := releaseOfImage(image)
		if release == "" {
			release = releaseIn(ctx, image)
		}
		if release != "" && !slices.Contains(releases, release) {
			releases = append(releases, release)
		}
	}
	slices.Sort(releases)
	return releases, nil
}

// releaseIn looks into an image for its release; "" if the image cannot be looked into.
func releaseIn(ctx context.Context, image string) string {
	e, err := findEngine(ctx, "")
	if err != nil || !e.hasImage(ctx, image) {
		return ""
	}
	version, err := e.imageVersion(ctx, image)
	if err != nil {
		return ""
	}
	return releaseOf(version)
}

// Upgrade implements cluster.Upgrader by kubeadm on the control plane's machine. etcd keeps its version, as on the
// embedded cluster.
func (p *Provider) Upgrade(ctx context.Context, name string, order cluster.UpgradeOrder, progress cluster.Progress) (history.Upgrade, error) {
	f := p.folder(name)
	unlock, err := flock.Wait(ctx, f.lock())
	if err != nil {
		return history.Upgrade{}, err
	}
	defer unlock()
	d, err := f.readDescription()
	if err != nil {
		return history.Upgrade{}, err
	}
	if err := release.Next(releaseOf(d.Version), order.Release); err != nil {
		return history.Upgrade{}, notUpgraded(err)
	}
	e, containers, err := p.find(ctx, name)
	if err != nil {
		return history.Upgrade{}, err
	}
	if !f.controlPlaneRuns(containers) {
		return history.Upgrade{}, isOff(name)
	}
	t := &transition{Order: order, From: d.Version, Began: time.Now().UTC()}
	err = progress.Run("programs", func() (string, error) {
		image, version, err := e.imageFor(ctx, d, order.Release)
		if err != nil {
			return "", err
		}
		t.To = version
		// A machine that is off gets its programs and images when it is upgraded.
		return version, e.bringParts(ctx, f, image, version, running(containers))
	})
	if err != nil {
		return history.Upgrade{}, err
	}
	// From here on the upgrade is finished, or kubeadm undoes it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), upgradeTimeout)
	defer cancel()
	if err := f.leaveOutRemoved(ctx, order.Release); err != nil {
		return history.Upgrade{}, notUpgraded(err)
	}
	if err := private.WriteJSON(f.transitionFile(), t); err != nil {
		return history.Upgrade{}, err
	}
	return p.carryOut(ctx, e, f, d, t, progress, false)
}

// imageFor returns the node image of a release and the version in it. An image that is not on this machine is pulled.
func (e *engine) imageFor(ctx context.Context, d *description, wanted string) (image, version string, err error) {
	spec := cluster.Spec{Name: d.Spec.Name, Release: wanted}
	images, err := nodeImages(spec)
	if err != nil {
		return "", "", err
	}
	version, err = e.ensureImages(ctx, spec, images)
	return images[wanted], version, err
}

func running(containers []container) (machines []string) {
	for _, c := range containers {
		if c.running {
			machines = append(machines, c.name)
		}
	}
	return machines
}

// carryOut upgrades, or resumes an interrupted upgrade, and records the outcome.
func (p *Provider) carryOut(ctx context.Context, e *engine, f folder, d *description, t *transition, progress cluster.Progress, resumed bool) (history.Upgrade, error) {
	done := history.Upgrade{
		From: t.From, To: t.To, Outcome: history.Upgraded, Forced: t.Order.Forced, Ignored: t.Order.Ignored, Resumed: resumed,
	}
	failed := e.runKubeadm(ctx, f, f.machines(d.Spec)[0], t.To, progress)
	if failed != nil {
		if err := p.awaitAPI(ctx, f, settledLooks); err != nil {
			return done, halfUpgraded(d.Spec.Name, t.To, errors.Join(failed, err))
		}
		// kubeadm may be run again at any point. It gives up if the API server that it has just replaced is slow to
		// answer.
		failed = e.runKubeadm(ctx, f, f.machines(d.Spec)[0], t.To, nil)
	}
	if failed != nil {
		if err := p.awaitAPI(ctx, f, steadyLooks); err != nil {
			return done, halfUpgraded(d.Spec.Name, t.To, errors.Join(failed, err))
		}
		runs, err := f.serverVersion()
		if err != nil || runs != t.From {
			return done, halfUpgraded(d.Spec.Name, t.To, errors.Join(failed, err))
		}
		done.Outcome, done.Error, done.Log = history.RolledBack, failed.Error(), kubeadmLog
		return f.conclude(d, done, t)
	}
	err := progress.Run("ready", func() (string, error) {
		if err := e.installKubelet(ctx, f.machines(d.Spec)[0], t.To); err != nil {
			return "", err
		}
		return t.To, p.awaitAPI(ctx, f, settledLooks)
	})
	if err != nil {
		return done, halfUpgraded(d.Spec.Name, t.To, err)
	}
	d.Version = t.To
	return f.conclude(d, done, t)
}

// conclude records the outcome, and removes the note that an upgrade is under way.
func (f folder) conclude(d *description, done history.Upgrade, t *transition) (history.Upgrade, error) {
	done.Time, done.TookMS = time.Now().UTC(), time.Since(t.Began).Milliseconds()
	if err := f.writeDescription(d); err != nil {
		return done, err
	}
	if err := f.appendUpgrade(done); err != nil {
		return done, err
	}
	return done, os.Remove(f.transitionFile())
}

// resumeUpgrade resumes the upgrade that a killed command has left; kubeadm may still be running.
func (p *Provider) resumeUpgrade(ctx context.Context, e *engine, f folder, d *description, progress cluster.Progress) error {
	raw, err := os.ReadFile(f.transitionFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var t transition
	if err := json.Unmarshal(raw, &t); err != nil {
		return fmt.Errorf("read %s: %w", f.transitionFile(), err)
	}
	ctx, cancel := context.WithTimeout(ctx, upgradeTimeout)
	defer cancel()
	_, err = p.carryOut(ctx, e, f, d, &t, progress, true)
	return err
}

// leftUpgrading reports whether there is an unfinished upgrade that no command is carrying out.
func (f folder) leftUpgrading() bool {
	if _, err := os.Stat(f.transitionFile()); err != nil {
		return false
	}
	held, err := flock.Held(f.lock())
	return err == nil && !held
}

// serverVersion asks the API server for its version.
func (f folder) serverVersion() (string, error) {
	client, err := f.client(readyTimeout)
	if err != nil {
		return "", err
	}
	v, err := client.Discovery().ServerVersion()
	if err != nil {
		return "", err
	}
	return v.GitVersion, nil
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
			continue // a full disk cut the line short; the other lines still count
		}
		all = append(all, u)
	}
	return all, nil
}

// appendUpgrade appends a line to the log of upgrades, in one write that is on the disk when it returns.
func (f folder) appendUpgrade(u history.Upgrade) error {
	line, err := json.Marshal(u)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(f.upgrades(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	return errors.Join(err, file.Sync(), file.Close())
}

// UpgradeNode implements cluster.NodeUpgrader: kubeadm brings the machine's configuration up to date, and its kubelet
// is replaced.
func (p *Provider) UpgradeNode(ctx context.Context, name, node string, order cluster.UpgradeOrder) (history.Upgrade, error) {
	f := p.folder(name)
	e, machine, err := p.poweredMachineOf(ctx, name, node)
	if err != nil {
		return history.Upgrade{}, err
	}
	d, err := f.readDescription()
	if err != nil {
		return history.Upgrade{}, err
	}
	began := time.Now()
	from, err := f.kubeletOf(ctx, node)
	if err != nil {
		return history.Upgrade{}, err
	}
	if err := release.MayBecome(node, from, "v"+order.Release+".0", "v"+releaseOf(d.Version)+".0"); err != nil && releaseOf(from) != order.Release {
		return history.Upgrade{}, err
	}
	done := history.Upgrade{
		Node: node, From: from, Outcome: history.Upgraded, Forced: order.Forced, Ignored: order.Ignored, Pods: order.Pods,
	}
	image, version, err := e.imageFor(ctx, d, order.Release)
	if err != nil {
		return history.Upgrade{}, err
	}
	done.To = version
	if err := release.MayBecome(node, from, version, d.Version); err != nil {
		return history.Upgrade{}, err
	}
	if from == version {
		return done, nil
	}
	if err := e.bringParts(ctx, f, image, version, []string{machine}); err != nil {
		return history.Upgrade{}, err
	}
	if err := e.upgradeMachine(ctx, machine, done.To); err != nil {
		return history.Upgrade{}, notUpgraded(err)
	}
	if err := f.awaitKubelet(ctx, node, done.To); err != nil {
		return history.Upgrade{}, err
	}
	done.Time, done.TookMS = time.Now().UTC(), time.Since(began).Milliseconds()
	return done, f.appendUpgrade(done)
}

func (e *engine) upgradeMachine(ctx context.Context, machine, version string) error {
	if err := e.installKubeadm(ctx, machine, version); err != nil {
		return err
	}
	if _, err := e.exec(ctx, machine, "kubeadm", "upgrade", "node", ignoreSystem); err != nil {
		return err
	}
	return e.installKubelet(ctx, machine, version)
}

func (f folder) kubeletOf(ctx context.Context, node string) (string, error) {
	client, err := f.client(readyTimeout)
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
	err := wait.PollUntilContextTimeout(ctx, poll, kubeletPatience, true, func(ctx context.Context) (bool, error) {
		shows, failed = f.kubeletOf(ctx, node)
		return failed == nil && shows == want, nil
	})
	if err != nil {
		return kubeletNotSeen(node, shows, want, errors.Join(err, failed))
	}
	return nil
}

// releaseOf is the release of a version: "1.37" of "v1.37.2".
func releaseOf(version string) string {
	major, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	return major + "." + minor
}

// halfUpgraded is the problem of an upgrade that is neither done nor undone. The note of the upgrade stays, so that the
// next start resumes it. A person who interrupted the upgrade knows why, and gets err itself.
func halfUpgraded(lab, to string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	said := text.Text{EN: oneLine(err), JA: oneLine(err)}
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		said = p.What
	}
	return problem.New(problem.Cluster,
		text.New("the upgrade to %s stopped half-way: %s. What kubeadm said is in `k8slab cluster logs kubeadm`; the next start continues the upgrade", "%s へのアップグレードが途中で止まりました: %s。kubeadm の出力は `k8slab cluster logs kubeadm` で見られます。start で続きから再開します", to, said),
		action.Do(action.Start).On(lab)).From(err)
}

func kubeletNotSeen(node, shows, want string, err error) error {
	said := oneLine(err)
	return problem.New(problem.Cluster,
		text.New("the kubelet of %s was replaced, but the Node still shows %q and not %s: %s", "%s の kubelet は入れ替えましたが、Node の表示は %q のままで %s になりません: %s", node, shows, want, said),
		action.InTerminal("kubectl describe node "+node)).From(err)
}

func notUpgraded(err error) error {
	return problem.New(problem.Cluster,
		text.Text{EN: "nothing was upgraded: " + err.Error(), JA: "アップグレードできませんでした: " + err.Error()}, action.Do(action.ClusterStatus)).From(err)
}
