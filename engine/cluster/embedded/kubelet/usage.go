package kubelet

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	stats "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/k8slab/k8slab/engine/behavior"
)

const (
	// usageWindow is how long a number stays the same, and what it claims to be an average of. It is the resolution of
	// metrics-server.
	usageWindow = 15 * time.Second
	mebibyte    = 1 << 20
	// What a node uses itself.
	systemNanoCores = 85_000_000
	systemBytes     = 910 * mebibyte
)

// usage is what something uses: billionths of a core, and bytes.
type usage struct{ nanoCores, bytes int64 }

func (u usage) plus(v usage) usage { return usage{u.nanoCores + v.nanoCores, u.bytes + v.bytes} }

// containerUsage returns what a container uses at a time: what is declared, or else a little, and never more than its
// limits. The numbers waver by some per cent, and are the same whenever they are asked for.
func containerUsage(pod *corev1.Pod, c *corev1.Container, declared behavior.Conduct, at time.Time) usage {
	u := nominalUsage(pod, c, declared)
	u.nanoCores += u.nanoCores * waver(at, string(pod.UID), c.Name, "cpu") / 1000
	u.bytes += u.bytes * waver(at, string(pod.UID), c.Name, "memory") / 4000
	return u.within(c)
}

func nominalUsage(pod *corev1.Pod, c *corev1.Container, declared behavior.Conduct) usage {
	h := hash(string(pod.UID), c.Name)
	u := usage{nanoCores: 1_000_000 + int64(h%3_000_000), bytes: 12*mebibyte + int64(h%(16*mebibyte))}
	if d := declared.Usage; d != nil {
		if d.CPU != nil {
			u.nanoCores = d.CPU.ScaledValue(resource.Nano)
		}
		if d.Memory != nil {
			u.bytes = d.Memory.Value()
		}
	}
	return u.within(c)
}

// within keeps to the container's limits: CPU is throttled there, and beyond that of memory it would not live.
func (u usage) within(c *corev1.Container) usage {
	if limit, has := c.Resources.Limits[corev1.ResourceCPU]; has {
		u.nanoCores = min(u.nanoCores, limit.ScaledValue(resource.Nano))
	}
	if limit, has := c.Resources.Limits[corev1.ResourceMemory]; has {
		u.bytes = min(u.bytes, limit.Value())
	}
	return u
}

// waver returns a number between -30 and 30 that depends on the window in which the time is.
func waver(at time.Time, what ...string) int64 {
	return int64(hash(append(what, at.Truncate(usageWindow).UTC().String())...)%61) - 30
}

func hash(parts ...string) uint64 {
	h := fnv.New64a()
	for _, part := range parts {
		_, _ = h.Write([]byte(part))
		_, _ = h.Write([]byte{0})
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}

// runningContainer is a container that uses something.
type runningContainer struct {
	*corev1.Container
	began time.Time
	usage usage
	// coreNanoSeconds is what it used since it began.
	coreNanoSeconds int64
}

func (k *Kubelet) runningContainers(pod *corev1.Pod, at time.Time) []runningContainer {
	var all []runningContainer
	for _, c := range containersOf(pod) {
		status := containerStatus(&pod.Status, c.Name)
		if status == nil || status.State.Running == nil {
			continue
		}
		declared := k.behaviors.of(pod, c.Container)
		began := status.State.Running.StartedAt.Time
		rate := nominalUsage(pod, c.Container, declared).nanoCores
		all = append(all, runningContainer{
			Container: c.Container, began: began, usage: containerUsage(pod, c.Container, declared, at),
			coreNanoSeconds: int64(float64(rate) * max(at.Sub(began).Seconds(), 0)),
		})
	}
	return all
}

// NodeMetrics implements metrics.Source: the nodes that have power, with the labels of their Nodes.
func (k *Kubelet) NodeMetrics(ctx context.Context) ([]v1beta1.NodeMetrics, error) {
	nodes, err := k.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return nil, fmt.Errorf("list the nodes for their metrics: %w", err)
	}
	at := time.Now()
	var all []v1beta1.NodeMetrics
	for _, object := range nodes.Items {
		n := k.nodes[object.Name]
		if n == nil || !n.isUp() {
			continue
		}
		all = append(all, v1beta1.NodeMetrics{
			ObjectMeta: metricsMeta(metav1.ObjectMeta{Name: object.Name, Labels: object.Labels}, at),
			Timestamp:  metav1.NewTime(at.Truncate(usageWindow)), Window: metav1.Duration{Duration: usageWindow},
			Usage: k.nodeUsage(n, at).list(),
		})
	}
	return all, nil
}

func (k *Kubelet) nodeUsage(n *node, at time.Time) usage {
	total := usage{systemNanoCores, systemBytes}
	total.nanoCores += total.nanoCores * waver(at, n.Name) / 500
	for _, pod := range k.pods.onNode(n.Name) {
		for _, c := range k.runningContainers(pod, at) {
			total = total.plus(c.usage)
		}
	}
	return total
}

// PodMetrics implements metrics.Source: the pods that run on nodes that have power.
func (k *Kubelet) PodMetrics(context.Context) ([]v1beta1.PodMetrics, error) {
	at := time.Now()
	var all []v1beta1.PodMetrics
	for _, n := range k.nodes {
		if !n.isUp() {
			continue
		}
		for _, pod := range k.pods.onNode(n.Name) {
			m := v1beta1.PodMetrics{
				ObjectMeta: metricsMeta(metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, Labels: pod.Labels}, at),
				Timestamp:  metav1.NewTime(at.Truncate(usageWindow)), Window: metav1.Duration{Duration: usageWindow},
			}
			for _, c := range k.runningContainers(pod, at) {
				m.Containers = append(m.Containers, v1beta1.ContainerMetrics{Name: c.Name, Usage: c.usage.list()})
			}
			if len(m.Containers) > 0 {
				all = append(all, m)
			}
		}
	}
	return all, nil
}

func metricsMeta(m metav1.ObjectMeta, at time.Time) metav1.ObjectMeta {
	m.CreationTimestamp = metav1.NewTime(at)
	return m
}

func (u usage) list() corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewScaledQuantity(u.nanoCores, resource.Nano),
		corev1.ResourceMemory: *resource.NewQuantity(u.bytes, resource.BinarySI),
	}
}

// serveSummary answers with the statistics of the node and its pods.
func (s *server) serveSummary(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, s.kubelet.summary(nodeOf(r), time.Now()))
}

func (k *Kubelet) summary(n *node, at time.Time) *stats.Summary {
	now := metav1.NewTime(at)
	measured := func(u usage, coreNanoSeconds int64) (*stats.CPUStats, *stats.MemoryStats) {
		return &stats.CPUStats{Time: now, UsageNanoCores: new(uint64(u.nanoCores)), UsageCoreNanoSeconds: new(uint64(coreNanoSeconds))},
			&stats.MemoryStats{Time: now, UsageBytes: new(uint64(u.bytes)), WorkingSetBytes: new(uint64(u.bytes))}
	}
	summary := &stats.Summary{Node: stats.NodeStats{NodeName: n.Name, StartTime: metav1.NewTime(n.identity().BootedAt)}, Pods: []stats.PodStats{}}
	for _, pod := range k.pods.onNode(n.Name) {
		p := stats.PodStats{PodRef: stats.PodReference{Name: pod.Name, Namespace: pod.Namespace, UID: string(pod.UID)}}
		if pod.Status.StartTime != nil {
			p.StartTime = *pod.Status.StartTime
		}
		sum, used := usage{}, int64(0)
		for _, c := range k.runningContainers(pod, at) {
			cpu, memory := measured(c.usage, c.coreNanoSeconds)
			p.Containers = append(p.Containers, stats.ContainerStats{Name: c.Name, StartTime: metav1.NewTime(c.began), CPU: cpu, Memory: memory})
			sum, used = sum.plus(c.usage), used+c.coreNanoSeconds
		}
		p.CPU, p.Memory = measured(sum, used)
		summary.Pods = append(summary.Pods, p)
	}
	total := k.nodeUsage(n, at)
	summary.Node.CPU, summary.Node.Memory = measured(total, n.meter.read(total.nanoCores, at))
	return summary
}

// meter counts the CPU time that a node has used. It is read as often as somebody asks, and never runs backwards.
type meter struct {
	mu              sync.Mutex
	at              time.Time
	coreNanoSeconds int64
}

// read returns the count at a time, if so much was used since it was read last.
func (m *meter) read(nanoCores int64, at time.Time) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.at.IsZero() && at.After(m.at) {
		m.coreNanoSeconds += int64(float64(nanoCores) * at.Sub(m.at).Seconds())
	}
	if at.After(m.at) {
		m.at = at
	}
	return m.coreNanoSeconds
}

// serveResourceMetrics answers with what metrics-server reads of a kubelet
// (pkg/kubelet/metrics/collectors/resource_metrics.go), in the text format of Prometheus.
func (s *server) serveResourceMetrics(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	summary := s.kubelet.summary(nodeOf(r), time.Now())
	family := func(name, kind, help string) {
		_, _ = fmt.Fprintf(w, "# HELP %s [STABLE] %s\n# TYPE %s %s\n", name, help, name, kind)
	}
	sample := func(name, labels string, value float64, at time.Time) {
		_, _ = fmt.Fprintf(w, "%s%s %g %d\n", name, labels, value, at.UnixMilli())
	}
	seconds := func(c *stats.CPUStats) float64 { return float64(*c.UsageCoreNanoSeconds) / 1e9 }
	eachContainer := func(do func(labels string, c stats.ContainerStats)) {
		for _, p := range summary.Pods {
			for _, c := range p.Containers {
				do(fmt.Sprintf("{container=%q,namespace=%q,pod=%q}", c.Name, p.PodRef.Namespace, p.PodRef.Name), c)
			}
		}
	}
	family("container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the container in core-seconds")
	eachContainer(func(labels string, c stats.ContainerStats) {
		sample("container_cpu_usage_seconds_total", labels, seconds(c.CPU), c.CPU.Time.Time)
	})
	family("container_memory_working_set_bytes", "gauge", "Current working set of the container in bytes")
	eachContainer(func(labels string, c stats.ContainerStats) {
		sample("container_memory_working_set_bytes", labels, float64(*c.Memory.WorkingSetBytes), c.Memory.Time.Time)
	})
	family("container_start_time_seconds", "gauge", "Start time of the container since unix epoch in seconds")
	eachContainer(func(labels string, c stats.ContainerStats) {
		_, _ = fmt.Fprintf(w, "container_start_time_seconds%s %d\n", labels, c.StartTime.Unix())
	})
	family("node_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the node in core-seconds")
	sample("node_cpu_usage_seconds_total", "", seconds(summary.Node.CPU), summary.Node.CPU.Time.Time)
	family("node_memory_working_set_bytes", "gauge", "Current working set of the node in bytes")
	sample("node_memory_working_set_bytes", "", float64(*summary.Node.Memory.WorkingSetBytes), summary.Node.Memory.Time.Time)
	family("resource_scrape_error", "gauge", "1 if there was an error while getting container metrics, 0 otherwise")
	_, _ = fmt.Fprintln(w, "resource_scrape_error 0")
}
