package kubelet

import (
	"time"

	corev1 "k8s.io/api/core/v1"
)

// containerKind is which list of the spec a container is in.
type containerKind int

const (
	regular containerKind = iota
	initial
	sidecar
	ephemeral
)

// container is a container of a pod together with its kind.
type container struct {
	*corev1.Container
	kind containerKind
}

// containersOf returns the containers of the pod in the order in which the kubelet starts them.
func containersOf(pod *corev1.Pod) []container {
	all := make([]container, 0, len(pod.Spec.InitContainers)+len(pod.Spec.Containers)+len(pod.Spec.EphemeralContainers))
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		kind := initial
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			kind = sidecar
		}
		all = append(all, container{c, kind})
	}
	for i := range pod.Spec.Containers {
		all = append(all, container{&pod.Spec.Containers[i], regular})
	}
	for i := range pod.Spec.EphemeralContainers {
		// An ephemeral container has the fields of a container, by definition of the type.
		c := corev1.Container(pod.Spec.EphemeralContainers[i].EphemeralContainerCommon)
		all = append(all, container{&c, ephemeral})
	}
	return all
}

// probeTime returns how long after the start of the container its probes first succeed.
func probeTime(c *corev1.Container) time.Duration {
	seconds := int32(0)
	if c.StartupProbe != nil {
		seconds = c.StartupProbe.InitialDelaySeconds
	}
	if c.ReadinessProbe != nil {
		seconds = max(seconds, c.ReadinessProbe.InitialDelaySeconds)
	}
	return time.Duration(seconds) * time.Second
}

// commandLine returns what the container runs, and nothing if that is up to the image.
func commandLine(c *corev1.Container) []string {
	if len(c.Command) == 0 {
		return nil
	}
	return append(append([]string{}, c.Command...), c.Args...)
}

// restarts reports whether a container that ended with the exit code is started again (pkg/api/v1/pod/util.go,
// ContainerShouldRestart, without restartPolicyRules).
func restarts(pod *corev1.Pod, c container, exitCode int32) bool {
	switch c.kind {
	case ephemeral:
		return false
	case sidecar:
		return true
	}
	policy := pod.Spec.RestartPolicy
	if c.RestartPolicy != nil {
		policy = corev1.RestartPolicy(*c.RestartPolicy)
	}
	if c.kind == initial && exitCode == 0 {
		return false
	}
	return policy == corev1.RestartPolicyAlways || policy == corev1.RestartPolicyOnFailure && exitCode != 0
}
