package kind

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/private"
	"github.com/k8slab/k8slab/engine/flock"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// Name of the provider.
const Name = "kind"

const (
	// startTimeout bounds the making or the repair of a cluster, and then the wait for its nodes; together they take
	// half a minute. It bounds neither the pull of the node image nor the wait for another command that uses the
	// cluster.
	startTimeout = 10 * time.Minute
	// findTimeout bounds a look at the containers. If the engine does not answer in time, the cluster counts as
	// stopped.
	findTimeout = askTimeout
	// namePrefix tells k8slab's clusters from others on the same engine.
	namePrefix = "k8slab-"
)

// Provider makes clusters whose containers belong to Docker or Podman, and keeps their files below one folder.
type Provider struct {
	dir string
	// recorder is the command that runs RunRecorder; arguments are added to it.
	recorder []string
}

var (
	_ cluster.Provider     = (*Provider)(nil)
	_ cluster.Lister       = (*Provider)(nil)
	_ cluster.Stopper      = (*Provider)(nil)
	_ cluster.NodePower    = (*Provider)(nil)
	_ cluster.Kubectl      = (*Provider)(nil)
	_ cluster.LogFiles     = (*Provider)(nil)
	_ cluster.ImageLoader  = (*Provider)(nil)
	_ cluster.AuditLogFile = (*Provider)(nil)
	_ cluster.Recorder     = (*Provider)(nil)
	_ cluster.Releases     = (*Provider)(nil)
	_ cluster.Upgrader     = (*Provider)(nil)
	_ cluster.NodeUpgrader = (*Provider)(nil)
	_ cluster.UpgradeLog   = (*Provider)(nil)
	_ cluster.Examiner     = (*Provider)(nil)
	_ cluster.Environment  = (*Provider)(nil)
	_ cluster.Capacity     = (*Provider)(nil)
)

// New returns the provider that keeps its folders below dir. "--dir DIR" is added to the recorder command; without one
// the command is this program with the arguments "supervise --kind".
func New(dir string, recorder ...string) (*Provider, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if len(recorder) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		recorder = []string{self, "supervise", "--kind"}
	}
	return &Provider{dir: dir, recorder: recorder}, nil
}

// Name implements cluster.Provider.
func (p *Provider) Name() string { return Name }

func (p *Provider) folder(name string) folder { return folder(filepath.Join(p.dir, name)) }

// Available implements cluster.Provider.
func (p *Provider) Available(ctx context.Context, spec cluster.Spec) error {
	e, err := findEngine(ctx, spec.Name)
	if err != nil {
		return err
	}
	if err := e.checkResources(ctx, spec); err != nil {
		return err
	}
	_, err = nodeImages(spec.Begun())
	return err
}

// List implements cluster.Lister.
func (p *Provider) List(ctx context.Context) ([]string, error) {
	entries, err := os.ReadDir(p.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, entry := range entries {
		if _, err := p.Find(ctx, entry.Name()); err == nil {
			names = append(names, entry.Name())
		}
	}
	return names, err
}

// Ensure implements cluster.Provider.
func (p *Provider) Ensure(ctx context.Context, spec cluster.Spec, progress cluster.Progress) (c *cluster.Cluster, err error) {
	defer func() { err = inTime(spec.Name, err) }()
	var e *engine
	err = progress.Run("engine", func() (detail string, err error) {
		if e, err = findEngine(ctx, spec.Name); err != nil {
			return "", err
		}
		return e.String(), nil
	})
	if err != nil {
		return nil, err
	}
	f := p.folder(spec.Name)
	release, err := flock.Wait(ctx, f.lock())
	if err != nil {
		return nil, err
	}
	defer release()
	there, err := p.prepare(ctx, e, f, spec)
	if err != nil {
		return nil, err
	}
	if there {
		err = p.repair(ctx, e, f, progress)
	} else {
		err = p.create(ctx, e, f, spec, progress)
	}
	if err != nil {
		return nil, err
	}
	err = progress.Run("nodes", func() (string, error) {
		ctx, cancel := context.WithTimeout(ctx, startTimeout)
		defer cancel()
		return fmt.Sprint(len(spec.Nodes)), p.awaitNodes(ctx, e, f, spec)
	})
	if err != nil {
		return nil, err
	}
	if err := p.startRecorder(ctx, f); err != nil {
		return nil, err
	}
	return p.Find(ctx, spec.Name)
}

// prepare reports whether the cluster exists and is complete, and removes a cluster that was left half made.
func (p *Provider) prepare(ctx context.Context, e *engine, f folder, spec cluster.Spec) (there bool, err error) {
	containers, err := e.containers(ctx, f.name())
	if err != nil {
		return false, err
	}
	if len(containers) == 0 {
		return false, nil
	}
	if !f.owns(containers) {
		return false, foreign(e, spec.Name, f.name(), containers)
	}
	d, err := f.readDescription()
	if errors.Is(err, cluster.ErrNotFound) || err == nil && !d.Complete {
		return false, e.remove(ctx, containers)
	}
	if err != nil {
		return false, problem.New(problem.Cluster,
			text.Text{EN: "the description of the cluster is damaged: " + err.Error(), JA: "クラスターの記述ファイルが壊れています: " + err.Error()},
			action.Do(action.Delete).On(spec.Name)).From(err)
	}
	if err := p.checkSame(ctx, f, d, spec); err != nil {
		return false, err
	}
	if gone := f.missing(d, containers); len(gone) > 0 {
		return false, machinesGone(spec.Name, gone)
	}
	return true, nil
}

// checkSame refuses a cluster that was made from another spec. Only the further resources to record may differ.
func (p *Provider) checkSame(ctx context.Context, f folder, d *description, spec cluster.Spec) error {
	if d.Spec.Release != spec.Release || !slices.Equal(d.Spec.Nodes, spec.Nodes) || !slices.Equal(d.Spec.RuntimeConfig, spec.RuntimeConfig) {
		return problem.New(problem.Cluster,
			text.New("the cluster %s was made with other nodes or another release than the lab now asks for", "クラスター %s は、ラボが現在求めるものとは違うノード構成またはリリースで作られています", spec.Name),
			action.Do(action.Delete).On(spec.Name))
	}
	if spec.APIPort != 0 && spec.APIPort != d.Port {
		return problem.New(problem.Cluster,
			text.New("the cluster %s was made on port %d, and a kind cluster keeps its port; delete it before it can have port %d", "クラスター %s はポート %d で作られています。kind クラスターのポートは変えられないため、ポート %d を使うには先に削除してください", spec.Name, d.Port, spec.APIPort),
			action.Do(action.Delete).On(spec.Name))
	}
	if slices.Equal(d.Spec.History, spec.History) {
		return nil
	}
	d.Spec.History = spec.History
	if err := f.writeDescription(d); err != nil {
		return err
	}
	return p.endRecorder(ctx, f) // the next recorder records them
}

// Find implements cluster.Provider.
func (p *Provider) Find(ctx context.Context, name string) (*cluster.Cluster, error) {
	f := p.folder(name)
	d, err := f.readDescription()
	if err != nil {
		return nil, err
	}
	c := &cluster.Cluster{
		Name: name, Provider: Name, Version: d.Version, Server: serverURL(d.Port), Kubeconfig: f.learnerKubeconfig(), State: cluster.Stopped,
	}
	looking, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	containers, err := f.containers(looking)
	if err != nil {
		return c, ctx.Err() // without an answer of the engine, nothing runs; Ensure says why
	}
	if len(containers) == 0 || !f.owns(containers) {
		return nil, cluster.ErrNotFound
	}
	c.Components = f.components(d, containers)
	c.State = p.state(ctx, f, c.Components)
	return c, nil
}

// state sums up the components. A node's machine that is off does not keep the cluster from running. An interrupted
// upgrade does, so that the next command resumes it.
func (p *Provider) state(ctx context.Context, f folder, components []cluster.Component) cluster.State {
	is := func(state string) func(cluster.Component) bool {
		return func(c cluster.Component) bool { return c.State == state }
	}
	switch {
	case !slices.ContainsFunc(components, is(stateRunning)):
		return cluster.Stopped
	case components[0].State != stateRunning || slices.ContainsFunc(components, is(stateCrashed)),
		f.leftUpgrading(), !p.answers(ctx, f):
		return cluster.Degraded
	}
	return cluster.Running
}

// Config implements cluster.Provider.
func (p *Provider) Config(_ context.Context, name string, id cluster.Identity) (*rest.Config, error) {
	file, err := identityFile(id)
	if err != nil {
		return nil, err
	}
	return clientcmd.BuildConfigFromFlags("", p.folder(name).identity(file))
}

// Stop implements cluster.Stopper.
func (p *Provider) Stop(ctx context.Context, name string) error {
	f := p.folder(name)
	if _, err := f.readDescription(); err != nil {
		return err
	}
	release, err := flock.Wait(ctx, f.lock())
	if err != nil {
		return err
	}
	defer release()
	e, containers, err := p.find(ctx, name)
	if err != nil {
		return err
	}
	if err := p.endRecorder(ctx, f); err != nil {
		return err
	}
	if err := e.stop(ctx, containers); err != nil {
		return err
	}
	return f.forgetPower() // a machine that was off starts with the others
}

// find returns the engine and the cluster's containers. Without containers, the engine comes with cluster.ErrNotFound.
func (p *Provider) find(ctx context.Context, name string) (*engine, []container, error) {
	e, err := findEngine(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	f := p.folder(name)
	containers, err := e.containers(ctx, f.name())
	if err != nil {
		return nil, nil, err
	}
	if len(containers) == 0 || !f.owns(containers) {
		return e, nil, cluster.ErrNotFound
	}
	return e, containers, nil
}

// Delete implements cluster.Provider. The network that all kind clusters share is kept.
func (p *Provider) Delete(ctx context.Context, name string) error {
	f := p.folder(name)
	if _, err := os.Stat(string(f)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	release, err := flock.Wait(ctx, f.lock())
	if err != nil {
		return err
	}
	defer release()
	e, containers, err := p.find(ctx, name)
	if err != nil && !errors.Is(err, cluster.ErrNotFound) {
		return err // the containers may exist, and only the folder says whose they are
	}
	if err := p.endRecorder(ctx, f); err != nil {
		return err
	}
	if len(containers) > 0 {
		if err := e.remove(ctx, containers); err != nil {
			return err
		}
	}
	if err := e.removeTakenApart(ctx, f); err != nil {
		return err
	}
	socket, err := private.Socket(string(f), recorderSocket)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(socket); err != nil {
		return err
	}
	if dir := filepath.Dir(socket); dir != string(f) { // a short folder for the socket alone
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return os.RemoveAll(string(f))
}

const (
	kindLog     = "kind"     // how the cluster was made
	kubeadmLog  = "kubeadm"  // what kubeadm said in upgrades of the control plane
	recorderLog = "recorder" // what became of the record
)

// Logs implements cluster.LogFiles. The control plane's own logs are those of its pods.
func (p *Provider) Logs() []string { return []string{kindLog, kubeadmLog, recorderLog} }

// LogFile implements cluster.LogFiles.
func (p *Provider) LogFile(_ context.Context, name, log string) (string, error) {
	f := p.folder(name)
	switch log {
	case kindLog:
		return f.createLog(), nil
	case kubeadmLog:
		return f.kubeadmLog(), nil
	case recorderLog:
		return f.recorderLog(), nil
	}
	return "", problem.New(problem.Usage,
		text.New("a kind cluster has no log %q; it has %v", "kind クラスターに %q のログはありません。あるのは %v です", log, p.Logs()),
		action.InTerminal("kubectl logs -n kube-system -l tier=control-plane"))
}
