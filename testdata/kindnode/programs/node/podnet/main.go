// Command podnet is the pod network of a test cluster, one on each node. It writes the CNI configuration for the node's
// range of addresses, keeps the routes to the other nodes' ranges, masquerades what leaves the cluster, and enforces
// NetworkPolicies with one nftables table.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	netlisters "k8s.io/client-go/listers/networking/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

const (
	resync = 10 * time.Minute
	// apart is the least time between two updates, so that a rollout does not rewrite the rules for each of its pods.
	apart = 200 * time.Millisecond
)

// network is what one node knows and has written.
type network struct {
	node, podSubnet string
	nodes           corelisters.NodeLister
	pods            corelisters.PodLister
	namespaces      corelisters.NamespaceLister
	policies        netlisters.NetworkPolicyLister
	configured      bool
	table           string
}

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	cfg, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	// kind names the API server's own address, so that nobody has to wait for kube-proxy.
	if endpoint := os.Getenv("CONTROL_PLANE_ENDPOINT"); endpoint != "" {
		cfg.Host = "https://" + endpoint
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, resync)
	core, networking := factory.Core().V1(), factory.Networking().V1()
	n := &network{
		node: os.Getenv("NODE_NAME"), podSubnet: os.Getenv("POD_SUBNET"),
		nodes: core.Nodes().Lister(), pods: core.Pods().Lister(), namespaces: core.Namespaces().Lister(),
		policies: networking.NetworkPolicies().Lister(),
	}
	changed := make(chan struct{}, 1)
	followed := []cache.SharedIndexInformer{
		core.Nodes().Informer(), core.Pods().Informer(), core.Namespaces().Informer(), networking.NetworkPolicies().Informer(),
	}
	for _, informer := range followed {
		if _, err := informer.AddEventHandler(tell(changed)); err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	return n.follow(ctx, changed)
}

// tell returns a handler that signals a change. Further changes add no signal until the first one is received.
func tell(changed chan<- struct{}) cache.ResourceEventHandler {
	say := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { say() }, UpdateFunc: func(any, any) { say() }, DeleteFunc: func(any) { say() },
	}
}

// follow updates the node after every change.
func (n *network) follow(ctx context.Context, changed <-chan struct{}) error {
	tick := time.NewTicker(apart)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
		if err := n.update(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (n *network) update() error {
	nodes, err := n.nodes.List(labels.Everything())
	if err != nil {
		return err
	}
	for _, node := range nodes {
		if node.Spec.PodCIDR == "" {
			continue
		}
		if node.Name != n.node {
			n.route(node)
			continue
		}
		if err := n.configure(node.Spec.PodCIDR); err != nil {
			return err
		}
	}
	return n.enforce()
}

// route sets the route to the pods of another node. A node whose address is not known yet gets its route later.
func (n *network) route(node *corev1.Node) {
	for _, address := range node.Status.Addresses {
		if address.Type != corev1.NodeInternalIP || net.ParseIP(address.Address).To4() == nil {
			continue
		}
		if err := command("", "ip", "route", "replace", node.Spec.PodCIDR, "via", address.Address); err != nil {
			log.Print(err)
		}
	}
}

// configure tells containerd how to connect a pod; until the file is there the node is not ready.
func (n *network) configure(podCIDR string) error {
	if n.configured {
		return nil
	}
	config := fmt.Sprintf(`{
  "cniVersion": "0.4.0",
  "name": "podnet",
  "plugins": [
    {"type": "ptp", "ipMasq": false, "mtu": 1500, "ipam": {
      "type": "host-local", "dataDir": "/run/cni-ipam-state", "routes": [{"dst": "0.0.0.0/0"}], "ranges": [[{"subnet": %q}]]}},
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`, podCIDR)
	const path, tmp = "/etc/cni/net.d/10-podnet.conflist", "/etc/cni/net.d/.podnet"
	if err := os.WriteFile(tmp, []byte(config), 0o644); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	n.configured = true
	log.Printf("pods of this node have addresses of %s", podCIDR)
	return nil
}

// enforce loads the table again if its content has changed; nft replaces the table as a whole.
func (n *network) enforce() error {
	pods, err := n.pods.List(labels.Everything())
	if err != nil {
		return err
	}
	namespaces, err := n.namespaces.List(labels.Everything())
	if err != nil {
		return err
	}
	policies, err := n.policies.List(labels.Everything())
	if err != nil {
		return err
	}
	table := newRules(n.node, n.podSubnet, pods, namespaces, policies).render()
	if table == n.table {
		return nil
	}
	if err := command(table, "nft", "-f", "-"); err != nil {
		log.Printf("%v in\n%s", err, table) // the rules from before stay in force
		return nil
	}
	n.table = table
	return nil
}

func command(stdin, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
