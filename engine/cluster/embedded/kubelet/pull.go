package kubelet

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// pullFailure is how pulling an image failed last.
type pullFailure struct {
	delay
	message string
}

// nextStepOfImage returns the step that brings a container that does not run closer to running.
func nextStepOfImage(c container, status *corev1.ContainerStatus, m *memory, w world) move {
	declared := w.conduct(c.Container)
	next := move{container: c.Container, kind: c.kind, backOff: limitsOf(declared)}
	_, pulling := m.pulling[c.Name]
	failed := m.pulls[backOffKey(c.Container)]
	again := failed.set.Add(failed.period)
	switch {
	case m.images[c.Name] == c.Image:
		next.step = start
		next.restart = status != nil && status.ContainerID != ""
		if declared.StartDelay != nil {
			next.takes = declared.StartDelay.Duration
			next.since = w.now
		}
	case pulling && declared.ImagePull != nil && declared.ImagePull.Fails:
		next.step = pullFailed
		next.message = pullError(c.Image, declared.ImagePull.Message)
	case pulling:
		next.step = pulled
	case !mustPull(c.Container) && w.has(c.Image):
		next.step = present
	case again.After(w.now) && waitingReason(status) != reasonImagePullBackOff:
		next.step = pullBackOff
		next.message = failed.message
	default:
		next.step = pull
		if again.After(w.now) {
			next.at = again
		}
	}
	return next
}

func waitingReason(status *corev1.ContainerStatus) string {
	if status == nil || status.State.Waiting == nil {
		return ""
	}
	return status.State.Waiting.Reason
}

// pullError words the failure as containerd does, where the lab does not.
func pullError(image, declared string) string {
	if declared != "" {
		return declared
	}
	name := qualifiedImage(image)
	return fmt.Sprintf("rpc error: code = NotFound desc = failed to pull and unpack image %q: failed to resolve reference %q: %s: not found", name, name, name)
}
