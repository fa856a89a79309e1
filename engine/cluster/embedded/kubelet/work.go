package kubelet

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/k8slab/k8slab/engine/cluster/embedded/kubelet/command"
)

// nextStepOfWork is the turn of a container that ends when its work is done. One that is going to crash does not get
// there.
func nextStepOfWork(pod *corev1.Pod, c container, status *corev1.ContainerStatus, _ *memory, w world) move {
	switch {
	case w.conduct(c.Container).Crash.Happens(status.RestartCount):
		return move{}
	case c.kind == initial || c.kind == regular && w.ends(pod, c):
		return move{
			step: exit, container: c.Container, kind: c.kind,
			since: status.State.Running.StartedAt.Time, takes: w.runTime(c), code: w.exitCode(c),
		}
	}
	return move{}
}

// Default run times of containers whose command tells nothing about theirs.
const (
	initRunTime = 300 * time.Millisecond
	jobRunTime  = 2 * time.Second
)

// ends reports whether the container ends by itself: it is part of a Job, or runs a command that is known to end.
func (w world) ends(pod *corev1.Pod, c container) bool {
	for _, owner := range pod.OwnerReferences {
		if owner.Kind == "Job" {
			return true
		}
	}
	return w.foresee(commandLine(c.Container)).Known
}

// runTime returns how long the container runs until it ends by itself.
func (w world) runTime(c container) time.Duration {
	if result := w.foresee(commandLine(c.Container)); result.Known {
		return result.Takes
	}
	if c.kind == initial {
		return initRunTime
	}
	return jobRunTime
}

// exitCode of a container that ends by itself is that of its command line, or success if that is up to the image.
func (w world) exitCode(c container) int32 {
	if result := w.foresee(commandLine(c.Container)); result.Known {
		return int32(result.Code)
	}
	return 0
}

// foresee answers a command line in advance, in a container of which nothing is known.
func (w world) foresee(argv []string) command.Outcome {
	return w.commands.Run(argv, command.Place{}, nil)
}
