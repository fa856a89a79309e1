package embedded

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/k8slab/k8slab/engine/cluster/embedded/clients"
	"github.com/k8slab/k8slab/engine/cluster/embedded/egress"
	"github.com/k8slab/k8slab/engine/cluster/embedded/inprocess"
	"github.com/k8slab/k8slab/engine/cluster/embedded/kubelet"
	"github.com/k8slab/k8slab/engine/flock"
	"github.com/k8slab/k8slab/engine/history/recorder"
)

const (
	// readyPoll is how often a starting API server is asked whether it is ready.
	readyPoll = 20 * time.Millisecond
	// tidyEvery is how often the logs are looked at; one larger than maxLog loses all but its end.
	tidyEvery = time.Minute
	maxLog    = 16 << 20
	keepLog   = 1 << 20
	// lockPatience is how long a supervisor waits to become the only one.
	lockPatience = 2 * time.Second
	// lookForFolder is how often the supervisor makes sure that its cluster is still there.
	lookForFolder = 2 * time.Second
)

// supervisor runs one cluster.
type supervisor struct {
	folder folder
	// etcdExe is that of the release with which the cluster was made: the files of a newer etcd cannot be read by an older one, and a
	// reset may go back.
	etcdExe *executable
	log     *slog.Logger
	began   time.Time
	procs   map[string]*process

	apiAnswers chan struct{} // closed when the API server answers
	ready      chan struct{} // closed when the nodes are registered, too
	failed     chan struct{} // closed when the supervisor gives up
	stop       chan struct{} // closed to ask for a clean stop
	ending     chan struct{} // closed when the components are about to be stopped

	mu       sync.Mutex
	desc     *description // replaced, never changed
	fatal    string
	apiReady time.Duration
	stopOnce sync.Once

	changes    sync.Mutex  // held by whatever replaces state or executables: one at a time
	resumed    *transition // what an earlier supervisor left half-done; nil once it is settled
	simulation *simulation
	outages    *outages
	metrics    *inprocess.Listener
	// releasePorts lets other clusters have the ports.
	releasePorts func()
	recorder     atomic.Pointer[recorder.Recorder] // nil while none runs
}

// RunSupervisor is the body of the supervisor process. It returns the exit code.
func RunSupervisor(ctx context.Context, args []string) int {
	flags := flag.NewFlagSet("supervise", flag.ContinueOnError)
	dir := flags.String("dir", "", "the cluster's folder")
	if err := flags.Parse(args); err != nil || *dir == "" {
		fmt.Fprintln(os.Stderr, "usage: k8slab supervise --dir DIR (k8slab runs this by itself)")
		return 2
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, cancel := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	// The terminal that started it may go away.
	signal.Ignore(syscall.SIGHUP)
	if err := supervise(ctx, folder(*dir), log); err != nil {
		log.Error("supervisor ends", "error", err)
		return 1
	}
	return 0
}

func supervise(ctx context.Context, f folder, log *slog.Logger) error {
	// Whoever asks whether a supervisor runs holds the lock for a moment; another supervisor holds it for good.
	locking, cancel := context.WithTimeout(ctx, lockPatience)
	release, err := flock.Wait(locking, f.supervisorLock())
	cancel()
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("another supervisor runs this cluster")
	}
	if err != nil {
		return err
	}
	// It is held until the process has ended: whoever gets it finds no supervisor any more, not even one that is about to end.
	defer runtime.KeepAlive(release)
	desc, err := f.readDescription()
	if err != nil {
		return err
	}
	s := &supervisor{
		folder: f, desc: desc, log: log, began: time.Now(),
		simulation: newSimulation(), outages: newOutages(), metrics: inprocess.New(&net.TCPAddr{Port: metricsPort}), releasePorts: func() {},
		apiAnswers: make(chan struct{}), ready: make(chan struct{}), failed: make(chan struct{}), stop: make(chan struct{}),
		ending: make(chan struct{}),
	}
	return s.run(ctx)
}

// run starts everything at once, waits to be stopped, and stops everything in order.
func (s *supervisor) run(ctx context.Context) error {
	endControl, err := serveControl(ctx, s.folder, s, s.log)
	if err != nil {
		return err
	}
	defer endControl()
	err = s.prepare()
	defer s.releasePorts()
	if err != nil {
		s.giveUp(err)
		return err
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var workers sync.WaitGroup
	components, endComponents := context.WithCancel(context.WithoutCancel(ctx))
	for _, p := range s.components() {
		workers.Go(func() { p.run(components) })
		if !slices.Contains(clientComponents, p.name) && !(p.name == apiServer && s.restoresFirst()) {
			p.want(true)
		}
	}
	simulated, endSimulated := context.WithCancel(ctx)
	var simulating sync.WaitGroup
	simulating.Go(func() {
		if err := s.simulate(simulated); err != nil && simulated.Err() == nil {
			s.giveUp(err)
		}
	})
	workers.Go(func() { s.tidy(components) })
	workers.Go(func() { s.record(components) })
	workers.Go(func() { s.endWithFolder(components) })

	select {
	case <-ctx.Done():
	case <-s.stop:
	case <-s.failed:
	}
	close(s.ending)
	endSimulated()
	simulating.Wait()
	s.stopComponents()
	endComponents()
	workers.Wait()
	if s.fatal != "" {
		return errors.New(s.fatal)
	}
	os.Remove(s.folder.pidFile())
	return nil
}

// prepare clears what a killed supervisor left, settles the ports and writes what the components read.
func (s *supervisor) prepare() error {
	if err := s.folder.endLeftovers(s.log); err != nil {
		return err
	}
	desc := *s.description()
	if err := s.resume(&desc); err != nil {
		return err
	}
	exe, err := findExecutable(desc.release(), searchPath())
	if err != nil {
		return err
	}
	if s.etcdExe, err = findExecutable(desc.Spec.Release, searchPath()); err != nil {
		return err
	}
	if desc.Ports, s.releasePorts, err = desc.Ports.settle(desc.Spec.APIPort); err != nil {
		return err
	}
	desc.Version = exe.Version
	if err := s.describe(&desc); err != nil {
		return err
	}
	if err := s.folder.writeKubeconfigs(desc.Spec.Name, desc.Ports.API); err != nil {
		return err
	}
	args, err := s.folder.arguments(desc.Ports, desc.release(), desc.Spec.RuntimeConfig)
	if err != nil {
		return err
	}
	for _, dir := range []string{s.folder.simulator(), s.folder.path("audit")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	env := componentEnvironment(os.Environ())
	procs := map[string]*process{}
	for _, name := range componentNames {
		path := exe.Path
		if name == etcd {
			path = s.etcdExe.Path
		}
		procs[name] = newProcess(name, path, args[name], env, s.folder.logFile(name), s.log, s.componentChanged)
	}
	s.mu.Lock()
	s.procs = procs // complete before anybody sees it, and not changed afterwards
	s.mu.Unlock()
	return nil
}

// description is what the cluster is now.
func (s *supervisor) description() *description {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.desc
}

// describe makes d the description, on disk and then here.
func (s *supervisor) describe(d *description) error {
	if old := s.description(); d.Release != old.Release || d.Version != old.Version || d.Ports != old.Ports {
		if err := s.folder.writeDescription(d); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.desc = d
	return nil
}

func (s *supervisor) simulate(ctx context.Context) error {
	socket, err := s.folder.socket(egressSocket)
	if err != nil {
		return err
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := os.Chmod(socket, 0o600); err != nil {
		return err
	}
	ctx, endBeside := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer endBeside() // also where there is nothing to play, as the supervisor gives up only after this has returned
	beside.Go(func() {
		if err := egress.Serve(ctx, listener, s.dial); err != nil && ctx.Err() == nil {
			s.log.Error("egress proxy", "error", err)
		}
	})
	if err := s.restoreFirst(ctx); err != nil {
		return err
	}
	beside.Go(func() {
		if err := s.serveMetrics(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("serve metrics", "error", err)
		}
	})
	if err := s.awaitAPI(ctx); err != nil {
		return err
	}
	if err := s.settleResumed(); err != nil {
		return err
	}
	beside.Go(func() {
		if err := s.installAddons(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("install the objects of metrics-server", "error", err)
		}
	})
	served, _ := s.component(apiServer)
	s.outages.over(served.snapshot().PID)
	for _, name := range clientComponents {
		if p, ok := s.component(name); ok {
			p.want(true)
		}
	}
	beside.Go(func() { s.followAPIServer(ctx) })
	return s.simulation.run(ctx, s.newPlayers, func() { close(s.ready) })
}

// newPlayers returns who plays the nodes, and the clients that a lab declared.
func (s *supervisor) newPlayers() (*players, error) {
	client, err := clientcmd.BuildConfigFromFlags("", s.folder.identity(simulatorClient))
	if err != nil {
		return nil, err
	}
	client.QPS, client.Burst = -1, 0 // the simulator stands for many kubelets; the API server's fairness is limit enough
	serving, err := tls.LoadX509KeyPair(s.folder.pki("kubelet-server.crt"), s.folder.pki("kubelet-server.key"))
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(s.folder.pki(clusterCA + ".crt"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s holds no certificate", s.folder.pki(clusterCA+".crt"))
	}
	callers, err := clients.New(client, s.folder.simulator(), s.log)
	if err != nil {
		return nil, err
	}
	k, err := kubelet.New(kubelet.Config{
		Client: client, Nodes: s.nodes(), Serving: serving, ClientCAs: pool, Dir: s.folder.simulator(), Log: s.log, Written: callers.Written,
	})
	return &players{kubelet: k, clients: callers}, err
}

// dial connects the API server with what has an address in the cluster.
func (s *supervisor) dial(ctx context.Context, addr string) (net.Conn, error) {
	if addr == net.JoinHostPort(metricsIP, strconv.Itoa(metricsPort)) {
		return s.metrics.Dial(ctx)
	}
	return s.simulation.dialNode(ctx, addr)
}

// nodes gives each node of the description its addresses, which depend only on its place in the list.
func (s *supervisor) nodes() []kubelet.Node {
	var nodes []kubelet.Node
	desc := s.description()
	for i, n := range desc.Spec.Nodes {
		nodes = append(nodes, kubelet.Node{
			Name: n.Name, Zone: n.Zone, Pool: n.Pool, Version: desc.kubelet(cmp.Or(n.Version, desc.Spec.Release)), IP: nodeIP(i), PodCIDR: podCIDR(i),
		})
	}
	return nodes
}

// kubelet is the version of a kubelet of the release: that of the control plane, or the first one of another release.
func (d *description) kubelet(release string) string {
	if release == d.release() {
		return d.Version
	}
	return "v" + release + ".0"
}

// awaitAPI waits until the API server answers /readyz.
func (s *supervisor) awaitAPI(ctx context.Context) error {
	cfg, err := clientcmd.BuildConfigFromFlags("", s.folder.identity("operator"))
	if err != nil {
		return err
	}
	ask, err := readiness(cfg)
	if err != nil {
		return err
	}
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for !ask(ctx) {
		if err := s.hopeless(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	s.mu.Lock()
	s.apiReady = time.Since(s.began)
	s.mu.Unlock()
	close(s.apiAnswers)
	s.log.Info("the API server is ready", "after", s.apiReady)
	return nil
}

// maxStartCrashes is how often a component may end before the cluster was ever ready. A component that cannot be started
// ends within milliseconds each time; one that only has to wait for another does not get there.
const maxStartCrashes = 6

// hopeless returns why the cluster will not become ready, or nil.
func (s *supervisor) hopeless() error {
	for _, p := range s.components() {
		if c := p.snapshot(); c.Restarts >= maxStartCrashes {
			return fmt.Errorf("%s ends again and again (%s): %s", c.Name, c.LastError, lastLine(s.folder.logFile(c.Name)))
		}
	}
	return nil
}

func (s *supervisor) status() status {
	st := status{PID: os.Getpid()}
	for _, p := range s.components() {
		st.Components = append(st.Components, p.snapshot())
	}
	select {
	case <-s.ready:
		st.Ready = true
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Fatal, st.APIReady = s.fatal, s.apiReady
	return st
}

// components returns the processes in their order; none before they are prepared.
func (s *supervisor) components() []*process {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*process
	for _, name := range componentNames {
		if p, ok := s.procs[name]; ok {
			all = append(all, p)
		}
	}
	return all
}

func (s *supervisor) component(name string) (*process, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.procs[name]
	return p, ok
}

func (s *supervisor) requestStop() { s.stopOnce.Do(func() { close(s.stop) }) }

func (s *supervisor) giveUp(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fatal == "" {
		s.fatal = err.Error()
		close(s.failed)
	}
}

// switchComponent stops or starts one component and returns when it has.
func (s *supervisor) switchComponent(ctx context.Context, name, action string) error {
	p, ok := s.component(name)
	if !ok {
		return fmt.Errorf("no component %q", name)
	}
	switch action {
	case "stop":
		select {
		case <-p.want(false):
		case <-ctx.Done():
			return ctx.Err()
		}
	case "start":
		p.want(true)
		if name == apiServer {
			return s.awaitOutageEnd(ctx)
		}
	default:
		return fmt.Errorf("no action %q", action)
	}
	return nil
}

// stopComponents ends those that write before those that keep what they write.
func (s *supervisor) stopComponents() {
	first := []<-chan struct{}{s.procs[scheduler].want(false), s.procs[controllerManager].want(false)}
	for _, ch := range append(first, s.procs[apiServer].want(false)) {
		<-ch
	}
	<-s.procs[etcd].want(false)
}

// tidy keeps the logs of components that run for weeks from filling the disk. The components hold their log open for
// appending, so it is cut in place.
func (s *supervisor) tidy(ctx context.Context) {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		for _, name := range componentNames {
			if err := cutLog(s.folder.logFile(name), maxLog, keepLog); err != nil {
				s.log.Warn("cut log", "component", name, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// endWithFolder stops the cluster when its description has gone: somebody removed the folder, and nobody will ask for it again.
func (s *supervisor) endWithFolder(ctx context.Context) {
	tick := time.NewTicker(lookForFolder)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := os.Stat(s.folder.description()); errors.Is(err, os.ErrNotExist) {
			s.log.Warn("the cluster's folder has been removed; its processes end")
			s.requestStop()
			return
		}
	}
}

// cutLog keeps the last keep bytes of a file that is larger than limit.
func cutLog(path string, limit, keep int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() <= limit {
		return err
	}
	end := make([]byte, keep)
	n, err := f.ReadAt(end, info.Size()-keep)
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(end[:n], 0)
	return err
}

// componentChanged is called after each change of a component's state.
func (s *supervisor) componentChanged() {
	s.outages.look()
	s.recordPIDs()
}

// recordPIDs writes down what would be left running if the supervisor were killed.
func (s *supervisor) recordPIDs() {
	var pids []int
	for _, p := range s.components() {
		if c := p.snapshot(); c.PID != 0 {
			pids = append(pids, c.PID)
		}
	}
	slices.Sort(pids)
	if _, err := os.Stat(s.folder.description()); err != nil {
		return // nobody will read it, and a folder that was removed must not come back
	}
	if err := writeJSON(s.folder.pidFile(), pids); err != nil {
		s.log.Warn("record process ids", "error", err)
	}
}

// endLeftovers kills the components of an earlier supervisor. A process counts as one of them only if this folder's
// path is in its command line, since its id may have gone to somebody else meanwhile.
func (f folder) endLeftovers(log *slog.Logger) error {
	raw, err := os.ReadFile(f.pidFile())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var pids []int
	if err := json.Unmarshal(raw, &pids); err != nil {
		log.Warn("the list of process ids is damaged and is ignored", "file", f.pidFile(), "error", err)
		return nil
	}
	for _, pid := range pids {
		if !f.owns(pid) {
			continue
		}
		log.Info("ending what an earlier supervisor left", "pid", pid)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
		for f.owns(pid) {
			time.Sleep(readyPoll)
		}
	}
	return nil
}
