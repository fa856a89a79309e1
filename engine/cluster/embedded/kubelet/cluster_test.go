package kubelet

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	goruntime "runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/engine/cluster/embedded/kubelet/command"
)

// lab is a control plane with its nodes played in this process.
type lab struct {
	*controlPlane
	kubelet atomic.Pointer[Kubelet]
	state   string
	prepare func(*Kubelet)
	stop    context.CancelFunc
	ended   chan error
}

func startLab(t *testing.T) *lab {
	t.Helper()
	return startLabWith(t, func(*Kubelet) {})
}

// startLabWith calls prepare before the simulator runs.
func startLabWith(t *testing.T, prepare func(*Kubelet)) *lab {
	t.Helper()
	l := &lab{state: t.TempDir(), prepare: prepare}
	l.controlPlane = startControlPlane(t, testNodes(), func(ctx context.Context, addr string) (net.Conn, error) {
		if k := l.kubelet.Load(); k != nil {
			return k.DialNode(ctx, addr)
		}
		return nil, fmt.Errorf("connection refused: no simulator runs")
	})
	l.startNodes()
	t.Cleanup(l.stopNodes)
	return l
}

// startNodes starts the simulator, and waits until its nodes are registered.
func (l *lab) startNodes() {
	l.t.Helper()
	k, err := New(Config{
		Client: l.config, Nodes: testNodes(), Serving: l.certificate, ClientCAs: l.authorities, Dir: l.state,
		Commands: append(command.All(), upper{}),
		Log:      slog.New(slog.NewTextHandler(l.t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.prepare(k)
	ctx, stop := context.WithCancel(context.Background())
	l.stop, l.ended = stop, make(chan error, 1)
	l.kubelet.Store(k)
	go func() { l.ended <- k.Run(ctx) }()
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := k.Registered(waiting); err != nil {
		l.t.Fatal(err)
	}
}

// stopNodes ends the simulator, once.
func (l *lab) stopNodes() {
	if l.stop == nil {
		return
	}
	l.stop()
	if err := <-l.ended; err != nil {
		l.t.Errorf("Run returned %v, want nil after its context ended", err)
	}
	l.stop = nil
}

// upper is a command that only these tests have: it returns its input in capitals.
type upper struct{}

func (upper) Name() string { return "upper" }

func (upper) Run(w *command.World) int {
	input, err := io.ReadAll(w.Stdin)
	if err != nil {
		return 1
	}
	_, _ = fmt.Fprintf(w.Stdout, "%s in %s\n", strings.ToUpper(strings.TrimSpace(string(input))), w.Pod.Name)
	return 0
}

func (l *lab) create(pod *corev1.Pod) *corev1.Pod {
	l.t.Helper()
	created, err := l.client.CoreV1().Pods("default").Create(context.Background(), pod, metav1.CreateOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	return created
}

// pod returns the pod, and nil once it is gone.
func (l *lab) pod(name string) *corev1.Pod {
	l.t.Helper()
	pod, err := l.client.CoreV1().Pods("default").Get(context.Background(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return &corev1.Pod{}
	}
	return pod
}

func (l *lab) awaitReadyPod(name string) *corev1.Pod {
	l.t.Helper()
	eventually(l.t, "pod "+name+" is ready", func() bool { return conditionIsTrue(l.pod(name), corev1.PodReady) })
	return l.pod(name)
}

// reasons returns the reasons of the pod's events by kubelets, in the order of their sending.
func (l *lab) reasons(name string) []string {
	l.t.Helper()
	events, err := l.client.CoreV1().Events("default").List(context.Background(), metav1.ListOptions{FieldSelector: "involvedObject.name=" + name + ",source=kubelet"})
	if err != nil {
		return nil
	}
	// The names end in the nanosecond of sending, in hexadecimal digits.
	slices.SortFunc(events.Items, func(a, b corev1.Event) int { return strings.Compare(a.Name, b.Name) })
	var reasons []string
	for _, e := range events.Items {
		reasons = append(reasons, e.Reason)
	}
	return reasons
}

// runBriefly creates a pod that says begin, and two seconds later end, and waits until it runs.
func (l *lab) runBriefly(name string) {
	l.t.Helper()
	pod := simplePod(name)
	pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	pod.Spec.Containers[0].Command = []string{"sh", "-c", "echo begin; sleep 2; echo end"}
	l.create(pod)
	eventually(l.t, "pod "+name+" runs", func() bool { return l.pod(name).Status.Phase == corev1.PodRunning })
}

func simplePod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": name}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "web", Image: "nginx:1.27", Ports: []corev1.ContainerPort{{ContainerPort: 80}},
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{}},
		}}},
	}
}

func TestNodesAreReadyAndOpenForPodsAsSoonAsTheyAreRegistered(t *testing.T) {
	l := startLab(t)
	for _, want := range testNodes() {
		node, err := l.client.CoreV1().Nodes().Get(context.Background(), want.Name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !nodeIsReady(node) || len(node.Spec.Taints) > 0 {
			t.Errorf("node %s: conditions %v, taints %v; want Ready without taints", want.Name, node.Status.Conditions, node.Spec.Taints)
		}
		if node.Status.NodeInfo.KubeletVersion != want.Version || node.Spec.PodCIDR != want.PodCIDR.String() {
			t.Errorf("node %s: kubelet %s, pod network %s", want.Name, node.Status.NodeInfo.KubeletVersion, node.Spec.PodCIDR)
		}
		eventually(t, "the lease of "+want.Name+" exists and the node owns it", func() bool {
			lease, err := l.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(context.Background(), want.Name, metav1.GetOptions{})
			return err == nil && *lease.Spec.LeaseDurationSeconds == 40 && len(lease.OwnerReferences) == 1 && lease.OwnerReferences[0].UID == node.UID
		})
	}
	eventually(t, "the events of both nodes' start are written", func() bool {
		events, err := l.client.CoreV1().Events("default").List(context.Background(), metav1.ListOptions{FieldSelector: "reason=NodeReady,source=kubelet"})
		return err == nil && len(events.Items) == 2
	})
	out, err := l.kubectl("", "get", "nodes", "-o", "wide")
	if err != nil || !strings.Contains(out, "10.240.0.4") || strings.Contains(out, "NotReady") {
		t.Errorf("kubectl get nodes: %v\n%s", err, out)
	}
}

func TestAPodIsScheduledRunsAndStopsAsOnARealNode(t *testing.T) {
	l := startLab(t)
	l.create(simplePod("web"))
	pod := l.awaitReadyPod("web")
	n := l.kubelet.Load().nodes[pod.Spec.NodeName]
	if !n.PodCIDR.Contains(netipOf(t, pod.Status.PodIP)) || pod.Status.HostIP != n.IP.String() {
		t.Errorf("addresses %s on %s", pod.Status.PodIP, pod.Status.HostIP)
	}
	eventually(t, "the events of a start are written", func() bool {
		return slices.Equal(l.reasons("web"), []string{"Pulling", "Pulled", "Created", "Started"})
	})

	t.Run("an image that the node has is not pulled again", func(t *testing.T) {
		again := simplePod("again")
		again.Spec.NodeName = pod.Spec.NodeName
		l.create(again)
		l.awaitReadyPod("again")
		eventually(t, "the events of a start without a pull are written", func() bool {
			return slices.Equal(l.reasons("again"), []string{"Pulled", "Created", "Started"})
		})
	})

	t.Run("logs, exec and port-forward answer through the API server and say what they are", func(t *testing.T) {
		checkStreams(t, l)
	})

	t.Run("deletion lets the container stop and records how before the object goes", func(t *testing.T) {
		watch, err := l.client.CoreV1().Pods("default").Watch(context.Background(), metav1.ListOptions{FieldSelector: "metadata.name=web", ResourceVersion: pod.ResourceVersion})
		if err != nil {
			t.Fatal(err)
		}
		defer watch.Stop()
		if err := l.client.CoreV1().Pods("default").Delete(context.Background(), "web", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		var last *corev1.Pod
		for event := range watch.ResultChan() {
			last = event.Object.(*corev1.Pod)
			if event.Type == "DELETED" {
				break
			}
		}
		ended := last.Status.ContainerStatuses[0].State.Terminated
		if last.Status.Phase != corev1.PodSucceeded || ended == nil || ended.ExitCode != 0 || ended.Reason != "Completed" {
			t.Errorf("last seen in phase %s with %+v, want Succeeded with exit code 0", last.Status.Phase, ended)
		}
		if conditionIsTrue(last, corev1.PodReady) {
			t.Error("the pod was still Ready when it went")
		}
		eventually(t, "the event Killing is written", func() bool { return slices.Contains(l.reasons("web"), "Killing") })
	})

	t.Run("a forced deletion removes the object at once", func(t *testing.T) {
		if err := l.client.CoreV1().Pods("default").Delete(context.Background(), "again", *metav1.NewDeleteOptions(0)); err != nil {
			t.Fatal(err)
		}
		if l.pod("again") != nil {
			t.Error("the pod is still there")
		}
	})
}

func checkStreams(t *testing.T, l *lab) {
	tests := []struct {
		name, stdin string
		args        []string
		want        string
		fails       bool
	}{
		{name: "logs say in the first line that the container is simulated", args: []string{"logs", "web"}, want: "container web is simulated"},
		{name: "logs with tail give the last line", args: []string{"logs", "web", "--tail=1"}, want: "start-up finished"},
		{name: "previous logs of a container that never ended are refused in the kubelet's words", args: []string{"logs", "web", "-p"}, want: `previous terminated container "web" in pod "web" not found`, fails: true},
		{name: "exec answers hostname", args: []string{"exec", "web", "--", "hostname"}, want: "web\n"},
		{name: "exec answers a command of sh -c", args: []string{"exec", "web", "--", "sh", "-c", "echo I am $HOSTNAME"}, want: "I am web\n"},
		{name: "exec of anything else ends with 127 and says what to use", args: []string{"exec", "web", "--", "curl", "localhost"}, want: "exit code 127", fails: true},
		{name: "exec of false ends with its exit code", args: []string{"exec", "web", "--", "false"}, want: "exit code 1", fails: true},
		{name: "a command that was added reads its input", stdin: "hello\n", args: []string{"exec", "-i", "web", "--", "upper"}, want: "HELLO in web\n"},
		{name: "a shell without a terminal reads commands", stdin: "hostname\nexit\n", args: []string{"exec", "-i", "web", "--", "sh"}, want: "web\n"},
		{name: "a pod that does not exist is not found", args: []string{"logs", "nobody"}, want: "not found", fails: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := l.kubectl(tt.stdin, tt.args...)
			if (err != nil) != tt.fails || !strings.Contains(out, tt.want) {
				t.Errorf("kubectl %v: error %v, output\n%s\nwant %q", tt.args, err, out, tt.want)
			}
		})
	}
	t.Run("port-forward answers HTTP on a declared port", func(t *testing.T) { checkPortForward(t, l) })
	t.Run("attach shows what is written until the container ends", func(t *testing.T) {
		l.runBriefly("brief")
		out, err := l.kubectl("", "attach", "brief")
		if err != nil || strings.Contains(out, "begin") || !strings.Contains(out, "end\n") {
			t.Errorf("error %v, output\n%s", err, out)
		}
	})
	t.Run("logs with follow end when the container does", func(t *testing.T) {
		l.runBriefly("short")
		out, err := l.kubectl("", "logs", "-f", "short")
		if err != nil || !strings.Contains(out, "begin\nend\n") {
			t.Errorf("error %v, output\n%s", err, out)
		}
		eventually(t, "the pod has succeeded", func() bool { return l.pod("short").Status.Phase == corev1.PodSucceeded })
	})
}

func checkPortForward(t *testing.T, l *lab) {
	command := exec.Command(l.executable("kubectl"), "--kubeconfig="+l.path("kubeconfig"), "port-forward", "pod/web", ":80")
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	// Forwarding from 127.0.0.1:34567 -> 80
	response, err := http.Get("http://" + strings.Fields(line)[2])
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || !strings.Contains(string(body), "pod default/web is simulated") {
		t.Errorf("%v: %s", err, body)
	}
}

func TestJobsCompleteAndInitContainersAndSidecarsComeInOrder(t *testing.T) {
	l := startLab(t)
	always := corev1.ContainerRestartPolicyAlways
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: "work"},
		Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever,
			InitContainers: []corev1.Container{
				{Name: "prepare", Image: "busybox"},
				{Name: "proxy", Image: "envoy:v1", RestartPolicy: &always},
			},
			Containers: []corev1.Container{{Name: "work", Image: "busybox"}},
		}}},
	}
	if _, err := l.client.BatchV1().Jobs("default").Create(context.Background(), job, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the job is complete", func() bool {
		job, err := l.client.BatchV1().Jobs("default").Get(context.Background(), "work", metav1.GetOptions{})
		return err == nil && job.Status.Succeeded == 1 && job.Status.CompletionTime != nil
	})
	list, err := l.client.CoreV1().Pods("default").List(context.Background(), metav1.ListOptions{LabelSelector: "job-name=work"})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("%d pods, error %v", len(list.Items), err)
	}
	pod := &list.Items[0]
	began := func(name string) time.Time {
		state := containerStatus(&pod.Status, name).State
		if state.Terminated == nil {
			t.Fatalf("container %s has not ended: %+v", name, state)
		}
		return state.Terminated.StartedAt.Time
	}
	if began("proxy").Before(began("prepare")) || began("work").Before(began("proxy")) {
		t.Errorf("started prepare %v, proxy %v, work %v", began("prepare"), began("proxy"), began("work"))
	}
	var order []string
	events, _ := l.client.CoreV1().Events("default").List(context.Background(), metav1.ListOptions{FieldSelector: "involvedObject.name=" + pod.Name + ",reason=Started"})
	slices.SortFunc(events.Items, func(a, b corev1.Event) int { return strings.Compare(a.Name, b.Name) })
	for _, e := range events.Items {
		order = append(order, e.InvolvedObject.FieldPath)
	}
	if want := []string{"spec.initContainers{prepare}", "spec.initContainers{proxy}", "spec.containers{work}"}; !slices.Equal(order, want) {
		t.Errorf("Started events about %v, want %v", order, want)
	}
}

func TestPodsOfOthersAndFinalizersAreLeftAlone(t *testing.T) {
	l := startLab(t)
	foreign := simplePod("foreign")
	foreign.Spec.NodeName = "somebody-elses-node"
	l.create(foreign)
	held := simplePod("held")
	held.Finalizers = []string{"example.com/hold"}
	l.create(held)
	l.awaitReadyPod("held")
	if got := l.pod("foreign"); got != nil && got.Status.StartTime != nil {
		t.Errorf("the pod on a foreign node was started: %+v", got.Status)
	}
	if err := l.client.CoreV1().Pods("default").Delete(context.Background(), "held", *metav1.NewDeleteOptions(5)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the containers have ended and the kubelet has said its last word", func() bool {
		pod := l.pod("held")
		return pod != nil && pod.Status.Phase == corev1.PodSucceeded && pod.DeletionGracePeriodSeconds != nil && *pod.DeletionGracePeriodSeconds == 0
	})
	patch := []byte(`{"metadata":{"finalizers":null}}`)
	if _, err := l.client.CoreV1().Pods("default").Patch(context.Background(), "held", "application/merge-patch+json", patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pod is gone once nobody holds it", func() bool { return l.pod("held") == nil })
}

func TestARestartOfTheSimulatorKeepsMachinesAddressesAndPods(t *testing.T) {
	l := startLab(t)
	l.create(simplePod("first"))
	before := l.awaitReadyPod("first")
	node, _ := l.client.CoreV1().Nodes().Get(context.Background(), before.Spec.NodeName, metav1.GetOptions{})
	l.stopNodes()
	l.startNodes()
	second := simplePod("second")
	second.Spec.NodeName = before.Spec.NodeName
	l.create(second)
	after := l.awaitReadyPod("second")
	if after.Status.PodIP == before.Status.PodIP {
		t.Errorf("both pods have the address %s", after.Status.PodIP)
	}
	now := l.pod("first")
	if now.Status.ContainerStatuses[0].ContainerID != before.Status.ContainerStatuses[0].ContainerID || now.Status.ContainerStatuses[0].RestartCount != 0 {
		t.Errorf("the pod was started again: %+v", now.Status.ContainerStatuses[0])
	}
	again, _ := l.client.CoreV1().Nodes().Get(context.Background(), before.Spec.NodeName, metav1.GetOptions{})
	if again.Status.NodeInfo != node.Status.NodeInfo {
		t.Errorf("the machine changed from %+v to %+v", node.Status.NodeInfo, again.Status.NodeInfo)
	}
}

func TestADeletedNodeComesBackOnlyWhenItsKubeletIsStartedAgain(t *testing.T) {
	l := startLab(t)
	if err := l.client.CoreV1().Nodes().Delete(context.Background(), "node-2", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	// A reconnect must not bring it back either.
	l.kubelet.Load().nudge()
	eventually(t, "the garbage collector has removed the lease of the node", func() bool {
		_, err := l.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(context.Background(), "node-2", metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
	if _, err := l.client.CoreV1().Nodes().Get(context.Background(), "node-2", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("error %v, want the node to be away", err)
	}
	l.stopNodes()
	l.startNodes()
	if _, err := l.client.CoreV1().Nodes().Get(context.Background(), "node-2", metav1.GetOptions{}); err != nil {
		t.Errorf("after the restart: %v", err)
	}
}

func TestAfterTheAPIServerWasKilledLeasesAreRenewedAtOnceAndPodsGoOn(t *testing.T) {
	// Nothing but the reconnect can renew a lease within the test.
	l := startLabWith(t, func(k *Kubelet) {
		for _, n := range k.nodes {
			n.leaseInterval = time.Hour
		}
	})
	l.create(simplePod("before"))
	l.awaitReadyPod("before")
	l.kill("kube-apiserver")
	killed := time.Now()
	l.start("kube-apiserver")
	l.awaitReady()
	for _, n := range testNodes() {
		eventually(t, "the lease of "+n.Name+" is renewed", func() bool {
			lease, err := l.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(context.Background(), n.Name, metav1.GetOptions{})
			return err == nil && lease.Spec.RenewTime.After(killed)
		})
	}
	l.create(simplePod("after"))
	l.awaitReadyPod("after")
}

func TestRunLeavesNoGoroutineBehind(t *testing.T) {
	l := startLab(t)
	l.create(simplePod("web"))
	l.awaitReadyPod("web")
	if _, err := l.kubectl("", "exec", "web", "--", "hostname"); err != nil {
		t.Fatal(err)
	}
	l.stopNodes()
	l.kubelet.Store(nil)
	t.Cleanup(func() {
		if left := ours(); t.Failed() && len(left) > 0 {
			t.Logf("left over: %s", strings.Join(left, "\n\n"))
		}
	})
	eventually(t, "no goroutine of this package or its libraries is left", func() bool { return len(ours()) == 0 })
}

// ours returns the goroutines that the simulator or its libraries started, but for those of tests.
func ours() []string {
	buffer := make([]byte, 1<<20)
	buffer = buffer[:goruntime.Stack(buffer, true)]
	var left []string
	for _, g := range strings.Split(string(buffer), "\n\n") {
		if strings.Contains(g, "_test.go") {
			continue
		}
		for _, name := range []string{"/embedded/kubelet.", "tools/record", "tools/cache", "util/workqueue", "cri-streaming", "apimachinery/lease"} {
			if strings.Contains(g, name) {
				left = append(left, g)
				break
			}
		}
	}
	return left
}

func TestTheStateFolderHoldsOnlyPrivateFiles(t *testing.T) {
	dir := t.TempDir()
	if _, err := loadMachines(dir, []Node{{Name: "a", Version: "v1.37.2"}}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v; want one file", entries, err)
	}
	if info, _ := entries[0].Info(); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
}
