package kubelet

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/k8slab/k8slab/engine/behavior"
	"github.com/k8slab/k8slab/engine/cluster/embedded/kubelet/command"
)

// life plays one pod in a time of its own, through the decisions, stages and statuses that a node plays it with.
type life struct {
	t        *testing.T
	pod      *corev1.Pod
	declared []behavior.Behavior
	commands *command.Set
	player   *player
	node     *node
	memory   *memory
	booted   time.Time
	now      time.Time
	// events are "Type Reason Message"; at holds when each was sent.
	events  []string
	at      []time.Duration
	removed bool
}

// liveWith plays the pod with the behaviour whose spec, without its selector, is given; empty means none.
func liveWith(t *testing.T, pod *corev1.Pod, spec string) *life {
	t.Helper()
	stages, err := newStages(stageFile)
	if err != nil {
		t.Fatal(err)
	}
	l := &life{t: t, pod: pod, player: &player{stages: stages}, memory: newMemory(), now: noon, commands: command.NewSet(command.All()...)}
	l.node = &node{addresses: newAddresses(netip.MustParsePrefix("10.244.1.0/24"))}
	if spec != "" {
		document := "apiVersion: k8slab.dev/v1alpha1\nkind: SimulatedWorkload\nmetadata: {name: it}\nspec:\n  selector: {namespace: default}\n" + spec
		if l.declared, err = behavior.Decode([]byte(document)); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// after plays for a time.
func (l *life) after(d time.Duration) *life {
	l.t.Helper()
	end := l.now.Add(d)
	for range 2000 {
		conduct := func(c *corev1.Container) behavior.Conduct {
			return behavior.For(l.declared, l.pod.Namespace, l.pod.Labels, c.Name, c.Image)
		}
		next := nextStep(l.pod, l.memory, world{now: l.now, has: l.node.images.has, conduct: conduct, commands: l.commands, booted: l.booted})
		if next.step == waiting || l.removed {
			l.now = end
			return l
		}
		if l.memory.at != next.key() {
			l.player.arrive(l.pod, l.memory, next, l.now)
		}
		due, killed := dueTime(l.memory, next)
		if due.After(end) {
			l.now = end
			return l
		}
		if due.After(l.now) {
			l.now = due
			continue
		}
		s := &scene{pod: l.pod, move: next, now: l.now, killed: killed, hostIP: netip.MustParseAddr("10.240.0.4"), took: time.Second,
			takeIP: func() (netip.Addr, error) { return l.node.addresses.take(l.pod.UID) }}
		if next.container != nil {
			s.conduct = conduct(next.container)
		}
		before := l.pod
		l.perform(s)
		l.player.remember(l.node, l.memory, before, next, l.now)
	}
	l.t.Fatalf("the pod does not come to rest; its last events are %q", l.events[max(0, len(l.events)-9):])
	return nil
}

func (l *life) perform(s *scene) {
	l.t.Helper()
	_, err := l.memory.stage.perform(0, s, stageOutput{
		event: func(kind, reason, message string) error {
			l.events = append(l.events, fmt.Sprintf("%s %s %s", kind, reason, message))
			l.at = append(l.at, l.now.Sub(noon))
			return nil
		},
		remove: func() error { l.removed = true; return nil },
		patch: func(data []byte) error {
			l.pod = apply(l.t, l.pod, func() (string, error) { return string(data), nil })
			return nil
		},
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

// evict asks for the pod's deletion.
func (l *life) evict(grace int64) *life {
	l.pod = l.pod.DeepCopy()
	l.pod.DeletionTimestamp = new(metav1.NewTime(l.now.Add(time.Duration(grace) * time.Second)))
	l.pod.DeletionGracePeriodSeconds = &grace
	return l
}

func (l *life) web() *corev1.ContainerStatus { return containerStatus(&l.pod.Status, "web") }

// since returns the events that were sent from a time on.
func (l *life) since(d time.Duration) []string {
	for i, at := range l.at {
		if at >= d {
			return l.events[i:]
		}
	}
	return nil
}

func (l *life) reasons(d time.Duration) string {
	var reasons []string
	for _, e := range l.since(d) {
		reasons = append(reasons, strings.Fields(e)[1])
	}
	return strings.Join(reasons, " ")
}

func withGrace(s *corev1.PodSpec) { s.TerminationGracePeriodSeconds = new(int64(30)) }

// Order and wording are those of kuberuntime_container.go, killContainer.
func TestAStopHonoursGraceAndPreStop(t *testing.T) {
	hook := func(handler corev1.LifecycleHandler) func(*corev1.PodSpec) {
		return func(s *corev1.PodSpec) { s.Containers[0].Lifecycle = &corev1.Lifecycle{PreStop: &handler} }
	}
	sleep := func(seconds int64) func(*corev1.PodSpec) {
		return hook(corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: seconds}})
	}
	command := func(text string) func(*corev1.PodSpec) {
		return hook(corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"sh", "-c", text}}})
	}
	tests := []struct {
		name     string
		change   func(*corev1.PodSpec)
		declared string
		grace    int64
		takes    time.Duration
		code     int32
		phase    corev1.PodPhase
		reasons  string
		log      string
	}{
		{"an application that stops in time ends with 0", nil, "  stopAfter: 20s\n", 30, 20 * time.Second, 0, corev1.PodSucceeded, "Killing", "shut down cleanly"},
		{"one that needs longer is killed when the grace period is over", nil, "  stopAfter: 40s\n", 30, 30 * time.Second, 137, corev1.PodFailed, "Killing", "received SIGTERM, shutting down"},
		{"with more grace it is not", nil, "  stopAfter: 40s\n", 45, 40 * time.Second, 0, corev1.PodSucceeded, "Killing", "shut down cleanly"},
		{"one that ignores SIGTERM is killed in any case", nil, "  ignoresSIGTERM: true\n", 20, 20 * time.Second, 137, corev1.PodFailed, "Killing", "received SIGTERM"},
		{"one that lets the signal end it leaves 143", nil, "  stopAfter: 0s\n  stopExitCode: 143\n", 30, 0, 143, corev1.PodFailed, "Killing", "received SIGTERM"},
		{"a sleeping hook comes before SIGTERM and counts", sleep(10), "  stopAfter: 25s\n", 30, 30 * time.Second, 137, corev1.PodFailed, "Killing", "received SIGTERM"},
		{"so does a hook that is a command", command("sleep 5"), "  stopAfter: 10s\n", 30, 15 * time.Second, 0, corev1.PodSucceeded, "Killing", "shut down cleanly"},
		{"a hook that fails is reported, and does not keep the container from stopping", command("exit 1"), "  stopAfter: 1s\n", 30, time.Second, 0, corev1.PodSucceeded, "Killing FailedPreStopHook", "shut down cleanly"},
		{"one that would have crashed later does not say so", nil, "  stopAfter: 1s\n  stopExitCode: 1\n  crash: {after: 1h, log: it broke}\n", 30, time.Second, 1, corev1.PodFailed, "Killing", "received SIGTERM"},
		{"a grace period of one second is two", nil, "  ignoresSIGTERM: true\n", 1, 2 * time.Second, 137, corev1.PodFailed, "Killing", "received SIGTERM"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := liveWith(t, boundPod(tt.change), tt.declared).after(time.Minute)
			if !conditionIsTrue(l.pod, corev1.PodReady) {
				t.Fatalf("the pod did not become ready: %+v", l.pod.Status)
			}
			l.evict(tt.grace)
			if tt.takes > 0 {
				l.after(tt.takes - time.Millisecond)
			}
			if tt.takes > 0 && l.web().State.Running == nil {
				t.Errorf("it ended before %v", tt.takes)
			}
			l.after(time.Second)
			ended := l.web().State.Terminated
			if ended == nil || ended.ExitCode != tt.code || l.pod.Status.Phase != tt.phase || !l.removed {
				t.Fatalf("ended %+v in phase %s, removed %v; want exit code %d, %s", ended, l.pod.Status.Phase, l.removed, tt.code, tt.phase)
			}
			if got := l.reasons(time.Minute); got != tt.reasons {
				t.Errorf("events %s, want %s", got, tt.reasons)
			}
			c := containersOf(l.pod)[0]
			lines := containerLog(l.commands, l.pod, c, l.web().State, behavior.For(l.declared, "default", nil, "web", c.Image))
			if last := lines[len(lines)-1].text; !strings.HasPrefix(last, tt.log) {
				t.Errorf("the log ends in %q, want %q", last, tt.log)
			}
		})
	}
}

// kuberuntime_termination_order.go
func TestSidecarsStopAfterTheOthersTheLastOneFirst(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	pod := boundPod(func(s *corev1.PodSpec) {
		s.InitContainers = []corev1.Container{{Name: "one", Image: "proxy", RestartPolicy: &always}, {Name: "two", Image: "proxy", RestartPolicy: &always}}
	})
	l := liveWith(t, pod, "  stopAfter: 5s\n").after(time.Minute).evict(30).after(time.Minute)
	if want := []string{"Normal Killing Stopping container one", "Normal Killing Stopping container two", "Normal Killing Stopping container web"}; !slices.Equal(l.since(time.Minute), want) {
		t.Errorf("events %q, want %q", l.since(time.Minute), want)
	}
	for name, want := range map[string]time.Duration{"web": 65 * time.Second, "two": 70 * time.Second, "one": 75 * time.Second} {
		if ended := containerStatus(&l.pod.Status, name).State.Terminated; ended == nil || ended.ExitCode != 0 || ended.FinishedAt.Sub(noon) != want {
			t.Errorf("%s ended %+v, want it after %v", name, ended, want)
		}
	}
}

func TestSidecarsAreStoppedWhenTheWorkIsDone(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	pod := boundPod(func(s *corev1.PodSpec) {
		withGrace(s)
		s.RestartPolicy = corev1.RestartPolicyNever
		s.InitContainers = []corev1.Container{{Name: "proxy", Image: "proxy", RestartPolicy: &always}}
		s.Containers[0].Command = []string{"sleep", "10"}
	})
	l := liveWith(t, pod, "  stopAfter: 5s\n").after(14 * time.Second)
	if got := l.reasons(9 * time.Second); got != "Killing" || l.pod.Status.Phase != corev1.PodRunning {
		t.Errorf("events %s in phase %s, want the sidecar to be stopping", got, l.pod.Status.Phase)
	}
	if l.after(10 * time.Second); l.pod.Status.Phase != corev1.PodSucceeded || containerStatus(&l.pod.Status, "proxy").RestartCount != 0 {
		t.Errorf("status %+v", l.pod.Status)
	}
}

// kuberuntime_manager.go, doBackOff, and kubelet_pods.go, convertToAPIContainerStatuses.
func TestACrashLoopBacksOff(t *testing.T) {
	l := liveWith(t, boundPod(nil), "  crash: {after: 2s, exitCode: 3, log: \"error id=4711\"}\n").after(20 * time.Second)
	want := []string{"Pulling", "Pulled", "Created", "Started", "Pulled", "Created", "Started", "BackOff", "Pulled", "Created", "Started", "BackOff"}
	if got := strings.Fields(l.reasons(0)); !slices.Equal(got, want) {
		t.Errorf("events %v\nwant   %v", got, want)
	}
	s := l.web()
	if s.State.Waiting == nil || s.State.Waiting.Reason != "CrashLoopBackOff" || s.RestartCount != 2 {
		t.Fatalf("after two restarts: %+v", s)
	}
	if want := "back-off 20s restarting failed container=web pod=web_default(uid-1)"; s.State.Waiting.Message != want {
		t.Errorf("waits because %q, want %q", s.State.Waiting.Message, want)
	}
	if want := "Warning BackOff Back-off restarting failed container web in pod web_default(uid-1)"; l.events[len(l.events)-1] != want {
		t.Errorf("event %q, want %q", l.events[len(l.events)-1], want)
	}
	if last := s.LastTerminationState.Terminated; last == nil || last.ExitCode != 3 || last.Reason != "Error" {
		t.Errorf("last state %+v", last)
	}
	if l.pod.Status.Phase != corev1.PodRunning || conditionIsTrue(l.pod, corev1.PodReady) {
		t.Errorf("phase %s, conditions %v; want Running and not Ready", l.pod.Status.Phase, conditionTexts(l.pod))
	}
	c := containersOf(l.pod)[0]
	state, err := logState(l.pod, "web", true)
	if err != nil {
		t.Fatal(err)
	}
	lines := containerLog(l.commands, l.pod, c, state, behavior.For(l.declared, "default", nil, "web", c.Image))
	if last := lines[len(lines)-1].text; last != "error id=4711" {
		t.Errorf("the previous log ends in %q", last)
	}

	l.after(time.Hour)
	var starts []time.Duration
	for i, e := range l.events {
		if strings.Contains(e, "Started") {
			starts = append(starts, l.at[i])
		}
	}
	if n := len(starts); (starts[n-1] - starts[n-2]).Round(5*time.Second) != 5*time.Minute {
		t.Errorf("in the end it is started each %v, want five minutes", starts[n-1]-starts[n-2])
	}
}

func TestACrashThatHappensOnceLeavesItsTraces(t *testing.T) {
	l := liveWith(t, boundPod(nil), "  crash: {after: 1s, times: 1}\n  backOff: {initial: 1s, max: 2s}\n").after(time.Minute)
	if s := l.web(); s.RestartCount != 1 || s.State.Running == nil || s.LastTerminationState.Terminated.ExitCode != 1 || !s.Ready {
		t.Errorf("status %+v, want one restart and a ready container", s)
	}
}

// image_manager.go, pullImage.
func TestAnImageThatCannotBePulledBacksOff(t *testing.T) {
	l := liveWith(t, boundPod(nil), "  imagePull: {fails: true, message: no such image}\n").after(8 * time.Second)
	want := []string{
		`Normal Pulling Pulling image "nginx:1.27"`,
		`Warning Failed Failed to pull image "nginx:1.27": no such image`,
		`Warning Failed Error: ErrImagePull`,
		`Normal BackOff Back-off pulling image "nginx:1.27"`,
		`Warning Failed Error: ImagePullBackOff`,
	}
	if !slices.Equal(l.events, want) {
		t.Errorf("events\n%s\nwant\n%s", strings.Join(l.events, "\n"), strings.Join(want, "\n"))
	}
	if w := l.web().State.Waiting; w == nil || w.Reason != "ImagePullBackOff" || w.Message != `Back-off pulling image "nginx:1.27": ErrImagePull: no such image` {
		t.Errorf("waits for %+v", w)
	}
	if l.pod.Status.Phase != corev1.PodPending {
		t.Errorf("phase %s", l.pod.Status.Phase)
	}
	l.after(4 * time.Minute)
	if got := strings.Count(l.reasons(0), "Pulling"); got != 5 {
		t.Errorf("it was tried %d times in four minutes, want 5 with waits of 10, 20, 40 and 80 s", got)
	}
	t.Run("an image that is there is pulled at once", func(t *testing.T) {
		l.pod.Spec.Containers[0].Image, l.declared = "nginx:1.28", nil
		l.after(3 * time.Second)
		if s := l.web(); s.State.Running == nil || s.RestartCount != 0 {
			t.Errorf("status %+v, want it to run for the first time", s)
		}
	})
}

func httpProbe() *corev1.Probe {
	return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromInt32(80)}}, PeriodSeconds: 5, FailureThreshold: 3, SuccessThreshold: 1}
}

func TestReadinessFollowsWhatIsDeclared(t *testing.T) {
	ready := func(l *life) bool { return conditionIsTrue(l.pod, corev1.PodReady) }
	probed := func(s *corev1.PodSpec) { s.Containers[0].ReadinessProbe = httpProbe() }
	t.Run("a pod that never becomes ready is reported unhealthy at each probe", func(t *testing.T) {
		l := liveWith(t, boundPod(probed), "  ready: {never: true}\n").after(time.Minute)
		if ready(l) || l.pod.Status.Phase != corev1.PodRunning || !*l.web().Started {
			t.Errorf("status %+v", l.pod.Status)
		}
		if want := "Warning Unhealthy Readiness probe failed: HTTP probe failed with statuscode: 503"; l.events[4] != want || strings.Count(l.reasons(0), "Unhealthy") < 10 {
			t.Errorf("events %q", l.events)
		}
	})
	t.Run("without a probe it is ready as on a real node", func(t *testing.T) {
		if l := liveWith(t, boundPod(nil), "  ready: {never: true}\n").after(time.Minute); !ready(l) {
			t.Errorf("conditions %v", conditionTexts(l.pod))
		}
	})
	t.Run("it becomes ready when it says", func(t *testing.T) {
		l := liveWith(t, boundPod(probed), "  ready: {after: 30s}\n").after(30 * time.Second)
		if ready(l) {
			t.Error("it is ready too early")
		}
		if l.after(10 * time.Second); !ready(l) {
			t.Errorf("conditions %v", conditionTexts(l.pod))
		}
	})
	t.Run("it fails for a time and recovers", func(t *testing.T) {
		l := liveWith(t, boundPod(probed), "  ready: {failing: {from: 60s, to: 120s}}\n")
		for _, at := range []struct {
			second int
			ready  bool
		}{{60, true}, {69, true}, {75, false}, {118, false}, {130, true}, {3600, true}} {
			if l.after(noon.Add(time.Duration(at.second) * time.Second).Sub(l.now)); ready(l) != at.ready {
				t.Errorf("after %d s it is ready: %v", at.second, ready(l))
			}
		}
		if n := strings.Count(l.reasons(0), "Unhealthy"); n != 12 {
			t.Errorf("%d failures in a minute of probes each five seconds", n)
		}
	})
}

func TestALivenessProbeThatFailsRestartsTheContainer(t *testing.T) {
	pod := boundPod(func(s *corev1.PodSpec) { withGrace(s); s.Containers[0].LivenessProbe = httpProbe() })
	l := liveWith(t, pod, "  live: {failing: {from: 30s}}\n  ignoresSIGTERM: true\n").after(90 * time.Second)
	want := "Unhealthy Unhealthy Unhealthy Killing Pulled Created Started"
	if got := l.reasons(10 * time.Second); got != want {
		t.Errorf("events %s, want %s", got, want)
	}
	if !slices.Contains(l.events, "Normal Killing Container web failed liveness probe, will be restarted") {
		t.Errorf("events %q", l.events)
	}
	if s := l.web(); s.RestartCount != 1 || s.State.Running == nil || s.LastTerminationState.Terminated.ExitCode != 137 {
		t.Errorf("status %+v, want a restart after a kill", s)
	}
}

func TestAStartupProbeHoldsTheOthersBackAndRestartsTheContainerWhenItFailsTooOften(t *testing.T) {
	pod := boundPod(func(s *corev1.PodSpec) {
		withGrace(s)
		s.Containers[0].StartupProbe, s.Containers[0].ReadinessProbe = httpProbe(), httpProbe()
	})
	l := liveWith(t, pod, "  started: {after: 9s}\n").after(9 * time.Second)
	if *l.web().Started || conditionIsTrue(l.pod, corev1.PodReady) {
		t.Errorf("status %+v, want it not started", l.web())
	}
	if l.after(6 * time.Second); !*l.web().Started || !conditionIsTrue(l.pod, corev1.PodReady) || l.web().RestartCount != 0 {
		t.Errorf("status %+v, want it started and ready", l.web())
	}
	l = liveWith(t, pod, "  started: {never: true}\n").after(20 * time.Second)
	if want := "Normal Killing Container web failed startup probe, will be restarted"; !slices.Contains(l.events, want) || l.web().RestartCount != 1 {
		t.Errorf("events %q", l.events)
	}
}

func TestAChangedImageRestartsTheContainerInItsPlace(t *testing.T) {
	l := liveWith(t, boundPod(withGrace), "").after(time.Minute)
	ip := l.pod.Status.PodIP
	l.pod.Spec.Containers[0].Image = "nginx:1.28"
	l.after(10 * time.Second)
	if want := "Killing Pulling Pulled Created Started"; l.reasons(time.Minute) != want || l.since(time.Minute)[0] != "Normal Killing Container web definition changed, will be restarted" {
		t.Errorf("events %q, want %s", l.since(time.Minute), want)
	}
	if s := l.web(); s.RestartCount != 1 || s.Image != "docker.io/library/nginx:1.28" || !s.Ready || l.pod.Status.PodIP != ip {
		t.Errorf("status %+v", s)
	}
}

func TestInitContainersAreRetriedUntilTheySucceed(t *testing.T) {
	pod := boundPod(func(s *corev1.PodSpec) { s.InitContainers = []corev1.Container{{Name: "prepare", Image: "busybox"}} })
	l := liveWith(t, pod, "  crash: {after: 1s, times: 2}\n").after(6 * time.Second)
	l.declared[0].Spec.Selector.Container = "prepare"
	if s := containerStatus(&l.pod.Status, "prepare"); s.State.Waiting == nil || s.State.Waiting.Reason != "CrashLoopBackOff" || l.pod.Status.Phase != corev1.PodPending {
		t.Errorf("status %+v in phase %s", s, l.pod.Status.Phase)
	}
	if l.after(time.Minute); l.pod.Status.Phase != corev1.PodRunning || !conditionIsTrue(l.pod, corev1.PodReady) {
		t.Errorf("phase %s, conditions %v", l.pod.Status.Phase, conditionTexts(l.pod))
	}
}

func TestRestartPoliciesDecideWhatBecomesOfAnEnd(t *testing.T) {
	tests := []struct {
		name     string
		policy   corev1.RestartPolicy
		command  string
		declared string
		phase    corev1.PodPhase
		restarts int32
	}{
		{"Never leaves a failure", corev1.RestartPolicyNever, "exit 4", "", corev1.PodFailed, 0},
		{"OnFailure leaves a success", corev1.RestartPolicyOnFailure, "true", "", corev1.PodSucceeded, 0},
		{"OnFailure tries again until it succeeds", corev1.RestartPolicyOnFailure, "sleep 5", "  crash: {after: 1s, times: 2}\n", corev1.PodSucceeded, 2},
		{"Always starts also what succeeded", corev1.RestartPolicyAlways, "true", "", corev1.PodRunning, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pod := boundPod(func(s *corev1.PodSpec) {
				s.RestartPolicy = tt.policy
				s.Containers[0].Command = []string{"sh", "-c", tt.command}
			})
			l := liveWith(t, pod, tt.declared).after(45 * time.Second)
			if l.pod.Status.Phase != tt.phase || l.web().RestartCount != tt.restarts {
				t.Errorf("phase %s after %d restarts, want %s after %d", l.pod.Status.Phase, l.web().RestartCount, tt.phase, tt.restarts)
			}
		})
	}
}

// pkg/kubelet/active_deadline.go
func TestAPodFailsAtItsDeadline(t *testing.T) {
	pod := boundPod(func(s *corev1.PodSpec) { withGrace(s); s.ActiveDeadlineSeconds = new(int64(20)) })
	l := liveWith(t, pod, "  stopAfter: 5s\n").after(time.Minute)
	if got, want := l.reasons(10*time.Second), "DeadlineExceeded Killing"; got != want {
		t.Errorf("events %s, want %s", got, want)
	}
	if s := l.pod.Status; s.Phase != corev1.PodFailed || s.Reason != "DeadlineExceeded" || l.web().State.Terminated.ExitCode != 0 {
		t.Errorf("phase %s, reason %s, %+v", s.Phase, s.Reason, l.web().State)
	}
}

// kuberuntime_manager.go, computePodActions with a new sandbox.
func TestAfterARebootPodsAreStartedAnew(t *testing.T) {
	reboot := func(l *life) *life {
		l.now = l.now.Add(10 * time.Second)
		l.booted = l.now.Add(-5 * time.Second)
		l.memory = newMemory()
		return l.after(time.Minute)
	}
	t.Run("with a new address, from the first init container on", func(t *testing.T) {
		pod := boundPod(func(s *corev1.PodSpec) { s.InitContainers = []corev1.Container{{Name: "prepare", Image: "busybox"}} })
		l := liveWith(t, pod, "").after(time.Minute)
		ip := l.pod.Status.PodIP
		reboot(l)
		if want := "SandboxChanged Pulled Created Started Pulled Created Started"; l.reasons(time.Minute) != want {
			t.Errorf("events %s, want %s", l.reasons(time.Minute), want)
		}
		s, prepare := l.web(), containerStatus(&l.pod.Status, "prepare")
		if s.RestartCount != 1 || prepare.RestartCount != 1 || s.LastTerminationState.Terminated.ExitCode != 255 || s.LastTerminationState.Terminated.Reason != "Unknown" {
			t.Errorf("web %+v, prepare %+v", s, prepare)
		}
		if !conditionIsTrue(l.pod, corev1.PodReady) || l.pod.Status.PodIP == ip || l.pod.Status.PodIP == "" {
			t.Errorf("conditions %v, address %s after %s", conditionTexts(l.pod), l.pod.Status.PodIP, ip)
		}
	})
	t.Run("unless they are never restarted", func(t *testing.T) {
		pod := boundPod(func(s *corev1.PodSpec) { s.RestartPolicy = corev1.RestartPolicyNever })
		if l := reboot(liveWith(t, pod, "").after(time.Minute)); l.pod.Status.Phase != corev1.PodFailed {
			t.Errorf("phase %s", l.pod.Status.Phase)
		}
	})
	t.Run("and those that were being deleted go", func(t *testing.T) {
		l := liveWith(t, boundPod(nil), "").after(time.Minute).evict(30)
		if reboot(l); !l.removed || l.web().State.Terminated.ExitCode != 255 {
			t.Errorf("removed %v, %+v", l.removed, l.web().State)
		}
	})
}

func TestTheDisruptionTargetOfAnEvictedPodIsKept(t *testing.T) {
	l := liveWith(t, boundPod(nil), "").after(time.Minute).evict(30)
	l.pod.Status.Conditions = append(l.pod.Status.Conditions, corev1.PodCondition{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "EvictionByEvictionAPI"})
	if l.after(time.Minute); !conditionIsTrue(l.pod, corev1.DisruptionTarget) || !l.removed {
		t.Errorf("conditions %v", conditionTexts(l.pod))
	}
}
