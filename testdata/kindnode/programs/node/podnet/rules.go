package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	netv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// rules makes the nftables table of one node: a pod that a policy selects has a chain for each direction, which ends in
// a drop.
type rules struct {
	node, podSubnet string
	pods            []*corev1.Pod
	namespaces      map[string]labels.Set
	policies        []*netv1.NetworkPolicy
}

func newRules(node, podSubnet string, pods []*corev1.Pod, namespaces []*corev1.Namespace, policies []*netv1.NetworkPolicy) *rules {
	r := &rules{node: node, podSubnet: podSubnet, namespaces: map[string]labels.Set{}, policies: slices.Clone(policies)}
	for _, pod := range pods {
		if connected(pod) {
			r.pods = append(r.pods, pod)
		}
	}
	for _, ns := range namespaces {
		r.namespaces[ns.Name] = ns.Labels
	}
	slices.SortFunc(r.pods, func(a, b *corev1.Pod) int { return byName(a, b) })
	slices.SortFunc(r.policies, func(a, b *netv1.NetworkPolicy) int { return byName(a, b) })
	return r
}

func byName(a, b metav1.Object) int {
	return cmp.Or(cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetName(), b.GetName()))
}

// connected reports whether the pod has an address of its own.
func connected(pod *corev1.Pod) bool {
	ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	return pod.Status.PodIP != "" && !pod.Spec.HostNetwork && !ended
}

func (r *rules) render() string {
	var chains, jumps strings.Builder
	for _, pod := range r.pods {
		if pod.Spec.NodeName != r.node {
			continue
		}
		id := strings.ReplaceAll(pod.Status.PodIP, ".", "_")
		if accepted, restricted := r.ingress(pod); restricted {
			fmt.Fprintf(&chains, "  chain to_%s {\n%s    drop\n  }\n", id, lines(accepted, "accept"))
			fmt.Fprintf(&jumps, "    ip daddr %s jump to_%s\n", pod.Status.PodIP, id)
		}
		if accepted, restricted := r.egress(pod); restricted {
			// Traffic that may leave here may still be refused where it arrives: so return, and not accept.
			fmt.Fprintf(&chains, "  chain from_%s {\n%s    drop\n  }\n", id, lines(accepted, "return"))
			fmt.Fprintf(&jumps, "    ip saddr %s jump from_%s\n", pod.Status.PodIP, id)
		}
	}
	return fmt.Sprintf(`add table ip podnet
delete table ip podnet
table ip podnet {
  chain postrouting {
    type nat hook postrouting priority srcnat + 10; policy accept;
    ip saddr %s ip daddr != %s masquerade
  }
%s  chain forward {
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
%s  }
}
`, r.podSubnet, r.podSubnet, chains.String(), sortedJumps(jumps.String()))
}

// sortedJumps puts the jumps for a pod's outgoing traffic before those for its incoming traffic: an accept ends the way
// through the chain.
func sortedJumps(jumps string) string {
	all := strings.SplitAfter(jumps, "\n")
	slices.SortStableFunc(all, func(a, b string) int {
		return cmp.Compare(strings.Count(a, "daddr"), strings.Count(b, "daddr"))
	})
	return strings.Join(all, "")
}

func lines(matches []string, verdict string) string {
	var b strings.Builder
	for _, match := range matches {
		fmt.Fprintf(&b, "    %s%s\n", match, verdict)
	}
	return b.String()
}

// ingress returns what may reach the pod, and whether any policy restricts that.
func (r *rules) ingress(pod *corev1.Pod) (accepted []string, restricted bool) {
	for _, policy := range r.of(pod, netv1.PolicyTypeIngress) {
		restricted = true
		for _, rule := range policy.Spec.Ingress {
			accepted = append(accepted, pairs(r.peers(rule.From, policy.Namespace, "saddr"), ports(rule.Ports, pod))...)
		}
	}
	return accepted, restricted
}

// egress returns what the pod may reach, and whether any policy restricts that.
func (r *rules) egress(pod *corev1.Pod) (accepted []string, restricted bool) {
	for _, policy := range r.of(pod, netv1.PolicyTypeEgress) {
		restricted = true
		for _, rule := range policy.Spec.Egress {
			accepted = append(accepted, pairs(r.peers(rule.To, policy.Namespace, "daddr"), ports(rule.Ports, nil))...)
		}
	}
	return accepted, restricted
}

// of returns the policies that select the pod for a direction.
func (r *rules) of(pod *corev1.Pod, direction netv1.PolicyType) []*netv1.NetworkPolicy {
	var found []*netv1.NetworkPolicy
	for _, policy := range r.policies {
		if policy.Namespace == pod.Namespace && selects(&policy.Spec.PodSelector, pod.Labels) && concerns(policy, direction) {
			found = append(found, policy)
		}
	}
	return found
}

// concerns follows the API's rule: a policy without types is about ingress, and about egress if it has rules for
// egress.
func concerns(policy *netv1.NetworkPolicy, direction netv1.PolicyType) bool {
	if len(policy.Spec.PolicyTypes) > 0 {
		return slices.Contains(policy.Spec.PolicyTypes, direction)
	}
	return direction == netv1.PolicyTypeIngress || len(policy.Spec.Egress) > 0
}

func selects(selector *metav1.LabelSelector, set labels.Set) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(set)
}

// pairs combines peers with ports.
func pairs(peers, ports []string) []string {
	var all []string
	for _, peer := range peers {
		for _, port := range ports {
			all = append(all, peer+port)
		}
	}
	return all
}

// peers returns a match for each kind of peer; no peers at all means everybody.
func (r *rules) peers(peers []netv1.NetworkPolicyPeer, namespace, side string) []string {
	if len(peers) == 0 {
		return []string{""}
	}
	var matches, addresses []string
	for _, peer := range peers {
		if peer.IPBlock != nil {
			matches = append(matches, block(peer.IPBlock, side))
			continue
		}
		for _, pod := range r.pods {
			if r.isPeer(&peer, pod, namespace) {
				addresses = append(addresses, pod.Status.PodIP)
			}
		}
	}
	if len(addresses) > 0 {
		matches = append(matches, fmt.Sprintf("ip %s %s ", side, set(addresses)))
	}
	return matches
}

func (r *rules) isPeer(peer *netv1.NetworkPolicyPeer, pod *corev1.Pod, namespace string) bool {
	if peer.NamespaceSelector == nil && pod.Namespace != namespace {
		return false
	}
	if peer.NamespaceSelector != nil && !selects(peer.NamespaceSelector, r.namespaces[pod.Namespace]) {
		return false
	}
	return peer.PodSelector == nil || selects(peer.PodSelector, pod.Labels)
}

func block(b *netv1.IPBlock, side string) string {
	match := fmt.Sprintf("ip %s %s ", side, b.CIDR)
	if len(b.Except) > 0 {
		match += fmt.Sprintf("ip %s != %s ", side, set(b.Except))
	}
	return match
}

func set(members []string) string {
	sorted := slices.Compact(slices.Sorted(slices.Values(members)))
	return "{ " + strings.Join(sorted, ", ") + " }"
}

// ports returns a match for each port; no ports at all means every one. Names are those of the target's containers.
func ports(ports []netv1.NetworkPolicyPort, target *corev1.Pod) []string {
	if len(ports) == 0 {
		return []string{""}
	}
	var matches []string
	for _, port := range ports {
		protocol := "tcp"
		if port.Protocol != nil {
			protocol = strings.ToLower(string(*port.Protocol))
		}
		switch {
		case port.Port == nil:
			matches = append(matches, fmt.Sprintf("meta l4proto %s ", protocol))
		case port.Port.StrVal != "":
			for _, number := range named(port.Port.StrVal, target) {
				matches = append(matches, fmt.Sprintf("%s dport %d ", protocol, number))
			}
		case port.EndPort != nil:
			matches = append(matches, fmt.Sprintf("%s dport %d-%d ", protocol, port.Port.IntVal, *port.EndPort))
		default:
			matches = append(matches, fmt.Sprintf("%s dport %d ", protocol, port.Port.IntVal))
		}
	}
	return matches
}

func named(name string, target *corev1.Pod) []int32 {
	if target == nil {
		return nil
	}
	var numbers []int32
	for _, container := range target.Spec.Containers {
		for _, port := range container.Ports {
			if port.Name == name {
				numbers = append(numbers, port.ContainerPort)
			}
		}
	}
	return numbers
}
