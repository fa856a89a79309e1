package kubelet

import (
	"time"

	corev1 "k8s.io/api/core/v1"
)

// turn returns what happens next to a running container for one reason, and a waiting move if nothing does.
type turn func(pod *corev1.Pod, c container, status *corev1.ContainerStatus, m *memory, w world) move

// turns are the reasons for which something happens to a running container, each in a file of its own. What happens
// soonest counts; of two that happen at once, the first.
func turns() []turn {
	return []turn{nextStepOfCrash, nextStepOfWork, nextStepOfProbes}
}

// nextStepOfRunning is nextStepOf for a running container: the container is stopped, ends by itself, or its probes
// decide.
func nextStepOfRunning(pod *corev1.Pod, c container, status *corev1.ContainerStatus, m *memory, w world) move {
	if c.kind == ephemeral {
		return move{}
	}
	if why, is := m.condemnationOf(pod, c, status); is {
		return nextStepOfStop(pod, c, m, w, why.grace, time.Time{})
	}
	var soonest move
	for _, next := range turns() {
		soonest = sooner(soonest, next(pod, c, status, m, w))
	}
	return soonest
}
