package kubelet

import (
	"cmp"
	"net/netip"
	"runtime"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What every simulated machine is: an AKS-like virtual machine of four cores.
const (
	osImage = "Ubuntu 24.04.3 LTS"
	// kernelVersion is that of a machine which was never restarted for a new one.
	kernelVersion    = "6.8.0-1034-azure"
	containerRuntime = "containerd://2.1.4"
	instanceType     = "Standard_D4s_v5"
	kubeletPort      = 10250
	maxPods          = 110
	// maxImages is the kubelet's default for nodeStatusMaxImages.
	maxImages = 50
)

// SimulatedLabel marks every node that this package plays, and SimulatedAnnotation explains it.
const (
	SimulatedLabel      = "k8slab.dev/simulated"
	SimulatedAnnotation = "k8slab.dev/simulated-by"
	simulatedBy         = "k8slab: this node and its pods are simulated, no container runs / このノードとポッドは模擬実行で、コンテナーは動いていません"
)

// nodeObject returns the Node as it is registered, with its first status (kubelet_node_status.go, initialNode).
func nodeObject(n Node, m machine, cluster string, now metav1.Time) *corev1.Node {
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name:   n.Name,
			Labels: nodeLabels(n),
			Annotations: map[string]string{
				SimulatedAnnotation: simulatedBy,
				"volumes.kubernetes.io/controller-managed-attach-detach": "true",
			},
		},
		Spec: corev1.NodeSpec{ProviderID: "k8slab://" + cluster + "/" + n.Name},
	}
	if n.PodCIDR.IsValid() {
		node.Spec.PodCIDR = n.PodCIDR.Masked().String()
		node.Spec.PodCIDRs = []string{node.Spec.PodCIDR}
	}
	setNodeStatus(&node.Status, n, m, nil, true, now)
	return node
}

func nodeLabels(n Node) map[string]string {
	labels := map[string]string{
		corev1.LabelHostname:           n.Name,
		corev1.LabelOSStable:           "linux",
		corev1.LabelArchStable:         runtime.GOARCH,
		"beta.kubernetes.io/os":        "linux",
		"beta.kubernetes.io/arch":      runtime.GOARCH,
		corev1.LabelInstanceTypeStable: instanceType,
		SimulatedLabel:                 "true",
	}
	if n.Zone != "" {
		labels[corev1.LabelTopologyZone] = n.Zone
		labels[corev1.LabelTopologyRegion] = region(n.Zone)
	}
	if n.Pool != "" {
		labels["agentpool"] = n.Pool
	}
	return labels
}

// region of a zone named as clouds do, region and then the zone in it: "japaneast-1".
func region(zone string) string {
	if i := strings.LastIndex(zone, "-"); i > 0 {
		return zone[:i]
	}
	return zone
}

// setNodeStatus brings a status up to date as the setters of pkg/kubelet/nodestatus do. What others have put there is
// kept. Heartbeats of conditions are set to now, transitions only where a condition changed. A kubelet that has not
// settled after a boot is not ready (pkg/kubelet/runtime.go, runtimeErrors).
func setNodeStatus(status *corev1.NodeStatus, n Node, m machine, imageNames []string, settled bool, now metav1.Time) {
	status.Addresses = nodeAddresses(n.Name, n.IP)
	status.Capacity = corev1.ResourceList{
		corev1.ResourceCPU:              resource.MustParse("4"),
		corev1.ResourceMemory:           resource.MustParse("16374776Ki"),
		corev1.ResourceEphemeralStorage: resource.MustParse("129886128Ki"),
		corev1.ResourcePods:             *resource.NewQuantity(maxPods, resource.DecimalSI),
		"hugepages-1Gi":                 resource.MustParse("0"),
		"hugepages-2Mi":                 resource.MustParse("0"),
	}
	// Reservations as on AKS: 140m of four cores, 20 MB for each pod and 50 MB, and 100Mi before eviction; a tenth of
	// the disk.
	status.Allocatable = status.Capacity.DeepCopy()
	status.Allocatable[corev1.ResourceCPU] = resource.MustParse("3860m")
	status.Allocatable[corev1.ResourceMemory] = resource.MustParse("13968376Ki")
	status.Allocatable[corev1.ResourceEphemeralStorage] = resource.MustParse("119703055367")
	status.DaemonEndpoints.KubeletEndpoint.Port = kubeletPort
	status.NodeInfo = corev1.NodeSystemInfo{
		MachineID:               m.MachineID,
		SystemUUID:              m.SystemUUID,
		BootID:                  m.BootID,
		KernelVersion:           m.kernel(),
		OSImage:                 osImage,
		ContainerRuntimeVersion: containerRuntime,
		KubeletVersion:          m.Kubelet,
		OperatingSystem:         "linux",
		Architecture:            runtime.GOARCH,
	}
	status.Images = nodeImages(imageNames)
	status.Features = &corev1.NodeFeatures{SupplementalGroupsPolicy: new(true)}
	readiness := corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", Message: "kubelet is posting ready status"}
	if !settled {
		readiness = corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionFalse, Reason: "KubeletNotReady", Message: "container runtime status check may not have completed yet"}
	}
	for _, c := range []corev1.NodeCondition{
		{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientMemory", Message: "kubelet has sufficient memory available"},
		{Type: corev1.NodeDiskPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasNoDiskPressure", Message: "kubelet has no disk pressure"},
		{Type: corev1.NodePIDPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientPID", Message: "kubelet has sufficient PID available"},
		readiness,
	} {
		setNodeCondition(status, c, now)
	}
}

func nodeAddresses(name string, ip netip.Addr) []corev1.NodeAddress {
	return []corev1.NodeAddress{
		{Type: corev1.NodeInternalIP, Address: ip.String()},
		{Type: corev1.NodeHostName, Address: name},
	}
}

func setNodeCondition(status *corev1.NodeStatus, c corev1.NodeCondition, now metav1.Time) {
	c.LastHeartbeatTime, c.LastTransitionTime = now, now
	for i := range status.Conditions {
		if old := &status.Conditions[i]; old.Type == c.Type {
			if old.Status == c.Status {
				c.LastTransitionTime = old.LastTransitionTime
			}
			*old = c
			return
		}
	}
	status.Conditions = append(status.Conditions, c)
}

// nodeImages lists the largest images first, as the kubelet does.
func nodeImages(names []string) []corev1.ContainerImage {
	var list []corev1.ContainerImage
	for _, name := range names {
		known := []string{imageID(name)}
		if name != known[0] {
			known = append(known, name)
		}
		list = append(list, corev1.ContainerImage{Names: known, SizeBytes: imageSize(name)})
	}
	slices.SortFunc(list, func(a, b corev1.ContainerImage) int {
		return cmp.Or(cmp.Compare(b.SizeBytes, a.SizeBytes), cmp.Compare(a.Names[0], b.Names[0]))
	})
	return list[:min(len(list), maxImages)]
}

// statusChanged reports whether two statuses differ in more than heartbeats (kubelet_node_status.go,
// nodeStatusHasChanged).
func statusChanged(a, b *corev1.NodeStatus) bool {
	return !equality.Semantic.DeepEqual(withoutHeartbeats(a), withoutHeartbeats(b))
}

func withoutHeartbeats(status *corev1.NodeStatus) *corev1.NodeStatus {
	status = status.DeepCopy()
	for i := range status.Conditions {
		status.Conditions[i].LastHeartbeatTime = metav1.Time{}
	}
	return status
}
