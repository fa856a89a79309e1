package kubelet

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/k8slab/k8slab/engine/behavior"
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

// backOffKey tells containers of a pod apart as GetBackoffKey of kuberuntime_manager.go does: a container whose image
// was changed starts over.
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
