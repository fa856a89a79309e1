package kubelet

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/k8slab/k8slab/engine/behavior"
	"github.com/k8slab/k8slab/engine/cluster/embedded/kubelet/command"
)

// step is where a pod is in its life: what its kubelet does next. The name is the one that stages select.
type step string

const (
	// waiting: nothing to do until the pod changes.
	waiting step = ""
	// admit: the kubelet sees the pod for the first time.
	admit step = "admit"
	// sandbox: the pod gets its network.
	sandbox step = "sandbox"
	// pull and pulled: an image is fetched; present: the node has it.
	pull    step = "pull"
	pulled  step = "pulled"
	present step = "present"
	// pullFailed: it could not be fetched; pullBackOff: it will not be tried again soon.
	pullFailed  step = "pull-failed"
	pullBackOff step = "pull-back-off"
	// start: a container is created and started.
	start step = "start"
	// ready: a container's probes succeed for the first time.
	ready step = "ready"
	// unhealthy: a probe fails; unready: it fails so often that the container is not ready any more; healthy: it
	// succeeds again.
	unhealthy step = "unhealthy"
	unready   step = "unready"
	healthy   step = "healthy"
	// exit: a container ends by itself.
	exit step = "exit"
	// backOff: a container that ended is not started again at once.
	backOff step = "back-off"
	// observe: the status does not say what the kubelet knows, for example after a change of the spec.
	observe step = "observe"
	// kill: a container is told to stop; hookFailed: its preStop hook failed; stopped: it has ended. Stopped without a
	// container is the end of a pod of which nothing runs.
	kill       step = "kill"
	hookFailed step = "hook-failed"
	stopped    step = "stopped"
	// remove: nothing is left of a deleted pod but its object.
	remove step = "remove"
	// deadline: the pod has been active for as long as it may.
	deadline step = "deadline"
	// rebooted: the machine was restarted, and so is the pod; lost: the machine was restarted, and the pod may not be.
	rebooted step = "rebooted"
	lost     step = "lost"
)

// move is a step together with what it concerns.
type move struct {
	step step
	// container is nil for a step of the whole pod.
	container *corev1.Container
	// kind of the container.
	kind containerKind
	// since is when the pod came to this step as far as the pod itself tells; zero means now. A wait for a probe or
	// for a job's work is counted from it.
	since time.Time
	// takes is a wait that the pod's spec or declared behaviour asks for, on top of the stage's delay.
	takes time.Duration
	// at is exactly when the step happens; the stage's delay does not count then. Zero means that it does.
	at time.Time
	// code is with what the container exits.
	code int32
	// message is what there is to say about it.
	message string
	// probe is the probe that the step is about.
	probe probeKind
	// crosses says that with this failure the probe has failed as often as it may.
	crosses bool
	// restart says that a start is not the container's first; backOff bounds the wait before the next one.
	restart bool
	backOff backOffLimits
	// stop is how the container is being stopped.
	stop *stopping
	// overdue says that the pod ends because of its deadline.
	overdue bool
}

// key tells moves of one pod apart.
func (m move) key() string {
	key := string(m.step)
	if m.container != nil {
		key += "/" + m.container.Name
	}
	return key + string(m.probe)
}

// due is when the move is expected to happen, without the stage's delay.
func (m move) due() time.Time {
	switch {
	case m.stop != nil && m.step == stopped:
		at, _ := m.stop.end(usualStopTime)
		return at
	case !m.at.IsZero():
		return m.at
	}
	return m.since.Add(m.takes)
}

// sooner returns the move that comes first; waiting comes last.
func sooner(a, b move) move {
	if a.step == waiting || b.step != waiting && b.due().Before(a.due()) {
		return b
	}
	return a
}

// memory is what a node knows of one pod that its status does not say. It is lost with the process and when the machine
// is rebooted, as a kubelet's.
type memory struct {
	// boot is the boot of the machine to which the memory belongs.
	boot string
	// images holds, by container, the image that was pulled or found, since the container last started.
	images map[string]string
	// pulling holds when the pull of a container's image began, and pulls how often it failed, by backOffKey.
	pulling map[string]time.Time
	pulls   map[string]pullFailure
	// restarts holds how long a container waits before it is started again, by backOffKey.
	restarts map[string]delay
	// started and ended hold when containers last started and ended, more exactly than their statuses.
	started, ended map[string]time.Time
	// probes holds how probes went, by container and kind.
	probes map[string]probing
	// condemned holds why a container is being stopped although its pod goes on.
	condemned map[string]condemnation
	// told holds when containers were told to stop; hookFailed holds the containers whose preStop hook was reported to
	// have failed; lastStop is when the last container that was told to stop ended.
	told       map[string]time.Time
	hookFailed map[string]bool
	lastStop   time.Time
	// overdue says that the end of the pod's time was reported.
	overdue bool
	// removed says that the API server was told to remove the pod; a finalizer may still hold its object.
	removed bool
	// at is the key of the move that the pod is at, and arrived is when the pod came there. stage says what happens
	// there; nil means nothing. done counts the acts of the stage that were done already, and delay is the wait before
	// the stage.
	at      string
	arrived time.Time
	stage   *stage
	done    int
	delay   time.Duration
}

func newMemory() *memory {
	return &memory{
		images: map[string]string{}, pulling: map[string]time.Time{}, pulls: map[string]pullFailure{},
		restarts: map[string]delay{}, started: map[string]time.Time{}, ended: map[string]time.Time{},
		probes: map[string]probing{}, condemned: map[string]condemnation{}, told: map[string]time.Time{},
		hookFailed: map[string]bool{},
	}
}

// world is what decides about a pod's next step beside the pod and the memory of it.
type world struct {
	now time.Time
	// has reports whether the node has an image.
	has func(image string) bool
	// conduct is the declared behaviour of a container of the pod.
	conduct func(*corev1.Container) behavior.Conduct
	// commands are those that containers have.
	commands *command.Set
	// booted is when the machine was up again after its last start; zero means that it was never started again.
	booted time.Time
}

// nextStep returns what the kubelet does next for the pod.
func nextStep(pod *corev1.Pod, m *memory, w world) move {
	terminal := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	switch {
	case w.outlived(pod):
		return nextStepAfterBoot(pod)
	case pod.DeletionTimestamp != nil:
		return nextStepDown(pod, m, w)
	case terminal:
		return move{}
	case pod.Status.StartTime == nil:
		return move{step: admit}
	}
	limit, limited := activeDeadline(pod)
	if limited && !w.now.Before(limit) {
		return nextStepOfOverdue(pod, m, w)
	}
	next := move{step: sandbox}
	if conditionIsTrue(pod, corev1.PodReadyToStartContainers) {
		next = nextStepUp(pod, m, w)
		if (next.step == waiting || next.due().After(w.now)) && !observed(pod) {
			return move{step: observe}
		}
	}
	if limited {
		next = sooner(next, move{step: deadline, at: limit, overdue: true})
	}
	return next
}

// nextStepUp is nextStep for a pod that has its sandbox: init containers in order, each sidecar started before the next
// one, then the others in order (kuberuntime_manager.go, computePodActions and SyncPod).
func nextStepUp(pod *corev1.Pod, m *memory, w world) move {
	if workIsDone(pod) {
		return nextStepOfStops(pod, m, w, terminationGrace(pod))
	}
	var soonest move
	initialized := anyRegularRuns(pod)
	for _, c := range containersOf(pod) {
		status := containerStatus(&pod.Status, c.Name)
		soonest = sooner(soonest, nextStepOf(pod, c, status, m, w))
		switch {
		case c.kind == initial && !succeeded(status):
			return soonest
		case c.kind == sidecar && !initialized && (status == nil || status.Started == nil || !*status.Started):
			return soonest
		}
	}
	return soonest
}

// workIsDone reports whether the regular containers have ended for good. Sidecars are stopped then (KEP-753).
func workIsDone(pod *corev1.Pod) bool {
	for _, c := range containersOf(pod) {
		if c.kind != regular {
			continue
		}
		s := containerStatus(&pod.Status, c.Name)
		if s == nil || s.State.Terminated == nil || restarts(pod, c, s.State.Terminated.ExitCode) {
			return false
		}
	}
	return true
}

func succeeded(status *corev1.ContainerStatus) bool {
	return status != nil && status.State.Terminated != nil && status.State.Terminated.ExitCode == 0
}

func anyRegularRuns(pod *corev1.Pod) bool {
	for i := range pod.Status.ContainerStatuses {
		if pod.Status.ContainerStatuses[i].State.Running != nil {
			return true
		}
	}
	return false
}

// nextStepOf is nextStepUp for one container.
func nextStepOf(pod *corev1.Pod, c container, status *corev1.ContainerStatus, m *memory, w world) move {
	switch {
	case status == nil || status.State.Waiting != nil:
		return nextStepOfWaiting(c, status, m, w)
	case status.State.Terminated != nil:
		return nextStepOfEnded(pod, c, status, m, w)
	case status.State.Running != nil:
		return nextStepOfRunning(pod, c, status, m, w)
	}
	return move{}
}

// nextStepOfWaiting is nextStepOf for a container that does not run yet, or not again.
func nextStepOfWaiting(c container, status *corev1.ContainerStatus, m *memory, w world) move {
	next := nextStepOfImage(c, status, m, w)
	if status == nil || status.LastTerminationState.Terminated == nil || status.State.Waiting.Reason != reasonCrashLoopBackOff {
		return next
	}
	ended := m.endOf(c, status.LastTerminationState.Terminated)
	again := ended.Add(m.restarts[backOffKey(c.Container)].after(ended, next.backOff))
	if again.After(w.now) {
		next.at = again
	}
	return next
}

// nextStepOfEnded is nextStepOf for a container that ended: it is started again, or waits before
// (kuberuntime_manager.go, doBackOff).
func nextStepOfEnded(pod *corev1.Pod, c container, status *corev1.ContainerStatus, m *memory, w world) move {
	ended := status.State.Terminated
	if !restarts(pod, c, ended.ExitCode) {
		return move{}
	}
	at := m.endOf(c, ended)
	period := m.restarts[backOffKey(c.Container)].after(at, limitsOf(w.conduct(c.Container)))
	if w.now.Before(at.Add(period)) {
		return move{step: backOff, container: c.Container, kind: c.kind, message: period.String()}
	}
	return nextStepOfImage(c, status, m, w)
}

// endOf is when a container ended, exactly if this process saw it.
func (m *memory) endOf(c container, ended *corev1.ContainerStateTerminated) time.Time {
	return exactly(m.ended[c.Name], ended.FinishedAt.Time)
}

// exactly returns the remembered time of what the status dates to the second, if it is the same event.
func exactly(remembered, status time.Time) time.Time {
	if apart := remembered.Sub(status); apart >= 0 && apart < statusResolution {
		return remembered
	}
	return status
}

// activeDeadline is when the pod has been active for as long as it may (pkg/kubelet/active_deadline.go).
func activeDeadline(pod *corev1.Pod) (time.Time, bool) {
	if pod.Spec.ActiveDeadlineSeconds == nil || pod.Status.StartTime == nil {
		return time.Time{}, false
	}
	return pod.Status.StartTime.Add(time.Duration(*pod.Spec.ActiveDeadlineSeconds) * time.Second), true
}

// nextStepOfOverdue is nextStep for a pod after its deadline: the containers are stopped, then it has failed.
func nextStepOfOverdue(pod *corev1.Pod, m *memory, w world) move {
	if !m.overdue {
		return move{step: deadline, overdue: true}
	}
	next := nextStepOfStops(pod, m, w, terminationGrace(pod))
	if next.step == waiting {
		next = move{step: stopped, since: time.Unix(0, 0)}
	}
	next.overdue = true
	return next
}

// outlived reports whether the status holds containers as running that ran before the machine was last started. Times
// in a status are truncated to the second.
func (w world) outlived(pod *corev1.Pod) bool {
	if w.booted.IsZero() {
		return false
	}
	for _, c := range containersOf(pod) {
		s := containerStatus(&pod.Status, c.Name)
		if s != nil && s.State.Running != nil && s.State.Running.StartedAt.Time.Before(w.booted.Truncate(time.Second)) {
			return true
		}
	}
	return false
}

// nextStepAfterBoot is nextStep for a pod whose containers went with the machine: it gets a new sandbox, unless it is
// being deleted or must not be started again (kuberuntime_manager.go, computePodActions).
func nextStepAfterBoot(pod *corev1.Pod) move {
	if pod.DeletionTimestamp != nil || pod.Spec.RestartPolicy == corev1.RestartPolicyNever {
		return move{step: lost}
	}
	return move{step: rebooted}
}
