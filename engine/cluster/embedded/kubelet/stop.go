package kubelet

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/k8slab/k8slab/engine/cluster/embedded/kubelet/command"
)

const (
	// usualStopTime is about what the stage "stopped" says; it only orders moves.
	usualStopTime = time.Second
	// minimumGrace is left to a container whatever its preStop hook took (minimumGracePeriodInSeconds of
	// kuberuntime_manager.go).
	minimumGrace = 2 * time.Second
)

// stopping is how the stop of a container goes (kuberuntime_container.go, killContainer): the preStop hook and the wait
// for other containers use up the grace period; then comes SIGTERM, and SIGKILL when the rest of it is over.
type stopping struct {
	// term is when SIGTERM is sent, and left how long the container has from then on.
	term time.Time
	left time.Duration
	// needs is how long the application is declared to take; nil means what the stage says. deaf says that it ignores
	// SIGTERM.
	needs *time.Duration
	deaf  bool
	// code is with what it ends if it may.
	code int32
}

// end returns when the container ends, and whether it is killed then. usual is how long an application takes of which
// nothing is declared.
func (s *stopping) end(usual time.Duration) (at time.Time, killed bool) {
	needs := usual
	if s.needs != nil {
		needs = *s.needs
	}
	if s.deaf || needs > s.left {
		return s.term.Add(s.left), true
	}
	return s.term.Add(needs), false
}

// condemnation is why a container is stopped although its pod goes on.
type condemnation struct {
	// container is the one that runs; another one of the same name is not meant.
	containerID string
	message     string
	grace       time.Duration
}

// condemnationOf returns why the running container is to be stopped: a probe decided so, or its image was changed, the
// only change of a running container that the API allows and a restart is needed for
// (kuberuntime_manager.go, computePodActions).
func (m *memory) condemnationOf(pod *corev1.Pod, c container, status *corev1.ContainerStatus) (condemnation, bool) {
	if why, is := m.condemned[c.Name]; is && why.containerID == status.ContainerID {
		return why, true
	}
	if status.Image == qualifiedImage(c.Image) {
		return condemnation{}, false
	}
	return condemnation{message: endReason(pod, c, "definition changed"), grace: terminationGrace(pod)}, true
}

// endReason words the event about a container that is stopped while its pod goes on.
func endReason(pod *corev1.Pod, c container, why string) string {
	switch {
	case c.kind == sidecar || c.kind == initial:
		return fmt.Sprintf("Init container %s %s", c.Name, why)
	case restarts(pod, c, 1):
		return fmt.Sprintf("Container %s %s, will be restarted", c.Name, why)
	}
	return fmt.Sprintf("Container %s %s", c.Name, why)
}

// terminationGrace is the grace period of a pod that nobody has deleted.
func terminationGrace(pod *corev1.Pod) time.Duration {
	if pod.Spec.TerminationGracePeriodSeconds == nil {
		return minimumGrace
	}
	return time.Duration(*pod.Spec.TerminationGracePeriodSeconds) * time.Second
}

// nextStepDown is nextStep for a pod that is being deleted.
func nextStepDown(pod *corev1.Pod, m *memory, w world) move {
	grace := terminationGrace(pod)
	if pod.DeletionGracePeriodSeconds != nil {
		grace = time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second
	}
	next := nextStepOfStops(pod, m, w, grace)
	switch {
	case next.step != waiting:
		return next
	case pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed:
		// Nothing runs: there is nobody to wait for.
		return move{step: stopped, since: time.Unix(0, 0)}
	case m.removed:
		return move{}
	}
	return move{step: remove}
}

// nextStepOfStops stops all containers of the pod: all hooks run at once, but sidecars get SIGTERM only when the other
// containers have ended, the last one first (kuberuntime_termination_order.go). It is waiting when nothing runs.
func nextStepOfStops(pod *corev1.Pod, m *memory, w world, grace time.Duration) move {
	var soonest move
	all := containersOf(pod)
	for i, c := range all {
		if !runs(pod, c) {
			continue
		}
		turn := time.Time{}
		if c.kind == sidecar {
			turn = m.lastStop
			for j, other := range all {
				if runs(pod, other) && (other.kind == regular || other.kind == sidecar && j > i) {
					turn = w.now.Add(grace)
				}
			}
		}
		soonest = sooner(soonest, nextStepOfStop(pod, c, m, w, grace, turn))
	}
	return soonest
}

func runs(pod *corev1.Pod, c container) bool {
	status := containerStatus(&pod.Status, c.Name)
	return status != nil && status.State.Running != nil
}

// nextStepOfStop stops one container. turn is when its turn comes; zero means at once.
func nextStepOfStop(pod *corev1.Pod, c container, m *memory, w world, grace time.Duration, turn time.Time) move {
	next := move{step: kill, container: c.Container, kind: c.kind, message: "Stopping container " + c.Name}
	if why, is := m.condemnationOf(pod, c, containerStatus(&pod.Status, c.Name)); is && pod.DeletionTimestamp == nil && !m.overdue {
		next.message = why.message
	}
	told := m.told[c.Name]
	if told.IsZero() {
		return next
	}
	hook, fails := preStop(w.commands, c.Container)
	if fails && hook <= grace && !m.hookFailed[c.Name] {
		next.step, next.message, next.at = hookFailed, "PreStopHook failed", told.Add(hook)
		return next
	}
	last := told.Add(grace)
	term := told.Add(min(hook, grace))
	if turn.After(term) {
		term = turn
	}
	if term.After(last) {
		term = last
	}
	declared := w.conduct(c.Container)
	next.step = stopped
	next.stop = &stopping{term: term, left: max(last.Sub(term), minimumGrace)}
	next.stop.deaf = declared.IgnoresSIGTERM != nil && *declared.IgnoresSIGTERM
	if declared.StopAfter != nil {
		next.stop.needs = &declared.StopAfter.Duration
	}
	if declared.StopExitCode != nil {
		next.stop.code = *declared.StopExitCode
	}
	return next
}

// preStop returns how long the container's preStop hook takes and whether it fails. A command that a simulated
// container does not have is taken to be one that the image has.
func preStop(commands *command.Set, c *corev1.Container) (takes time.Duration, fails bool) {
	if c.Lifecycle == nil || c.Lifecycle.PreStop == nil {
		return 0, false
	}
	hook := c.Lifecycle.PreStop
	switch {
	case hook.Sleep != nil:
		return time.Duration(hook.Sleep.Seconds) * time.Second, false
	case hook.Exec != nil:
		result := commands.Run(hook.Exec.Command, command.Place{}, nil)
		return result.Takes, result.Known && result.Code != 0
	}
	return 0, false
}
