package kubelet

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/k8slab/k8slab/engine/behavior"
	"github.com/k8slab/k8slab/engine/cluster/embedded/kubelet/command"
)

func netipOf(t *testing.T, text string) netip.Addr {
	t.Helper()
	ip, err := netip.ParseAddr(text)
	if err != nil {
		t.Fatal(err)
	}
	return ip
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// apply brings the pod to the status that the patch leads to.
func apply(t *testing.T, pod *corev1.Pod, patch func() (string, error)) *corev1.Pod {
	t.Helper()
	data, err := patch()
	if err != nil {
		t.Fatal(err)
	}
	old, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := strategicpatch.StrategicMergePatch(old, []byte(data), corev1.Pod{})
	if err != nil {
		t.Fatal(err)
	}
	next := &corev1.Pod{}
	if err := json.Unmarshal(changed, next); err != nil {
		t.Fatal(err)
	}
	return next
}

// worldAt is a world in which every image is there and nothing is declared.
func worldAt(now time.Time) world {
	return world{
		now: now, has: func(string) bool { return true }, commands: command.NewSet(command.All()...),
		conduct: func(*corev1.Container) behavior.Conduct { return behavior.Conduct{} },
	}
}

// boundPod is a pod as the scheduler leaves it.
func boundPod(change func(*corev1.PodSpec)) *corev1.Pod {
	pod := simplePod("web")
	pod.Namespace, pod.UID, pod.Generation = "default", "uid-1", 3
	pod.Spec.NodeName, pod.Spec.RestartPolicy = "node-1", corev1.RestartPolicyAlways
	pod.Status.Phase = corev1.PodPending
	pod.Status.Conditions = []corev1.PodCondition{
		{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(noon.Add(-time.Minute))},
		{Type: "example.com/gate", Status: corev1.ConditionFalse},
	}
	if change != nil {
		change(&pod.Spec)
	}
	return pod
}

// play takes the pod through steps until it comes to the wanted one, and returns it there.
func play(t *testing.T, pod *corev1.Pod, until step) *corev1.Pod {
	t.Helper()
	m := newMemory()
	for range 40 {
		next := nextStep(pod, m, worldAt(noon))
		if next.step == until {
			return pod
		}
		s := &scene{pod: pod, move: next, now: noon, hostIP: netip.MustParseAddr("10.240.0.4"), takeIP: func() (netip.Addr, error) {
			return netip.MustParseAddr("10.244.1.2"), nil
		}}
		patches := map[step]func() (string, error){admit: s.Admit, sandbox: s.Sandbox, start: s.Start, ready: s.Ready, exit: s.Exit, observe: s.Observe, stopped: s.Stopped}
		if patch := patches[next.step]; patch != nil {
			pod = apply(t, pod, patch)
		}
		(&player{}).remember(&node{}, m, pod, next, noon)
		if next.step == waiting {
			break
		}
	}
	t.Fatalf("the pod never came to step %q; its status is %+v", until, pod.Status)
	return nil
}

// conditionTexts gives each condition as type=status(reason).
func conditionTexts(pod *corev1.Pod) []string {
	var texts []string
	for _, c := range pod.Status.Conditions {
		text := string(c.Type) + "=" + string(c.Status)
		if c.Reason != "" {
			text += "(" + c.Reason + ")"
		}
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}

// The expectations are those of pkg/kubelet/status/generate.go and pkg/kubelet/kubelet_pods.go of release 1.37.
func TestStatusesAreThoseOfAKubelet(t *testing.T) {
	withInit := func(s *corev1.PodSpec) { s.InitContainers = []corev1.Container{{Name: "prepare", Image: "busybox"}} }
	withProbe := func(s *corev1.PodSpec) {
		s.Containers[0].ReadinessProbe = &corev1.Probe{InitialDelaySeconds: 5}
	}
	withGate := func(s *corev1.PodSpec) {
		s.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "example.com/gate"}}
	}
	never := func(s *corev1.PodSpec) {
		s.RestartPolicy = corev1.RestartPolicyNever
		s.Containers[0].Command = []string{"true"}
	}
	failing := func(s *corev1.PodSpec) { never(s); s.Containers[0].Command = []string{"false"} }
	tests := []struct {
		name       string
		change     func(*corev1.PodSpec)
		until      step
		phase      corev1.PodPhase
		conditions []string
		waiting    string
	}{
		{"an admitted pod waits for its sandbox", nil, sandbox, corev1.PodPending, []string{
			"ContainersReady=False(ContainersNotReady)", "Initialized=True", "PodReadyToStartContainers=False(PodSandboxNotReady)", "PodScheduled=True", "Ready=False(ContainersNotReady)",
		}, "ContainerCreating"},
		{"a pod with init containers is not initialized before they have ended", withInit, exit, corev1.PodPending, []string{
			"ContainersReady=False(ContainersNotReady)", "Initialized=False(ContainersNotInitialized)", "PodReadyToStartContainers=True", "PodScheduled=True", "Ready=False(ContainersNotReady)",
		}, "PodInitializing"},
		{"a container without probes is ready as soon as it runs", nil, waiting, corev1.PodRunning, []string{
			"ContainersReady=True", "Initialized=True", "PodReadyToStartContainers=True", "PodScheduled=True", "Ready=True",
		}, ""},
		{"a container with a readiness probe runs and is not ready yet", withProbe, ready, corev1.PodRunning, []string{
			"ContainersReady=False(ContainersNotReady)", "Initialized=True", "PodReadyToStartContainers=True", "PodScheduled=True", "Ready=False(ContainersNotReady)",
		}, ""},
		{"a closed readiness gate keeps the pod from being ready", withGate, waiting, corev1.PodRunning, []string{
			"ContainersReady=True", "Initialized=True", "PodReadyToStartContainers=True", "PodScheduled=True", "Ready=False(ReadinessGatesNotReady)",
		}, ""},
		{"a pod whose work is done has succeeded", never, waiting, corev1.PodSucceeded, []string{
			"ContainersReady=False(PodCompleted)", "Initialized=True(PodCompleted)", "PodReadyToStartContainers=False(PodSandboxNotReady)", "PodScheduled=True", "Ready=False(PodCompleted)",
		}, ""},
		{"a pod whose work failed has failed", failing, waiting, corev1.PodFailed, []string{
			"ContainersReady=False(PodFailed)", "Initialized=True", "PodReadyToStartContainers=False(PodSandboxNotReady)", "PodScheduled=True", "Ready=False(PodFailed)",
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pod := play(t, boundPod(tt.change), tt.until)
			if pod.Status.Phase != tt.phase {
				t.Errorf("phase %s, want %s", pod.Status.Phase, tt.phase)
			}
			got := slices.DeleteFunc(conditionTexts(pod), func(c string) bool { return strings.HasPrefix(c, "example.com/") })
			if !slices.Equal(got, tt.conditions) {
				t.Errorf("conditions\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.conditions, "\n"))
			}
			reason := ""
			if w := pod.Status.ContainerStatuses[0].State.Waiting; w != nil {
				reason = w.Reason
			}
			if reason != tt.waiting {
				t.Errorf("waiting for %q, want %q", reason, tt.waiting)
			}
			if podCondition(&pod.Status, "example.com/gate") == nil {
				t.Error("a condition that is not the kubelet's is lost")
			}
			if pod.Status.ObservedGeneration != 3 || podCondition(&pod.Status, corev1.PodReady).ObservedGeneration != 3 {
				t.Error("the generation that was observed is not noted")
			}
			if at := podCondition(&pod.Status, corev1.PodScheduled).LastTransitionTime; !at.Time.Equal(noon.Add(-time.Minute)) {
				t.Errorf("PodScheduled changed at %v although it did not change", at)
			}
		})
	}
}

func deleted(pod *corev1.Pod, grace int64) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.DeletionTimestamp = new(metav1.NewTime(noon.Add(time.Duration(grace) * time.Second)))
	pod.DeletionGracePeriodSeconds = &grace
	return pod
}

func TestADeletedPodEndsAsItsContainersDid(t *testing.T) {
	tests := []struct {
		name     string
		from     step
		killed   bool
		phase    corev1.PodPhase
		exitCode int32
		reason   string
	}{
		{"one that stopped in time has succeeded with exit code 0", waiting, false, corev1.PodSucceeded, 0, "Completed"},
		{"one that was killed has failed with exit code 137", waiting, true, corev1.PodFailed, 137, "Error"},
		{"one that never ran has failed for a reason that says so", sandbox, false, corev1.PodFailed, 137, "ContainerStatusUnknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pod := deleted(play(t, boundPod(nil), tt.from), 30)
			s := &scene{pod: pod, move: move{step: stopped}, now: noon, killed: tt.killed}
			pod = apply(t, pod, s.Stopped)
			ended := pod.Status.ContainerStatuses[0].State.Terminated
			if pod.Status.Phase != tt.phase || ended == nil || ended.ExitCode != tt.exitCode || ended.Reason != tt.reason {
				t.Errorf("phase %s, %+v", pod.Status.Phase, ended)
			}
			if next := nextStep(pod, newMemory(), worldAt(noon)); next.step != remove {
				t.Errorf("next step %q, want the removal", next.step)
			}
		})
	}
}

func TestAContainerThatIsToldToStopStaysReadyUntilItHasStopped(t *testing.T) {
	// prober_manager.go, UpdatePodStatus: without a failing probe only the end of the container makes it unready. That
	// traffic stops at once is the doing of the endpoint slice controller, which looks at the deletion timestamp.
	pod := deleted(play(t, boundPod(nil), waiting), 30)
	m := newMemory()
	first := nextStep(pod, m, worldAt(noon))
	if first.step != kill || first.container.Name != "web" {
		t.Fatalf("first step %q, want the container to be told to stop", first.step)
	}
	(&player{}).remember(&node{}, m, pod, first, noon)
	if next := nextStep(pod, m, worldAt(noon)); next.step != stopped || !next.stop.term.Equal(noon) {
		t.Errorf("next step %q, SIGTERM %+v", next.step, next.stop)
	}
	if !conditionIsTrue(pod, corev1.PodReady) {
		t.Error("the pod is not Ready")
	}
}

func TestStepsFallDueAsThePodDeclares(t *testing.T) {
	preStop := func(s *corev1.PodSpec) {
		s.Containers[0].Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 10}}}
	}
	tests := []struct {
		name   string
		change func(*corev1.PodSpec)
		grace  int64
		delay  time.Duration
		after  time.Duration
		killed bool
	}{
		{"a stop takes the application's own time", nil, 30, time.Second, time.Second, false},
		{"a preStop hook comes before it", preStop, 30, time.Second, 11 * time.Second, false},
		{"the grace period cuts a long stop short", nil, 30, 40 * time.Second, 30 * time.Second, true},
		{"a preStop hook that uses up the grace period leaves two seconds", preStop, 5, time.Second, 6 * time.Second, false},
		{"and after them the application is killed", preStop, 5, 3 * time.Second, 7 * time.Second, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pod := deleted(play(t, boundPod(tt.change), waiting), tt.grace)
			m := newMemory()
			m.told["web"], m.arrived, m.delay = noon, noon, tt.delay
			due, killed := dueTime(m, nextStep(pod, m, worldAt(noon)))
			if !due.Equal(noon.Add(tt.after)) || killed != tt.killed {
				t.Errorf("due after %v, killed %v; want %v, %v", due.Sub(noon), killed, tt.after, tt.killed)
			}
		})
	}
	t.Run("readiness waits for the probe's initial delay", func(t *testing.T) {
		pod := play(t, boundPod(func(s *corev1.PodSpec) { s.Containers[0].ReadinessProbe = &corev1.Probe{InitialDelaySeconds: 5} }), ready)
		m := newMemory()
		m.arrived, m.delay = noon, 100*time.Millisecond
		if due, _ := dueTime(m, nextStep(pod, m, worldAt(noon))); !due.Equal(noon.Add(5100 * time.Millisecond)) {
			t.Errorf("due after %v", due.Sub(noon))
		}
	})
}

func TestImagesAreNamedAsContainerdNamesThem(t *testing.T) {
	for image, want := range map[string]string{
		"nginx":                          "docker.io/library/nginx:latest",
		"nginx:1.27":                     "docker.io/library/nginx:1.27",
		"bitnami/redis:7":                "docker.io/bitnami/redis:7",
		"mcr.microsoft.com/oss/x/y:v1":   "mcr.microsoft.com/oss/x/y:v1",
		"localhost:5000/app":             "localhost:5000/app:latest",
		"registry.k8s.io/pause@sha256:0": "registry.k8s.io/pause@sha256:0",
	} {
		if got := qualifiedImage(image); got != want {
			t.Errorf("%s is named %s, want %s", image, got, want)
		}
	}
}

func TestAddressesAreUniqueAndGoRound(t *testing.T) {
	a := newAddresses(netip.MustParsePrefix("10.244.1.0/29"))
	held := &corev1.Pod{}
	held.UID, held.Status.PodIP = "held", "10.244.1.3"
	a.hold(held)
	var got []string
	for _, uid := range []types.UID{"a", "b", "c", "d"} {
		ip, err := a.take(uid)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, ip.String())
	}
	if want := []string{"10.244.1.2", "10.244.1.4", "10.244.1.5", "10.244.1.6"}; !slices.Equal(got, want) {
		t.Errorf("allotted %v, want %v", got, want)
	}
	if ip, err := a.take("b"); err != nil || ip.String() != "10.244.1.4" {
		t.Errorf("a pod that asks again gets %v, %v; want what it has", ip, err)
	}
	if _, err := a.take("e"); err == nil {
		t.Error("a full network still gave an address")
	}
	a.release("a")
	if ip, err := a.take("e"); err != nil || ip.String() != "10.244.1.2" {
		t.Errorf("after a release %v, %v; want the freed address", ip, err)
	}
}

func TestANodesStatusKeepsTransitionsAndWhatOthersPutThere(t *testing.T) {
	n := testNodes()[0]
	object := nodeObject(n, machine{BootID: "boot-1"}, "lab", metav1.NewTime(noon))
	object.Status.Conditions = append(object.Status.Conditions, corev1.NodeCondition{Type: "NetworkUnavailable", Status: corev1.ConditionFalse})
	for i := range object.Status.Conditions {
		if object.Status.Conditions[i].Type == corev1.NodeReady {
			// What the node lifecycle controller writes about a node that it has not heard of.
			object.Status.Conditions[i].Status, object.Status.Conditions[i].Reason = corev1.ConditionUnknown, "NodeStatusUnknown"
		}
	}
	later := metav1.NewTime(noon.Add(time.Hour))
	changed := object.DeepCopy()
	setNodeStatus(&changed.Status, n, machine{BootID: "boot-1"}, []string{"docker.io/library/nginx:1.27"}, true, later)
	for _, c := range changed.Status.Conditions {
		transition := noon
		switch c.Type {
		case "NetworkUnavailable":
			continue
		case corev1.NodeReady:
			transition = later.Time
		}
		if !c.LastTransitionTime.Time.Equal(transition) || !c.LastHeartbeatTime.Time.Equal(later.Time) {
			t.Errorf("%s changed at %v with heartbeat %v", c.Type, c.LastTransitionTime, c.LastHeartbeatTime)
		}
	}
	if len(changed.Status.Conditions) != 5 || !nodeIsReady(changed) || len(changed.Status.Images) != 1 {
		t.Errorf("conditions %v, images %v", changed.Status.Conditions, changed.Status.Images)
	}
	if !statusChanged(&object.Status, &changed.Status) {
		t.Error("the change went unnoticed")
	}
	again := changed.DeepCopy()
	setNodeStatus(&again.Status, n, machine{BootID: "boot-1"}, []string{"docker.io/library/nginx:1.27"}, true, metav1.NewTime(noon.Add(2*time.Hour)))
	if statusChanged(&changed.Status, &again.Status) {
		t.Error("a heartbeat counts as a change")
	}
	if object.Labels["topology.kubernetes.io/region"] != "japaneast" || object.Labels[SimulatedLabel] != "true" ||
		object.Status.NodeInfo.KubeProxyVersion != "" { //nolint:staticcheck // deprecated, and so to be left empty as kubelets do
		t.Errorf("labels %v, node info %+v", object.Labels, object.Status.NodeInfo)
	}
}

func TestDeclaredStagesOverrideTheDefaults(t *testing.T) {
	own := []byte(`---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: slow-web}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector: {matchLabels: {app: web, k8slab.dev/step: stopped}}
  weight: 1
  delay: {durationMilliseconds: 40000}
`)
	s, err := newStages(append(slices.Clone(stageFile), own...))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"web": "slow-web", "other": "stopped"} {
		if stage := s.match(simplePod(name), stopped); stage == nil || stage.name != want {
			t.Errorf("pod %s: stage %v; want %s", name, stage, want)
		}
	}
}

func TestWeightsDecideAmongStagesAndJitterBoundsTheirWaits(t *testing.T) {
	document := func(name, spec string) string {
		return "---\napiVersion: kwok.x-k8s.io/v1alpha1\nkind: Stage\nmetadata: {name: " + name + "}\nspec:\n" +
			"  selector: {matchLabels: {k8slab.dev/step: stopped}}\n" + spec
	}
	drawn := func(documents ...string) map[string]int {
		all, err := newStages([]byte(strings.Join(documents, "")))
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]int{}
		for range 1000 {
			names[all.match(simplePod("web"), stopped).name]++
		}
		return names
	}
	if got := drawn(document("a", ""), document("b", "")); len(got) != 2 {
		t.Errorf("without weights drawn %v, want both", got)
	}
	got := drawn(document("a", "  weight: 1\n"), document("b", "  weight: 9\n"), document("c", ""))
	if got["a"] == 0 || got["b"] < 2*got["a"] || got["c"] > 0 {
		t.Errorf("drawn %v, want b far more often than a, and never c", got)
	}
	for delay, want := range map[string][2]time.Duration{
		"{durationMilliseconds: 200}":                                  {200, 200},
		"{durationMilliseconds: 200, jitterDurationMilliseconds: 600}": {200, 599},
		"{durationMilliseconds: 200, jitterDurationMilliseconds: 100}": {100, 100},
		"{jitterDurationMilliseconds: 100}":                            {0, 99},
	} {
		all, err := newStages([]byte(document("it", "  delay: "+delay+"\n")))
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			if wait := all[0].wait() / time.Millisecond; wait < want[0] || wait > want[1] {
				t.Errorf("delay %s: waits %d ms, want %d to %d", delay, wait, want[0], want[1])
			}
		}
	}
}

func TestAStageThatCannotBePlayedIsRefused(t *testing.T) {
	const head = "metadata: {name: it}\nspec:\n  selector: {matchLabels: {k8slab.dev/step: admit}}\n"
	for name, document := range map[string]string{
		"a field that is not played": head + "  weightFrom: {expressionFrom: .x}\n",
		"no selector":                "metadata: {name: it}\nspec: {weight: 1}\n",
		"a patch of something else":  head + "  steps: [{patch: {subresource: spec, type: strategic, template: x}}]\n",
		"a template that is none":    head + "  steps: [{event: {message: '{{ .Image'}}]\n",
		"a step without anything":    head + "  steps: [{}]\n",
	} {
		if _, err := newStages([]byte(document)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestLogsAreSelectedAsAsked(t *testing.T) {
	pod := play(t, boundPod(nil), waiting)
	lines := containerLog(command.NewSet(command.All()...), pod, containersOf(pod)[0], pod.Status.ContainerStatuses[0].State, behavior.Conduct{})
	if len(lines) < 3 || !strings.Contains(lines[0].text, "simulated") {
		t.Fatalf("lines %v", lines)
	}
	tests := []struct {
		name, query string
		want        int
	}{
		{"all of them", "", len(lines)},
		{"the last two", "tailLines=2", 2},
		{"none", "tailLines=0", 0},
		{"those since a time", "sinceTime=2026-03-01T12:00:01Z", 0},
		{"those of the last hour", "sinceSeconds=3600", len(lines)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			query, err := url.ParseQuery(tt.query)
			if err != nil {
				t.Fatal(err)
			}
			options, err := parseLogOptions(query, noon.Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			if got := selectLines(lines, options); len(got) != tt.want {
				t.Errorf("%d lines, want %d", len(got), tt.want)
			}
		})
	}
	t.Run("no more bytes than the limit", func(t *testing.T) {
		var out strings.Builder
		done, err := (&logWriter{w: &out, limit: new(int64(10)), timestamps: true}).write(lines)
		if err != nil || !done || out.String() != "2026-03-01" {
			t.Errorf("wrote %q, done %v, error %v", out.String(), done, err)
		}
	})
	t.Run("a number that is none is refused", func(t *testing.T) {
		if _, err := parseLogOptions(url.Values{"tailLines": {"many"}}, noon); err == nil {
			t.Error("no error")
		}
	})
}
