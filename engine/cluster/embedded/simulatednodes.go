package embedded

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/k8slab/k8slab/engine/cluster/embedded/clients"
	"github.com/k8slab/k8slab/engine/cluster/embedded/kubelet"
)

// simulatedNodes are the simulated kubelets and, beside them, the clients that a lab declared. They are replaced
// together when the state in their folder is.
func (s *supervisor) simulatedNodes() part {
	return s.vital("simulated nodes", from(s.served, func(ctx context.Context) error {
		return s.simulation.run(ctx, s.newPlayers, func() { close(s.ready) })
	}))
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
	callers, err := clients.New(clients.All(), client, s.folder.simulator(), s.log)
	if err != nil {
		return nil, err
	}
	k, err := kubelet.New(kubelet.Config{
		Client: client, Nodes: s.nodes(), Serving: serving, ClientCAs: pool, Written: callers.Written,
		Dir: s.folder.simulator(), Log: s.log,
	})
	return &players{kubelet: k, clients: callers}, err
}

// nodes gives each node of the description its addresses, which depend only on its place in the list.
func (s *supervisor) nodes() []kubelet.Node {
	var nodes []kubelet.Node
	desc := s.description()
	for i, n := range desc.Spec.Nodes {
		nodes = append(nodes, kubelet.Node{
			Name: n.Name, Zone: n.Zone, Pool: n.Pool, Version: desc.kubeletVersion(cmp.Or(n.Version, desc.Spec.Release)),
			IP: nodeIP(i), PodCIDR: podCIDR(i),
		})
	}
	return nodes
}

// kubeletVersion is the version of a kubelet of the release: that of the control plane, or the first one of another
// release.
func (d *description) kubeletVersion(release string) string {
	if release == d.release() {
		return d.Version
	}
	return "v" + release + ".0"
}
