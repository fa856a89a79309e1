package kubelet

import (
	corev1 "k8s.io/api/core/v1"
)

// nextStepOfCrash is the turn of a container that is declared to crash.
func nextStepOfCrash(_ *corev1.Pod, c container, status *corev1.ContainerStatus, m *memory, w world) move {
	crash := w.conduct(c.Container).Crash
	if !crash.Happens(status.RestartCount) {
		return move{}
	}
	began := exactly(m.started[c.Name], status.State.Running.StartedAt.Time)
	return move{step: exit, container: c.Container, kind: c.kind, at: began.Add(crash.After.Duration), code: crash.Code()}
}
