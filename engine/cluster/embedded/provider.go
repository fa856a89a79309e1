package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/atomicfile"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/flock"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// Name of the provider.
const Name = "embedded"

const (
	// startTimeout bounds one start of the control plane; a slow machine needs ten seconds, a broken one for ever.
	startTimeout = 2 * time.Minute
	// stopTimeout is how long a supervisor may take to stop cleanly before it is killed.
	stopTimeout = 30 * time.Second
	nodesPoll   = 20 * time.Millisecond
)

// Provider makes clusters in folders below one folder.
type Provider struct {
	// dir holds one folder for each cluster.
	dir string
	// supervisor is the command that runs RunSupervisor with further arguments.
	supervisor []string
}

var (
	_ cluster.Provider         = (*Provider)(nil)
	_ cluster.Lister           = (*Provider)(nil)
	_ cluster.Stopper          = (*Provider)(nil)
	_ cluster.ComponentControl = (*Provider)(nil)
	_ cluster.LogFiles         = (*Provider)(nil)
	_ cluster.AuditLogFile     = (*Provider)(nil)
	_ cluster.Kubectl          = (*Provider)(nil)
	_ cluster.Checkpointer     = (*Provider)(nil)
	_ cluster.Simulator        = (*Provider)(nil)
	_ cluster.NodePower        = (*Provider)(nil)
	_ cluster.Upgrader         = (*Provider)(nil)
	_ cluster.NodeUpgrader     = (*Provider)(nil)
	_ cluster.UpgradeLog       = (*Provider)(nil)
	_ cluster.Releases         = (*Provider)(nil)
	_ cluster.KubeletSetter    = (*Provider)(nil)
	_ cluster.Recorder         = (*Provider)(nil)
)

// New returns the provider whose clusters live below dir. The supervisor command is completed with "--dir DIR"; without
// one it is this program with the argument "supervise".
func New(dir string, supervisor ...string) (*Provider, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if len(supervisor) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		supervisor = []string{self, "supervise"}
	}
	return &Provider{dir: dir, supervisor: supervisor}, nil
}

// Name implements cluster.Provider.
func (p *Provider) Name() string { return Name }

// Available implements cluster.Provider.
func (p *Provider) Available(_ context.Context, spec cluster.Spec) error {
	_, err := findExecutable(spec.Release, searchPath())
	return err
}

// Executable returns the control plane executable of the release, for `k8slab doctor` and for kubectl.
func (p *Provider) Executable(release string) (path, version string, err error) {
	exe, err := findExecutable(release, searchPath())
	if err != nil {
		return "", "", err
	}
	return exe.Path, exe.Version, nil
}

func (p *Provider) folder(name string) folder { return folder(filepath.Join(p.dir, name)) }

// List implements cluster.Lister.
func (p *Provider) List(context.Context) ([]string, error) {
	entries, err := os.ReadDir(p.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if _, err := os.Stat(p.folder(e.Name()).description()); err == nil {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// Ensure implements cluster.Provider.
func (p *Provider) Ensure(ctx context.Context, spec cluster.Spec, progress cluster.Progress) (*cluster.Cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	f := p.folder(spec.Name)
	if err := progress.Run("executables", func() (string, error) {
		return f.executables(spec)
	}); err != nil {
		return nil, err
	}
	release, err := flock.Wait(ctx, f.userLock())
	if err != nil {
		return nil, f.storageProblem(err)
	}
	defer release()
	if !f.supervised() {
		if err := f.checkSpace(); err != nil {
			return nil, err
		}
	}
	if err := f.describe(spec, progress); err != nil {
		return nil, err
	}
	if err := p.startControlPlane(ctx, f, progress); err != nil {
		return nil, err
	}
	if err := progress.Run("nodes", func() (string, error) {
		return fmt.Sprintf("%d", len(spec.Nodes)), f.awaitNodes(ctx, spec)
	}); err != nil {
		return nil, err
	}
	return p.Find(ctx, spec.Name)
}

// executables finds the two releases that the cluster needs: the release that it was made with, for etcd, and the
// release that it runs now.
func (f folder) executables(spec cluster.Spec) (version string, err error) {
	release := spec.Release
	if d, err := f.readDescription(); err == nil {
		release = d.release()
	}
	for _, r := range []string{spec.Release, release} {
		exe, err := findExecutable(r, searchPath())
		if err != nil {
			return "", err
		}
		version = exe.Version
	}
	return version, nil
}

// describe makes the folder of a new cluster, or checks that an existing one is what spec asks for.
func (f folder) describe(spec cluster.Spec, progress cluster.Progress) error {
	d, err := f.readDescription()
	switch {
	case errors.Is(err, cluster.ErrNotFound):
		d = &description{Spec: spec, Created: time.Now().UTC()}
	case err != nil:
		return problem.New(problem.Cluster,
			text.Text{EN: "the description of the cluster is damaged: " + err.Error(), JA: "クラスターの記述ファイルが壊れています: " + err.Error()},
			action.Do(action.Delete).On(spec.Name)).From(err)
	case d.Spec.Release != spec.Release || !slices.Equal(d.Spec.Nodes, spec.Nodes) || !slices.Equal(d.Spec.RuntimeConfig, spec.RuntimeConfig):
		return problem.New(problem.Cluster,
			text.New("the cluster %s was made with other nodes or another release than the lab now asks for", "クラスター %s は、ラボが現在求めるものとは違うノード構成またはリリースで作られています", spec.Name),
			action.Do(action.Delete).On(spec.Name))
	default:
		d.Spec.History = spec.History
		d.Spec.APIPort = spec.APIPort // without one, the port of the last time is kept if it is free
	}
	if err := f.checkPort(d); err != nil {
		return err
	}
	err = progress.Run("certificates", func() (string, error) {
		_, err := f.ensurePKI(spec.Nodes)
		return "", err
	})
	if err != nil {
		return f.storageProblem(err)
	}
	return f.storageProblem(f.writeDescription(d))
}

// checkPort refuses a port that the user asked for and that cannot be had, before anything is made.
func (f folder) checkPort(d *description) error {
	if d.Spec.APIPort == 0 {
		return nil
	}
	if f.supervised() {
		if d.Ports.API != d.Spec.APIPort {
			return problem.New(problem.Cluster,
				text.New("the cluster is running on port %d already; stop it before it can move to port %d", "クラスターはすでにポート %d で動いています。ポート %d に移すには先に停止してください", d.Ports.API, d.Spec.APIPort),
				action.Do(action.Stop).On(d.Spec.Name))
		}
		return nil
	}
	_, release, err := ports{}.settle(d.Spec.APIPort)
	release()
	if busy, ok := errors.AsType[*problem.Problem](err); ok {
		free := *busy
		free.Next = action.Do(action.Start).On(d.Spec.Name)
		return &free
	}
	return err
}

// supervised reports whether a supervisor runs the folder's cluster.
func (f folder) supervised() bool {
	held, err := flock.Held(f.supervisorLock())
	return err == nil && held
}

func (p *Provider) startControlPlane(ctx context.Context, f folder, progress cluster.Progress) error {
	return progress.Run("control-plane", func() (string, error) {
		err := p.superviseUntilReady(ctx, f)
		if errors.Is(err, errSupervisorGone) {
			err = p.superviseUntilReady(ctx, f)
		}
		if err != nil {
			return "", err
		}
		d, err := f.readDescription()
		if err != nil {
			return "", err
		}
		return d.Version, nil
	})
}

// superviseUntilReady starts a supervisor where none runs, and waits.
func (p *Provider) superviseUntilReady(ctx context.Context, f folder) error {
	var ended <-chan error
	if !f.supervised() {
		var err error
		if ended, err = p.spawn(f); err != nil {
			return f.storageProblem(err)
		}
	}
	if err := os.Remove(f.stoppedMark()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return f.storageProblem(err)
	}
	return f.awaitReady(ctx, ended)
}

// spawn starts the supervisor in a session of its own, so that it survives the terminal. The channel gets its end.
func (p *Provider) spawn(f folder) (<-chan error, error) {
	if err := os.MkdirAll(f.path("logs"), 0o700); err != nil {
		return nil, err
	}
	if err := cutLog(f.supervisorLog(), maxLog, keepLog); err != nil {
		return nil, err
	}
	out, err := os.OpenFile(f.supervisorLog(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(p.supervisor[0], append(p.supervisor[1:], "--dir", string(f))...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return ended, nil
}

// Find implements cluster.Provider.
func (p *Provider) Find(ctx context.Context, name string) (*cluster.Cluster, error) {
	f := p.folder(name)
	d, err := f.readDescription()
	if err != nil {
		return nil, err
	}
	c := &cluster.Cluster{
		Name: name, Provider: Name, Version: d.Version, Server: serverURL(d.Ports.API),
		Kubeconfig: f.learnerKubeconfig(), State: cluster.Degraded,
	}
	if !f.supervised() {
		if _, err := os.Stat(f.stoppedMark()); err == nil {
			c.State = cluster.Stopped
		}
		for _, name := range componentNames {
			c.Components = append(c.Components, cluster.Component{Name: name, State: stateStopped})
		}
		return c, nil
	}
	st, err := f.control(ctx, "GET", "/status")
	if err != nil {
		return c, nil // it runs and does not answer: degraded
	}
	c.Components = st.Components
	if st.Ready && !slices.ContainsFunc(st.Components, func(c cluster.Component) bool { return c.State != stateRunning }) {
		c.State = cluster.Running
	}
	return c, nil
}

// Config implements cluster.Provider.
func (p *Provider) Config(_ context.Context, name string, id cluster.Identity) (*rest.Config, error) {
	file, err := identityFile(id)
	if err != nil {
		return nil, err
	}
	return clientcmd.BuildConfigFromFlags("", p.folder(name).identity(file))
}

// StopComponent implements cluster.ComponentControl.
func (p *Provider) StopComponent(ctx context.Context, name, component string) error {
	return p.switchComponent(ctx, name, component, "stop")
}

// StartComponent implements cluster.ComponentControl.
func (p *Provider) StartComponent(ctx context.Context, name, component string) error {
	return p.switchComponent(ctx, name, component, "start")
}

func (p *Provider) switchComponent(ctx context.Context, name, component, action string) error {
	if err := knownComponent(component); err != nil {
		return err
	}
	return p.command(ctx, name, "/components/"+component+"/"+action, nil)
}

// command asks the supervisor of a running cluster to do something.
func (p *Provider) command(ctx context.Context, name, path string, body []byte) error {
	f := p.folder(name)
	if !f.supervised() {
		return notRunning(name)
	}
	_, err := f.controlWith(ctx, "POST", path, body)
	return err
}

func knownComponent(name string) error {
	if slices.Contains(componentNames, name) {
		return nil
	}
	return problem.New(problem.Usage,
		text.New("there is no component %q; there are %v", "コンポーネント %q はありません。あるのは %v です", name, componentNames),
		action.Do(action.ClusterStatus))
}

// supervisorLog is the log of what runs the components.
const supervisorLog = "supervisor"

// Logs implements cluster.LogFiles.
func (p *Provider) Logs() []string { return append(slices.Clone(componentNames), supervisorLog) }

// LogFile implements cluster.LogFiles.
func (p *Provider) LogFile(_ context.Context, name, log string) (string, error) {
	f := p.folder(name)
	if log == supervisorLog {
		return f.supervisorLog(), nil
	}
	if err := knownComponent(log); err != nil {
		return "", err
	}
	return f.logFile(log), nil
}

// Kubectl implements cluster.Kubectl.
func (p *Provider) Kubectl(_ context.Context, name string) (string, error) {
	d, err := p.folder(name).readDescription()
	if err != nil {
		return "", err
	}
	exe, err := findExecutable(d.release(), searchPath())
	if err != nil {
		return "", err
	}
	return p.folder(name).linkKubectl(exe)
}

// linkKubectl makes the link through which the executable is kubectl, or moves it to where the executable is now.
func (f folder) linkKubectl(exe *executable) (string, error) {
	link := f.path("bin", "kubectl")
	if to, err := os.Readlink(link); err == nil && to == exe.Path {
		return link, nil
	}
	if err := os.MkdirAll(f.path("bin"), 0o700); err != nil {
		return "", f.storageProblem(err)
	}
	return link, f.storageProblem(atomicfile.Symlink(exe.Path, link))
}

// AuditLog implements cluster.AuditLogFile: oldest part first.
func (p *Provider) AuditLog(_ context.Context, name string) ([]string, error) {
	f := p.folder(name)
	// lumberjack, which the API server uses, names rotated parts audit-<time>.log; they sort by age.
	rotated, err := filepath.Glob(f.path("audit", "audit-*.log"))
	if err != nil {
		return nil, err
	}
	return append(rotated, f.auditLog()), nil
}
