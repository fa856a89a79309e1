package kubelet

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/k8slab/k8slab/engine/cluster/embedded/behavior"
)

// The kubelet's back-off for restarts and for image pulls (pkg/kubelet/kubelet.go).
const (
	initialBackOff = 10 * time.Second
	maxBackOff     = 5 * time.Minute
)

// backOffLimits bound a wait that doubles.
type backOffLimits struct{ initial, max time.Duration }

func limitsOf(declared behavior.Conduct) backOffLimits {
	if declared.BackOff == nil {
		return backOffLimits{initialBackOff, maxBackOff}
	}
	return backOffLimits{declared.BackOff.Initial.Duration, declared.BackOff.Max.Duration}
}

// backOffKey tells containers of a pod apart as GetBackoffKey of kuberuntime_manager.go does: with another image it is
// another one.
func backOffKey(c *corev1.Container) string { return c.Name + "/" + c.Image }

// delay is a wait that doubles each time, and was last set at a time. The zero value means no wait.
type delay struct {
	period time.Duration
	set    time.Time
}

// after returns how long to wait after something went wrong at a time: not at all when all went well for twice the
// longest wait before (client-go/util/flowcontrol, Backoff).
func (d delay) after(at time.Time, limits backOffLimits) time.Duration {
	if at.Sub(d.set) > 2*limits.max {
		return 0
	}
	return d.period
}

// next returns the delay after the next try at a time.
func (d delay) next(at time.Time, limits backOffLimits) delay {
	if d.after(at, limits) == 0 {
		return delay{limits.initial, at}
	}
	return delay{min(2*d.period, limits.max), at}
}

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
