package kubelet

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/k8slab/k8slab/engine/behavior"
)

// probeKind is a kind of probe as events name it; empty means none.
type probeKind string

const (
	startupProbe   probeKind = "Startup"
	livenessProbe  probeKind = "Liveness"
	readinessProbe probeKind = "Readiness"
)

// of returns the container's probe of the kind and what is declared of it; either may be nil.
func (k probeKind) of(c *corev1.Container, declared behavior.Conduct) (*corev1.Probe, *behavior.Probe) {
	switch k {
	case startupProbe:
		return c.StartupProbe, declared.Started
	case livenessProbe:
		return c.LivenessProbe, declared.Live
	}
	return c.ReadinessProbe, declared.Ready
}

// played reports whether the container has a probe of the kind of which something is declared. All other probes succeed
// the first time and ever after.
func (k probeKind) played(c *corev1.Container, declared behavior.Conduct) bool {
	probe, behaves := k.of(c, declared)
	return probe != nil && behaves != nil
}

// probing is how a container's probe went so far (prober/worker.go).
type probing struct {
	// containerID is the container that was probed.
	containerID string
	next        time.Time
	failures    int32
}

// nextStepOfProbes is the turn of the probes of a running container.
func nextStepOfProbes(_ *corev1.Pod, c container, status *corev1.ContainerStatus, m *memory, w world) move {
	if c.kind == initial || c.kind == ephemeral {
		return move{}
	}
	declared := w.conduct(c.Container)
	started := status.Started != nil && *status.Started
	if !started && startupProbe.played(c.Container, declared) {
		return nextProbe(c, startupProbe, false, status, m, w)
	}
	next := move{}
	switch plays := readinessProbe.played(c.Container, declared); {
	case started && plays:
		next = nextProbe(c, readinessProbe, status.Ready, status, m, w)
	case !started || !status.Ready:
		next = move{step: ready, container: c.Container, kind: c.kind, since: status.State.Running.StartedAt.Time, takes: probeTime(c.Container)}
	}
	if started && livenessProbe.played(c.Container, declared) {
		next = sooner(next, nextProbe(c, livenessProbe, true, status, m, w))
	}
	return next
}

// nextProbe returns the next run of a probe that changes something. good says that it succeeded so far.
func nextProbe(c container, kind probeKind, good bool, status *corev1.ContainerStatus, m *memory, w world) move {
	spec, declared := kind.of(c.Container, w.conduct(c.Container))
	began := exactly(m.started[c.Name], status.State.Running.StartedAt.Time)
	period := time.Duration(max(spec.PeriodSeconds, 1)) * time.Second
	p := m.probes[probeKey(c.Name, kind)]
	if p.containerID != status.ContainerID {
		p = probing{next: began.Add(time.Duration(spec.InitialDelaySeconds) * time.Second)}
	}
	at := p.next
	if at.Before(w.now.Add(-period)) {
		at = w.now
	}
	next := move{container: c.Container, kind: c.kind, probe: kind, at: at}
	if declared.Succeeds(at.Sub(began)) {
		if !good {
			next.step = healthy
			next.at = at.Add(time.Duration(max(spec.SuccessThreshold, 1)-1) * period)
			return next
		}
		fails, will := declared.FailsAfter(at.Sub(began))
		if !will {
			return move{}
		}
		runs := (fails - at.Sub(began) + period - 1) / period
		next.at = at.Add(runs * period)
	}
	next.step = unhealthy
	next.message = probeFailure(spec, kind, declared)
	next.crosses = p.failures+1 >= max(spec.FailureThreshold, 1)
	if next.crosses && kind == readinessProbe && status.Ready {
		next.step = unready
	}
	return next
}

func probeKey(container string, kind probeKind) string { return container + "/" + string(kind) }

// probed remembers a run of a probe, and what a failing one leads to.
func (m *memory) probed(pod *corev1.Pod, made move) {
	spec, _ := made.probe.of(made.container, behavior.Conduct{})
	c := container{made.container, made.kind}
	status := containerStatus(&pod.Status, c.Name)
	p := m.probes[probeKey(c.Name, made.probe)]
	if p.containerID != status.ContainerID {
		p = probing{containerID: status.ContainerID}
	}
	p.next = made.at.Add(time.Duration(max(spec.PeriodSeconds, 1)) * time.Second)
	if made.step == healthy {
		p.failures = 0
	} else {
		p.failures++
	}
	m.probes[probeKey(c.Name, made.probe)] = p
	if made.step == healthy || made.probe == readinessProbe || !made.crosses {
		return
	}
	why := condemnation{containerID: status.ContainerID, message: endReason(pod, c, "failed liveness probe"), grace: terminationGrace(pod)}
	if made.probe == startupProbe {
		why.message = endReason(pod, c, "failed startup probe")
	}
	if spec.TerminationGracePeriodSeconds != nil {
		why.grace = time.Duration(*spec.TerminationGracePeriodSeconds) * time.Second
	}
	m.condemned[c.Name] = why
}

// probeFailure words the failure as the kubelet's probes do (pkg/kubelet/prober/prober.go and pkg/probe).
func probeFailure(spec *corev1.Probe, kind probeKind, declared *behavior.Probe) string {
	output := declared.Message
	if output == "" {
		switch {
		case spec.HTTPGet != nil:
			output = "HTTP probe failed with statuscode: 503"
		case spec.TCPSocket != nil:
			output = fmt.Sprintf("dial tcp :%s: connect: connection refused", spec.TCPSocket.Port.String())
		case spec.GRPC != nil:
			output = `service unhealthy (responded with "NOT_SERVING")`
		}
	}
	return fmt.Sprintf("%s probe failed: %s", kind, output)
}
