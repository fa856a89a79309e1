package kubelet

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Reasons and messages of pkg/kubelet/status/generate.go, pkg/kubelet/types/constants.go and
// pkg/kubelet/kubelet_pods.go.
const (
	reasonContainersNotReady       = "ContainersNotReady"
	reasonContainersNotInitialized = "ContainersNotInitialized"
	reasonReadinessGatesNotReady   = "ReadinessGatesNotReady"
	reasonPodCompleted             = "PodCompleted"
	reasonPodFailed                = "PodFailed"
	reasonSandboxNotReady          = "PodSandboxNotReady"
	reasonContainerCreating        = "ContainerCreating"
	reasonPodInitializing          = "PodInitializing"
	reasonCompleted                = "Completed"
	reasonError                    = "Error"
	reasonStatusUnknown            = "ContainerStatusUnknown"
	reasonCrashLoopBackOff         = "CrashLoopBackOff"
	reasonErrImagePull             = "ErrImagePull"
	reasonImagePullBackOff         = "ImagePullBackOff"
	reasonUnknown                  = "Unknown"
	reasonDeadlineExceeded         = "DeadlineExceeded"
	messageDeadlineExceeded        = "Pod was active on the node longer than the specified deadline"
	messageStatusUnknown           = "The container could not be located when the pod was terminated"
)

// containerStatus returns the status of the named container, and nil where there is none yet.
func containerStatus(status *corev1.PodStatus, name string) *corev1.ContainerStatus {
	for _, list := range [][]corev1.ContainerStatus{status.InitContainerStatuses, status.ContainerStatuses, status.EphemeralContainerStatuses} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}

// withWaitingContainers fills in the statuses of containers that have none, in the order of the spec
// (convertToAPIContainerStatuses).
func withWaitingContainers(pod *corev1.Pod, status *corev1.PodStatus) {
	reason := reasonContainerCreating
	if len(pod.Spec.InitContainers) > 0 {
		reason = reasonPodInitializing
	}
	status.InitContainerStatuses = waitingStatuses(pod.Spec.InitContainers, status.InitContainerStatuses, reason)
	status.ContainerStatuses = waitingStatuses(pod.Spec.Containers, status.ContainerStatuses, reason)
	var added []corev1.Container
	for _, c := range containersOf(pod) {
		if c.kind == ephemeral {
			added = append(added, *c.Container)
		}
	}
	status.EphemeralContainerStatuses = waitingStatuses(added, status.EphemeralContainerStatuses, reasonContainerCreating)
}

func waitingStatuses(containers []corev1.Container, known []corev1.ContainerStatus, reason string) []corev1.ContainerStatus {
	byName := map[string]corev1.ContainerStatus{}
	for _, s := range known {
		byName[s.Name] = s
	}
	var all []corev1.ContainerStatus
	for i := range containers {
		c := &containers[i]
		s, ok := byName[c.Name]
		if !ok {
			s = corev1.ContainerStatus{
				Name:         c.Name,
				Image:        c.Image,
				Started:      new(false),
				State:        corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}},
				VolumeMounts: mountStatuses(c),
			}
		}
		all = append(all, s)
	}
	return all
}

func mountStatuses(c *corev1.Container) []corev1.VolumeMountStatus {
	var mounts []corev1.VolumeMountStatus
	for _, m := range c.VolumeMounts {
		s := corev1.VolumeMountStatus{Name: m.Name, MountPath: m.MountPath, ReadOnly: m.ReadOnly}
		if m.ReadOnly {
			s.RecursiveReadOnly = new(corev1.RecursiveReadOnlyDisabled)
		}
		mounts = append(mounts, s)
	}
	return mounts
}

// markRunning records that the container runs since now. Without probes it is ready at once; a readiness probe that has
// not run yet means not ready, a startup probe not started (prober_manager.go, UpdatePodStatus).
func markRunning(pod *corev1.Pod, c container, status *corev1.ContainerStatus, now metav1.Time) {
	if status.ContainerID != "" {
		status.RestartCount++
	}
	if status.State.Terminated != nil {
		status.LastTerminationState = status.State
	}
	status.Image = qualifiedImage(c.Image)
	status.ImageID = imageID(c.Image)
	status.ContainerID = containerID(pod.UID, c.Name, status.RestartCount)
	status.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}
	status.Started = new(c.StartupProbe == nil)
	status.Ready = c.StartupProbe == nil && c.ReadinessProbe == nil && c.kind != initial && c.kind != ephemeral
	status.AllocatedResources = c.Resources.Requests
	status.Resources = c.Resources.DeepCopy()
	status.User = &corev1.ContainerUser{Linux: linuxUser(pod, c.Container)}
}

// linuxUser returns the identity of the container's first process: root, unless the security context says otherwise.
func linuxUser(pod *corev1.Pod, c *corev1.Container) *corev1.LinuxContainerUser {
	user := &corev1.LinuxContainerUser{}
	if p := pod.Spec.SecurityContext; p != nil {
		if p.RunAsUser != nil {
			user.UID = *p.RunAsUser
		}
		if p.RunAsGroup != nil {
			user.GID = *p.RunAsGroup
		}
		user.SupplementalGroups = append(user.SupplementalGroups, p.SupplementalGroups...)
		if p.FSGroup != nil {
			user.SupplementalGroups = append(user.SupplementalGroups, *p.FSGroup)
		}
	}
	if s := c.SecurityContext; s != nil {
		if s.RunAsUser != nil {
			user.UID = *s.RunAsUser
		}
		if s.RunAsGroup != nil {
			user.GID = *s.RunAsGroup
		}
	}
	user.SupplementalGroups = append([]int64{user.GID}, user.SupplementalGroups...)
	return user
}

// containerID is the same whenever it is asked for, so that it survives a restart of the simulator.
func containerID(uid types.UID, name string, restarts int32) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%d", uid, name, restarts))
	return "containerd://" + hex.EncodeToString(sum[:])
}

// markWaiting records why a container that should run does not.
func markWaiting(status *corev1.ContainerStatus, reason, message string) {
	if status.State.Terminated != nil {
		status.LastTerminationState = status.State
	}
	status.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
	status.Started = new(false)
	status.Ready = false
}

// markTerminated records that a running container ended.
func markTerminated(status *corev1.ContainerStatus, exitCode int32, now metav1.Time) {
	reason := reasonCompleted
	switch exitCode {
	case 0:
	case exitCodeUnknown:
		// What containerd reports of a container that it finds dead when it starts (internal/cri/server, recovery).
		reason = reasonUnknown
	default:
		reason = reasonError
	}
	status.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode:    exitCode,
		Reason:      reason,
		StartedAt:   status.State.Running.StartedAt,
		FinishedAt:  now,
		ContainerID: status.ContainerID,
	}}
	status.Started = new(false)
	status.Ready = false
}

// exitCodeUnknown is the exit code of a container whose end nobody saw.
const exitCodeUnknown = 255

// markLost records that a container of a terminated pod does not run and never did, or ended and was waiting to be
// started again (status_manager.go, TerminatePod).
func markLost(status *corev1.ContainerStatus) {
	status.Ready = false
	status.Started = new(false)
	if status.LastTerminationState.Terminated != nil {
		status.State, status.LastTerminationState = status.LastTerminationState, corev1.ContainerState{}
		return
	}
	status.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: 137,
		Reason:   reasonStatusUnknown,
		Message:  messageStatusUnknown,
	}}
}

// complete derives from the container statuses what follows from them: phase, conditions, observed generation.
// terminal says that nothing will be restarted, because the pod is being deleted.
func complete(pod *corev1.Pod, status *corev1.PodStatus, terminal, hasSandbox bool, now metav1.Time) {
	if status.Phase != corev1.PodSucceeded && status.Phase != corev1.PodFailed {
		status.Phase = phase(pod, status, terminal)
	}
	status.ObservedGeneration = pod.Generation
	old := status.Conditions
	status.Conditions = nil
	for _, c := range old {
		if !byKubelet(c.Type) {
			status.Conditions = append(status.Conditions, c)
		}
	}
	for _, c := range []corev1.PodCondition{
		sandboxCondition(hasSandbox && status.Phase != corev1.PodSucceeded && status.Phase != corev1.PodFailed),
		initializedCondition(pod, status),
		readyCondition(pod, status),
		containersReadyCondition(pod, status),
		{Type: corev1.PodScheduled, Status: corev1.ConditionTrue},
	} {
		c.ObservedGeneration = pod.Generation
		c.LastTransitionTime = now
		for _, o := range old {
			if o.Type == c.Type && o.Status == c.Status {
				c.LastTransitionTime = o.LastTransitionTime
			}
		}
		status.Conditions = append(status.Conditions, c)
	}
}

// byKubelet reports whether the kubelet owns the condition (types.PodConditionByKubelet). DisruptionTarget is shared:
// the kubelet keeps what it finds.
func byKubelet(t corev1.PodConditionType) bool {
	switch t {
	case corev1.PodScheduled, corev1.PodReady, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReadyToStartContainers:
		return true
	}
	return false
}

func sandboxCondition(has bool) corev1.PodCondition {
	if has {
		return corev1.PodCondition{Type: corev1.PodReadyToStartContainers, Status: corev1.ConditionTrue}
	}
	return corev1.PodCondition{Type: corev1.PodReadyToStartContainers, Status: corev1.ConditionFalse, Reason: reasonSandboxNotReady}
}

func initializedCondition(pod *corev1.Pod, status *corev1.PodStatus) corev1.PodCondition {
	c := corev1.PodCondition{Type: corev1.PodInitialized, Status: corev1.ConditionTrue}
	if status.Phase == corev1.PodSucceeded {
		c.Reason = reasonPodCompleted
		return c
	}
	for i := range status.ContainerStatuses {
		if s := &status.ContainerStatuses[i]; s.ContainerID != "" {
			return c
		}
	}
	var incomplete []string
	for _, k := range containersOf(pod) {
		s := containerStatus(status, k.Name)
		switch {
		case s == nil:
		case k.kind == sidecar && (s.Started == nil || !*s.Started), k.kind == initial && !s.Ready:
			incomplete = append(incomplete, k.Name)
		}
	}
	if len(incomplete) > 0 {
		c.Status = corev1.ConditionFalse
		c.Reason = reasonContainersNotInitialized
		c.Message = fmt.Sprintf("containers with incomplete status: %s", incomplete)
	}
	return c
}

func containersReadyCondition(pod *corev1.Pod, status *corev1.PodStatus) corev1.PodCondition {
	c := corev1.PodCondition{Type: corev1.ContainersReady, Status: corev1.ConditionFalse}
	switch status.Phase {
	case corev1.PodSucceeded:
		c.Reason = reasonPodCompleted
		return c
	case corev1.PodFailed:
		c.Reason = reasonPodFailed
		return c
	}
	var unready []string
	for _, k := range containersOf(pod) {
		if k.kind != regular && k.kind != sidecar {
			continue
		}
		if s := containerStatus(status, k.Name); s == nil || !s.Ready {
			unready = append(unready, k.Name)
		}
	}
	if len(unready) > 0 {
		c.Reason = reasonContainersNotReady
		c.Message = fmt.Sprintf("containers with unready status: %s", unready)
		return c
	}
	c.Status = corev1.ConditionTrue
	return c
}

func readyCondition(pod *corev1.Pod, status *corev1.PodStatus) corev1.PodCondition {
	c := containersReadyCondition(pod, status)
	c.Type = corev1.PodReady
	if c.Status != corev1.ConditionTrue {
		return c
	}
	var unready []string
	for _, gate := range pod.Spec.ReadinessGates {
		condition := podCondition(status, gate.ConditionType)
		switch {
		case condition == nil:
			unready = append(unready, fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", gate.ConditionType))
		case condition.Status != corev1.ConditionTrue:
			unready = append(unready, fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %v", gate.ConditionType, condition.Status))
		}
	}
	if len(unready) > 0 {
		c.Status = corev1.ConditionFalse
		c.Reason = reasonReadinessGatesNotReady
		c.Message = strings.Join(unready, ", ")
	}
	return c
}

func podCondition(status *corev1.PodStatus, t corev1.PodConditionType) *corev1.PodCondition {
	for i := range status.Conditions {
		if status.Conditions[i].Type == t {
			return &status.Conditions[i]
		}
	}
	return nil
}

func conditionIsTrue(pod *corev1.Pod, t corev1.PodConditionType) bool {
	c := podCondition(&pod.Status, t)
	return c != nil && c.Status == corev1.ConditionTrue
}

// observed reports whether the status says what follows from spec and containers: it does not after a change of the
// spec, after a readiness gate was opened or closed, or after an ephemeral container was added.
func observed(pod *corev1.Pod) bool {
	want := pod.Status.DeepCopy()
	withWaitingContainers(pod, want)
	complete(pod, want, false, true, metav1.Time{})
	if want.Phase != pod.Status.Phase || want.ObservedGeneration != pod.Status.ObservedGeneration ||
		len(want.EphemeralContainerStatuses) != len(pod.Status.EphemeralContainerStatuses) {
		return false
	}
	for _, w := range want.Conditions {
		got := podCondition(&pod.Status, w.Type)
		if got == nil || got.Status != w.Status || got.Reason != w.Reason || got.Message != w.Message {
			return false
		}
	}
	return true
}

// phase is getPhase of pkg/kubelet/kubelet_pods.go for the states that occur here.
func phase(pod *corev1.Pod, status *corev1.PodStatus, terminal bool) corev1.PodPhase {
	var running, waiting, ended, succeeded, final int
	initialising := false
	for _, c := range containersOf(pod) {
		s := containerStatus(status, c.Name)
		if c.kind == ephemeral {
			continue
		}
		state := corev1.ContainerState{}
		if s != nil {
			state = s.State
		}
		switch c.kind {
		case initial:
			switch code, has := lastExit(s); {
			case !has:
				initialising = true
			case code != 0 && (terminal || !restarts(pod, c, code)):
				return corev1.PodFailed
			case code != 0:
				initialising = true
			}
		case sidecar:
			if state.Running != nil {
				running++
			} else if _, has := lastExit(s); !has {
				initialising = true
			}
		default:
			switch code, has := lastExit(s); {
			case state.Running != nil:
				running++
			case has:
				ended++
				if code == 0 {
					succeeded++
				}
				if !restarts(pod, c, code) {
					final++
				}
			default:
				waiting++
			}
		}
	}
	switch {
	case terminal && running == 0:
		if ended > 0 && waiting == 0 && succeeded == ended {
			return corev1.PodSucceeded
		}
		return corev1.PodFailed
	case initialising || waiting > 0:
		return corev1.PodPending
	case running > 0 || final != ended:
		return corev1.PodRunning
	case succeeded == ended:
		return corev1.PodSucceeded
	}
	return corev1.PodFailed
}

// lastExit returns with what a container that does not run ended, if it ran before.
func lastExit(s *corev1.ContainerStatus) (code int32, has bool) {
	switch {
	case s == nil || s.State.Running != nil:
		return 0, false
	case s.State.Terminated != nil:
		return s.State.Terminated.ExitCode, true
	case s.LastTerminationState.Terminated != nil:
		return s.LastTerminationState.Terminated.ExitCode, true
	}
	return 0, false
}
