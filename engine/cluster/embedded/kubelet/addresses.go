package kubelet

import (
	"fmt"
	"net/netip"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// addresses allots the addresses of a node's pod network. What is in use is learned from the pods themselves, so that
// it survives a restart.
type addresses struct {
	network netip.Prefix

	mu   sync.Mutex
	last netip.Addr
	used map[netip.Addr]types.UID
}

func newAddresses(network netip.Prefix) *addresses {
	network = network.Masked()
	// The first address is the bridge's, as with the host-local plugin of CNI.
	return &addresses{network: network, last: network.Addr().Next(), used: map[netip.Addr]types.UID{}}
}

// take returns the pod's address, or a free address for a pod without one. Addresses go round, so that a freed address
// is not handed out again at once.
func (a *addresses) take(pod types.UID) (netip.Addr, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for ip, uid := range a.used {
		if uid == pod {
			return ip, nil
		}
	}
	first := a.network.Addr().Next().Next()
	ip := a.last
	for range 1 << min(16, a.network.Addr().BitLen()-a.network.Bits()) {
		ip = ip.Next()
		if !a.network.Contains(ip) || !a.network.Contains(ip.Next()) {
			// The last address of the network is its broadcast address.
			ip = first
		}
		if _, taken := a.used[ip]; !taken {
			a.used[ip] = pod
			a.last = ip
			return ip, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no IP addresses available in range set: %s", a.network)
}

// hold marks the address that the pod has.
func (a *addresses) hold(pod *corev1.Pod) {
	ip, err := netip.ParseAddr(pod.Status.PodIP)
	if err != nil || !a.network.Contains(ip) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, taken := a.used[ip]; !taken {
		a.used[ip] = pod.UID
	}
}

// release frees the address of a pod that is no more.
func (a *addresses) release(pod types.UID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for ip, uid := range a.used {
		if uid == pod {
			delete(a.used, ip)
		}
	}
}

// images is the set of images on a node, by the name that containerd reports.
type images struct {
	mu    sync.Mutex
	names map[string]bool
}

func (i *images) has(image string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.names[qualifiedImage(image)]
}

func (i *images) add(image string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.names == nil {
		i.names = map[string]bool{}
	}
	i.names[qualifiedImage(image)] = true
}

func (i *images) list() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	names := make([]string, 0, len(i.names))
	for name := range i.names {
		names = append(names, name)
	}
	return names
}
