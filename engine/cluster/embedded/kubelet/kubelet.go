package kubelet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"github.com/k8slab/k8slab/engine/cluster/embedded/kubelet/command"
)

// Node is a node to play.
type Node struct {
	Name string
	// Zone becomes the label topology.kubernetes.io/zone, and what stands before its last hyphen the region; Pool
	// becomes the label agentpool. Empty means no label.
	Zone, Pool string
	// Version of the kubelet when the machine is first played: "v1.37.2". SetKubelet and UpgradeKubelet change it for
	// good.
	Version string
	// IP is the node's address, unique in the cluster.
	IP netip.Addr
	// PodCIDR is the network of the node's pods; it overlaps with no other node's.
	PodCIDR netip.Prefix
}

// Config of the kubelet of a cluster.
type Config struct {
	// Client reaches the API server. It needs the rights of nodes, and may write Node objects and delete pods.
	Client *rest.Config
	Nodes  []Node
	// Cluster is the name that the nodes' provider IDs carry; empty means "cluster".
	Cluster string
	// Serving is what nodes present on port 10250. Its names must hold every node's address and name.
	Serving tls.Certificate
	// ClientCAs issued the certificate with which the API server speaks to kubelets. Nobody else is answered.
	ClientCAs *x509.CertPool
	// Written returns what a simulated client wrote to the log of a pod's container since, oldest first, and a channel
	// that is closed when there is more. It may be nil.
	Written func(pod *corev1.Pod, container string, since time.Time) (lines []Line, more <-chan struct{})
	// Commands are those that containers have; nil means command.All.
	Commands []command.Command
	// Dir is a folder that only the user may read. The machines' identities are kept in it.
	Dir string
	// Log may be nil.
	Log *slog.Logger
}

// Line is a line of a log.
type Line struct {
	Time time.Time
	Text string
}

// Kubelet plays the nodes of one cluster.
type Kubelet struct {
	client kubernetes.Interface
	events typedcorev1.CoreV1Interface
	log    *slog.Logger
	nodes  map[string]*node
	pods   *pods
	player *player
	server *server

	behaviors *behaviors
	commands  *command.Set
	written   func(pod *corev1.Pod, container string, since time.Time) ([]Line, <-chan struct{})
	// dir is the state folder. machinesLock guards the file of machines in it; absent are machines of the file that are
	// not played now.
	dir          string
	machinesLock sync.Mutex
	absent       map[string]machine
}

// New prepares to play the nodes; Run does it. It reads and writes Dir and asks nothing of the API server.
func New(config Config) (*Kubelet, error) {
	log := config.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	client, err := newClient(config.Client)
	if err != nil {
		return nil, err
	}
	stages, err := newStages(stageFile)
	if err != nil {
		return nil, err
	}
	commands := config.Commands
	if commands == nil {
		commands = command.All()
	}
	k := &Kubelet{
		client: client, events: client.CoreV1(), log: log, nodes: map[string]*node{}, dir: config.Dir,
		absent: map[string]machine{}, commands: command.NewSet(commands...), written: config.Written,
	}
	if err := k.addNodes(config); err != nil {
		return nil, err
	}
	if k.behaviors, err = loadBehaviors(config.Dir); err != nil {
		return nil, fmt.Errorf("kubelet: %w", err)
	}
	k.pods = newPods(func(name string) bool { return k.nodes[name] != nil })
	k.player = newPlayer(k, stages)
	k.pods.announce = k.player.queue.Add
	k.pods.seen = func(pod *corev1.Pod) { k.nodes[pod.Spec.NodeName].addresses.hold(pod) }
	k.pods.gone = func(pod *corev1.Pod) { k.nodes[pod.Spec.NodeName].addresses.release(pod.UID) }
	k.server = newServer(k, config.Serving, config.ClientCAs)
	return k, nil
}

// newClient returns a client without client-side rate limits, which are for sharing an API server with others.
func newClient(config *rest.Config) (kubernetes.Interface, error) {
	if config == nil {
		return nil, errors.New("kubelet: no client configuration")
	}
	config = rest.CopyConfig(config)
	// With the certificate in memory the transport starts no goroutine that looks whether its files have changed.
	if err := rest.LoadTLSFiles(config); err != nil {
		return nil, fmt.Errorf("kubelet: %w", err)
	}
	config.CAFile, config.CertFile, config.KeyFile = "", "", ""
	config.QPS = -1
	config.UserAgent = "kubelet/k8slab (simulated)"
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("kubelet: %w", err)
	}
	return client, nil
}

func (k *Kubelet) addNodes(config Config) error {
	for _, n := range config.Nodes {
		if !n.IP.IsValid() || !n.PodCIDR.IsValid() {
			return fmt.Errorf("kubelet: node %s has no address or no pod network", n.Name)
		}
	}
	if !filepath.IsAbs(config.Dir) {
		return fmt.Errorf("kubelet: the state folder %q is not an absolute path", config.Dir)
	}
	machines, err := loadMachines(config.Dir, config.Nodes)
	if err != nil {
		return fmt.Errorf("kubelet: %w", err)
	}
	cluster := config.Cluster
	if cluster == "" {
		cluster = "cluster"
	}
	for _, n := range config.Nodes {
		if k.nodes[n.Name] != nil {
			return fmt.Errorf("kubelet: two nodes are named %s", n.Name)
		}
		k.nodes[n.Name] = &node{
			Node:          n,
			leaseInterval: leaseInterval,
			machine:       machines[n.Name],
			cluster:       cluster,
			client:        k.client,
			log:           k.log,
			addresses:     newAddresses(n.PodCIDR),
			wake:          make(chan struct{}, 1),
			registered:    make(chan struct{}),
			bootTime:      bootTime,
			switched:      make(chan struct{}),
		}
		k.nodes[n.Name].conns.init()
		delete(machines, n.Name)
	}
	k.absent = machines
	return nil
}

// eventRetry is how long a failed event waits. The library's default of 10 s would hold up all events after a restart
// of the API server, because they are sent in order.
const eventRetry = 500 * time.Millisecond

// Run registers the nodes, keeps them alive and plays their pods until ctx ends, and then waits for all that it
// started. It may be called once. It lasts through restarts of the API server, and a machine that slept: leases are
// renewed at once. Its error is that of the nodes' own API; it is nil when ctx ended it.
func (k *Kubelet) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(klog.NewContext(ctx, logr.FromSlogHandler(k.log.Handler())))
	defer cancel()

	broadcaster := record.NewBroadcaster(record.WithContext(ctx), record.WithSleepDuration(eventRetry))
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: k.events.Events("")})
	defer broadcaster.Shutdown()
	for _, n := range k.nodes {
		n.recorder = broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "kubelet", Host: n.Name})
	}

	var parts sync.WaitGroup
	defer parts.Wait()
	defer cancel()
	for _, n := range k.nodes {
		parts.Go(func() {
			n.live(ctx, func() { k.announceNode(n.Name) })
		})
	}
	parts.Go(func() { k.pods.watch(ctx, k.client, k.nudge) })
	parts.Go(func() { k.player.run(ctx) })
	return k.server.run(ctx)
}

// nudge asks all nodes for lease and status at once.
func (k *Kubelet) nudge() {
	k.log.Debug("watching the pods again")
	for _, n := range k.nodes {
		n.nudge()
	}
}

// Registered waits until every node that has power has been registered in this run, or ctx ends.
func (k *Kubelet) Registered(ctx context.Context) error {
	for _, n := range k.nodes {
		select {
		case <-n.registered:
		case <-ctx.Done():
			return fmt.Errorf("node %s is not registered: %w", n.Name, context.Cause(ctx))
		}
	}
	return nil
}

// DialNode connects to the API of the node whose address or name, and port 10250, addr holds. It needs Run to be
// running. Its error for any other address says what there is.
func (k *Kubelet) DialNode(ctx context.Context, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", addr, err)
	}
	for _, n := range k.nodes {
		if host != n.Name && host != n.IP.String() {
			continue
		}
		if port != fmt.Sprint(kubeletPort) {
			return nil, fmt.Errorf("connection refused: node %s is simulated and listens on port %d only, not on %s", n.Name, kubeletPort, port)
		}
		if !n.isUp() {
			return nil, fmt.Errorf("dial tcp %s:%d: connect: no route to host", n.IP, kubeletPort)
		}
		return k.server.dial(ctx, n)
	}
	return nil, fmt.Errorf("no route to host: no simulated node has the address %s", addr)
}
