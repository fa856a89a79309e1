package kubelet

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/metrics/pkg/client/clientset/versioned"

	"github.com/k8slab/k8slab/engine/behavior"
	"github.com/k8slab/k8slab/engine/cluster/embedded/metrics"
)

// declare sets the behaviours of the documents.
func (l *lab) declare(specs ...string) {
	l.t.Helper()
	var all []behavior.Behavior
	for i, spec := range specs {
		name := string(rune('a' + i))
		decoded, err := behavior.Decode([]byte("apiVersion: k8slab.dev/v1alpha1\nkind: SimulatedWorkload\nmetadata: {name: " + name + "}\nspec:\n" + spec))
		if err != nil {
			l.t.Fatal(err)
		}
		all = append(all, decoded...)
	}
	if err := l.kubelet.Load().SetBehaviors(all); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) object(name string) *corev1.Node {
	l.t.Helper()
	object, err := l.client.CoreV1().Nodes().Get(context.Background(), name, metav1.GetOptions{})
	if err != nil {
		return &corev1.Node{}
	}
	return object
}

// lastSeen watches a pod until it is gone and returns its last state.
func lastSeen(t *testing.T, w watch.Interface) *corev1.Pod {
	t.Helper()
	defer w.Stop()
	deadline := time.After(patience)
	for {
		select {
		case event, open := <-w.ResultChan():
			if !open {
				t.Fatal("the watch ended before the pod did")
			}
			if event.Type == watch.Deleted {
				return event.Object.(*corev1.Pod)
			}
		case <-deadline:
			t.Fatal("the pod is still there")
		}
	}
}

func TestDeclaredBehaviourIsPlayedOnARealControlPlane(t *testing.T) {
	l := startLab(t)
	l.declare(
		"  selector: {matchLabels: {app: stubborn}}\n  stopAfter: 40s\n",
		"  selector: {matchLabels: {app: crashing}}\n  crash: {after: 1s, exitCode: 2, log: it broke}\n",
		"  selector: {image: registry.example/missing}\n  imagePull: {fails: true}\n",
		"  selector: {matchLabels: {app: shy}}\n  ready: {never: true}\n",
		"  selector: {matchLabels: {app: hog}}\n  usage: {cpu: 300m, memory: 64Mi}\n",
	)
	for _, name := range []string{"stubborn", "crashing", "hog", "shy", "missing"} {
		pod := simplePod(name)
		switch name {
		case "stubborn":
			pod.Spec.TerminationGracePeriodSeconds = new(int64(3))
		case "missing":
			pod.Spec.Containers[0].Image = "registry.example/missing:1"
		case "shy":
			pod.Spec.Containers[0].ReadinessProbe = httpProbe()
		}
		l.create(pod)
	}
	t.Run("an eviction of an application that is too slow ends with a kill, and keeps its reason", func(t *testing.T) {
		pod := l.awaitReadyPod("stubborn")
		w, err := l.client.CoreV1().Pods("default").Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=stubborn", ResourceVersion: pod.ResourceVersion})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.client.PolicyV1().Evictions("default").Evict(t.Context(), &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "stubborn"}}); err != nil {
			t.Fatal(err)
		}
		last := lastSeen(t, w)
		ended := last.Status.ContainerStatuses[0].State.Terminated
		if ended == nil || ended.ExitCode != 137 || last.Status.Phase != corev1.PodFailed || !conditionIsTrue(last, corev1.DisruptionTarget) {
			t.Errorf("last seen in phase %s with %+v and %v", last.Status.Phase, ended, conditionTexts(last))
		}
	})
	t.Run("a crash loop shows as one, with its previous log", func(t *testing.T) {
		eventually(t, "it waits in CrashLoopBackOff", func() bool {
			return strings.Contains(waitingReason(containerStatus(&l.pod("crashing").Status, "web")), "CrashLoopBackOff")
		})
		out, err := l.kubectl("", "logs", "crashing", "--previous")
		if err != nil || !strings.HasSuffix(out, "it broke\n") {
			t.Errorf("previous log %v: %s", err, out)
		}
		if out, _ := l.kubectl("", "get", "pod", "crashing"); !strings.Contains(out, "CrashLoopBackOff") {
			t.Errorf("kubectl get shows\n%s", out)
		}
	})
	t.Run("an image that cannot be pulled shows as one", func(t *testing.T) {
		eventually(t, "it waits in ImagePullBackOff", func() bool {
			return waitingReason(containerStatus(&l.pod("missing").Status, "web")) == "ImagePullBackOff"
		})
		eventually(t, "the events are written in the kubelet's order", func() bool {
			return slices.Equal(l.reasons("missing")[:min(5, len(l.reasons("missing")))], []string{"Pulling", "Failed", "Failed", "BackOff", "Failed"})
		})
	})
	t.Run("a behaviour that changes takes effect at once", func(t *testing.T) {
		eventually(t, "the unready pod is reported", func() bool { return slices.Contains(l.reasons("shy"), "Unhealthy") })
		if conditionIsTrue(l.pod("shy"), corev1.PodReady) {
			t.Error("it is ready")
		}
		l.declare("  selector: {matchLabels: {app: hog}}\n  usage: {cpu: 300m, memory: 64Mi}\n")
		l.awaitReadyPod("shy")
	})
	t.Run("what is used can be asked for", func(t *testing.T) {
		l.awaitReadyPod("hog")
		checkUsage(t, l)
	})
	t.Run("what was declared survives a restart", func(t *testing.T) {
		l.stopNodes()
		l.startNodes()
		if all := l.kubelet.Load().Behaviors(); len(all) != 1 || all[0].Spec.Usage.CPU.MilliValue() != 300 || all[0].Spec.Selector.MatchLabels["app"] != "hog" {
			t.Errorf("behaviours %+v", all)
		}
	})
}

func checkUsage(t *testing.T, l *lab) {
	server := httptest.NewServer(metrics.Handler(l.kubelet.Load()))
	defer server.Close()
	client, err := versioned.NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	pod, err := client.MetricsV1beta1().PodMetricses("default").Get(t.Context(), "hog", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if cpu := pod.Containers[0].Usage.Cpu().MilliValue(); cpu < 285 || cpu > 315 {
		t.Errorf("the declared 300m are reported as %dm", cpu)
	}
	nodes, err := client.MetricsV1beta1().NodeMetricses().List(t.Context(), metav1.ListOptions{LabelSelector: "agentpool=blue"})
	if err != nil || len(nodes.Items) != len(testNodes()) {
		t.Errorf("metrics of %d nodes, error %v", len(nodes.Items), err)
	}
	node := l.pod("hog").Spec.NodeName
	for path, want := range map[string]string{"metrics/resource": `container_memory_working_set_bytes{container="web",namespace="default",pod="hog"}`, "stats/summary": `"usageCoreNanoSeconds"`} {
		out, err := l.kubectl("", "get", "--raw", "/api/v1/nodes/"+node+"/proxy/"+path)
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v\n%s", path, err, out)
		}
	}
}

func TestARebootChangesTheBootAndStartsPodsAnew(t *testing.T) {
	l := startLabWith(t, func(k *Kubelet) {
		for _, n := range k.nodes {
			n.bootTime = time.Second
		}
	})
	pod := simplePod("web")
	pod.Spec.NodeName = "node-1"
	l.create(pod)
	before := l.awaitReadyPod("web")
	k := l.kubelet.Load()
	if err := k.TouchNode("node-1", "/run/../var/run/reboot-required"); err != nil {
		t.Fatal(err)
	}
	info := l.object("node-1").Status.NodeInfo
	if err := k.RebootNode("node-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := k.DialNode(t.Context(), "node-1:10250"); err == nil || !strings.Contains(err.Error(), "no route to host") {
		t.Errorf("while it boots its address gives %v", err)
	}
	eventually(t, "the node is not ready for a while", func() bool { return !nodeIsReady(l.object("node-1")) })
	eventually(t, "the node is ready with another boot", func() bool {
		object := l.object("node-1")
		return nodeIsReady(object) && object.Status.NodeInfo.BootID != info.BootID && object.Status.NodeInfo.KernelVersion == "6.8.0-1035-azure"
	})
	eventually(t, "the pod has been restarted", func() bool {
		s := containerStatus(&l.pod("web").Status, "web")
		return s != nil && s.RestartCount == 1 && conditionIsTrue(l.pod("web"), corev1.PodReady)
	})
	after := l.pod("web")
	if after.UID != before.UID || after.Status.PodIP == before.Status.PodIP {
		t.Errorf("address %s after %s", after.Status.PodIP, before.Status.PodIP)
	}
	eventually(t, "the pod's events tell of the new sandbox", func() bool { return slices.Contains(l.reasons("web"), "SandboxChanged") })
	eventually(t, "the node's events are written in the kubelet's order", func() bool {
		events, err := l.client.CoreV1().Events("default").List(context.Background(), metav1.ListOptions{FieldSelector: "involvedObject.name=node-1,source=kubelet"})
		if err != nil {
			return false
		}
		slices.SortFunc(events.Items, func(a, b corev1.Event) int { return a.LastTimestamp.Compare(b.LastTimestamp.Time) })
		var reasons []string
		for _, e := range events.Items {
			reasons = append(reasons, e.Reason)
		}
		return slices.Contains(reasons, "Rebooted") && slices.Contains(reasons, "NodeNotReady") && reasons[len(reasons)-1] == "NodeReady"
	})
	if all := k.nodes["node-1"].identity().Files; len(all) > 0 {
		t.Errorf("after the reboot /var/run still holds %v", all)
	}
}

func TestANodeWithoutPowerStaysSoUntilItIsStarted(t *testing.T) {
	l := startLabWith(t, func(k *Kubelet) {
		for _, n := range k.nodes {
			n.bootTime, n.leaseInterval = time.Second, time.Second
		}
	})
	pod := simplePod("web")
	pod.Spec.NodeName = "node-1"
	l.create(pod)
	l.awaitReadyPod("web")
	k := l.kubelet.Load()
	conn, err := k.DialNode(t.Context(), "10.240.0.4:10250")
	if err != nil {
		t.Fatal(err)
	}
	renewed := func(name string) time.Time {
		lease, err := l.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(context.Background(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return lease.Spec.RenewTime.Time
	}
	if err := k.StopNode("node-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil && !errors.Is(err, io.ErrClosedPipe) && !errors.Is(err, net.ErrClosed) {
		t.Errorf("an open connection ends with %v", err)
	}
	// The other node goes on: three of its renewals are the time in which the stopped one does nothing.
	stopped := renewed("node-1")
	for range 3 {
		last := renewed("node-2")
		eventually(t, "the other node renews its lease", func() bool { return renewed("node-2").After(last) })
	}
	if at := renewed("node-1"); at.Sub(stopped) > time.Second {
		t.Errorf("the lease was renewed %v after the stop", at.Sub(stopped))
	}
	if err := l.client.CoreV1().Pods("default").Delete(t.Context(), "web", *metav1.NewDeleteOptions(1)); err != nil {
		t.Fatal(err)
	}
	if s := l.pod("web"); s == nil || s.Status.ContainerStatuses[0].State.Running == nil {
		t.Errorf("the pod on the dead node changed: %+v", s)
	}
	if err := k.RebootNode("node-1"); err == nil {
		t.Error("a node without power was rebooted")
	}

	l.stopNodes()
	l.startNodes()
	k = l.kubelet.Load()
	if k.NodePower()["node-1"] || !k.NodePower()["node-2"] {
		t.Errorf("after a restart of the simulator power is %v", k.NodePower())
	}
	if l.pod("web") == nil {
		t.Error("the pod went although its node has no power")
	}
	boot := l.object("node-1").Status.NodeInfo.BootID
	if err := k.StartNode("node-1"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the node is back with another boot", func() bool {
		return nodeIsReady(l.object("node-1")) && l.object("node-1").Status.NodeInfo.BootID != boot
	})
	eventually(t, "the pod that was deleted meanwhile is gone", func() bool { return l.pod("web") == nil })
}

func TestPowerOfAnUnknownNodeIsRefused(t *testing.T) {
	k := &Kubelet{nodes: map[string]*node{}}
	for name, err := range map[string]error{"stop": k.StopNode("x"), "start": k.StartNode("x"), "reboot": k.RebootNode("x"), "touch": k.TouchNode("x", "/a")} {
		if !errors.Is(err, ErrNodeNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := k.TouchNode("x", "relative"); err == nil || errors.Is(err, ErrNodeNotFound) {
		t.Errorf("a relative path gives %v", err)
	}
}
