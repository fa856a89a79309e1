package kind

import (
	"cmp"
	_ "embed"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	"sigs.k8s.io/yaml"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/private"
	"github.com/k8slab/k8slab/engine/cluster/release"
	"github.com/k8slab/k8slab/engine/history"
)

const (
	// machineFiles is the path of folder.machine in a node.
	machineFiles = "/k8slab"
	auditPolicy  = "audit-policy.yaml"
	auditLogs    = "/var/log/kubernetes/audit"
	// poolLabel is AKS's label for a node's pool; all kinds of cluster use it.
	poolLabel = "agentpool"
	loopback  = "127.0.0.1"
)

// bootID gives a node a new boot ID at each start, as a real machine has: containers would all show the boot ID of the
// machine that they run on. The kubelet reads the file when it starts.
//
//go:embed boot-id.conf
var bootID string

// writeMachineFiles writes the files that are mounted into the nodes.
func (f folder) writeMachineFiles() error {
	if err := private.WriteFile(f.path("machine", auditPolicy), history.Policy()); err != nil {
		return err
	}
	return private.WriteFile(f.path("machine", "boot-id.conf"), []byte(bootID))
}

// config returns the configuration for kind.
func (f folder) config(spec cluster.Spec, images map[string]string, cgroup int) (*v1alpha4.Cluster, error) {
	patches, err := clusterPatches(spec, cgroup)
	if err != nil {
		return nil, err
	}
	cfg := &v1alpha4.Cluster{
		TypeMeta:             v1alpha4.TypeMeta{Kind: "Cluster", APIVersion: "kind.x-k8s.io/v1alpha4"},
		Name:                 f.name(),
		Networking:           v1alpha4.Networking{APIServerAddress: loopback, APIServerPort: int32(spec.APIPort)},
		KubeadmConfigPatches: patches,
	}
	controlPlane := v1alpha4.Node{Role: v1alpha4.ControlPlaneRole, Image: images[spec.Release]}
	if err := f.furnish(&controlPlane, controlPlaneNode); err != nil {
		return nil, err
	}
	cfg.Nodes = append(cfg.Nodes, controlPlane)
	for _, n := range spec.Nodes {
		worker := v1alpha4.Node{Role: v1alpha4.WorkerRole, Image: images[cmp.Or(n.Version, spec.Release)], Labels: map[string]string{}}
		if n.Zone != "" {
			worker.Labels[corev1.LabelTopologyZone] = n.Zone
		}
		if n.Pool != "" {
			worker.Labels[poolLabel] = n.Pool
		}
		if err := f.furnish(&worker, n.Name); err != nil {
			return nil, err
		}
		cfg.Nodes = append(cfg.Nodes, worker)
	}
	return cfg, nil
}

// furnish mounts the machine's files, and gives the Node the lab's name in place of the container's.
func (f folder) furnish(node *v1alpha4.Node, name string) error {
	node.ExtraMounts = []v1alpha4.Mount{
		{HostPath: f.machine(), ContainerPath: machineFiles, Readonly: true},
		{HostPath: f.path("machine", "boot-id.conf"), ContainerPath: "/etc/systemd/system/kubelet.service.d/20-k8slab-boot-id.conf", Readonly: true},
	}
	for _, kind := range []string{"InitConfiguration", "JoinConfiguration"} {
		patch, err := yaml.Marshal(map[string]any{"kind": kind, "nodeRegistration": map[string]any{"name": name}})
		if err != nil {
			return err
		}
		node.KubeadmConfigPatches = append(node.KubeadmConfigPatches, string(patch))
	}
	return nil
}

// argument of a component, in the form of kubeadm's v1beta4.
type argument struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// volume of a component's static pod.
type volume struct {
	Name      string `json:"name"`
	HostPath  string `json:"hostPath"`
	MountPath string `json:"mountPath"`
	ReadOnly  bool   `json:"readOnly,omitempty"`
	PathType  string `json:"pathType"`
}

// clusterPatches returns what kubeadm is told besides what kind tells it. A patch replaces a list as a whole: kind's
// own list for the API server holds runtime-config and nothing else (pkg/cluster/internal/kubeadm/config.go).
func clusterPatches(spec cluster.Spec, cgroup int) ([]string, error) {
	arguments := []argument{
		{"runtime-config", runtimeConfig(spec.RuntimeConfig, spec.Release)},
		{"audit-policy-file", machineFiles + "/" + auditPolicy},
		{"audit-log-path", auditLogs + "/audit.log"},
		// A request is in the log before kubectl returns, so a check right after it sees it.
		{"audit-log-mode", "blocking"},
		{"audit-log-maxsize", "64"},
		// A lab takes longer than the hour for which events are kept by default.
		{"event-ttl", "24h"},
	}
	patches := []map[string]any{{
		"kind": "ClusterConfiguration",
		"apiServer": map[string]any{
			"extraArgs": arguments,
			"extraVolumes": []volume{
				{Name: "k8slab", HostPath: machineFiles, MountPath: machineFiles, ReadOnly: true, PathType: "Directory"},
				{Name: "audit", HostPath: auditLogs, MountPath: auditLogs, PathType: "DirectoryOrCreate"},
			},
		},
	}}
	// The kubelet updates a volume of a ConfigMap when it next looks at the pod. A learner should not have to wait a
	// minute for that.
	kubelet := map[string]any{"kind": "KubeletConfiguration", "syncFrequency": "5s"}
	if cgroup == 1 {
		// Since 1.35 the kubelet refuses to run on control groups of version 1 unless it is told that it may.
		kubelet["failCgroupV1"] = false
	}
	patches = append(patches, kubelet)
	var all []string
	for _, patch := range patches {
		raw, err := yaml.Marshal(patch)
		if err != nil {
			return nil, err
		}
		all = append(all, string(raw))
	}
	return all, nil
}

// runtimeConfig enables those of the group versions that the running release still serves.
func runtimeConfig(all []string, running string) string {
	var on []string
	for _, gv := range all {
		if release.IsServed(gv, running) {
			on = append(on, gv+"=true")
		}
	}
	return strings.Join(on, ",")
}
