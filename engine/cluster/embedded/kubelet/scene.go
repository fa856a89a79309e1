package kubelet

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/k8slab/k8slab/engine/behavior"
)

// scene is what a stage's templates see: a pod at a step. Its exported methods are what a template may call. Those that
// return a patch compute the pod's next status and return what has to change, as the kubelet does
// (pkg/util/pod/pod.go, PatchPodStatus): a strategic merge patch that also pins the UID.
type scene struct {
	pod  *corev1.Pod
	move move
	now  time.Time
	// took is how long the pull of the image took.
	took time.Duration
	// killed says that the grace period ended before the container did.
	killed bool
	// conduct is the declared behaviour of the container.
	conduct behavior.Conduct
	// hostIP is the node's address; takeIP allots one to the pod.
	hostIP netip.Addr
	takeIP func() (netip.Addr, error)
}

// Pod is the pod as it is now.
func (s *scene) Pod() *corev1.Pod { return s.pod }

// PodName names the pod as the kubelet's events and logs do (pkg/kubelet/util/format).
func (s *scene) PodName() string {
	return fmt.Sprintf("%s_%s(%s)", s.pod.Name, s.pod.Namespace, s.pod.UID)
}

// Message is what there is to say about the step.
func (s *scene) Message() string { return s.move.message }

// Container is the container that the step is about.
func (s *scene) Container() *corev1.Container { return s.move.container }

// Image is the container's image as the pod names it.
func (s *scene) Image() string { return s.move.container.Image }

// ImageSize is in bytes.
func (s *scene) ImageSize() int64 { return imageSize(s.move.container.Image) }

// Took is how long the pull took, to the millisecond.
func (s *scene) Took() time.Duration { return s.took.Truncate(time.Millisecond) }

// Admit is the first status that a kubelet writes: nothing runs yet, and what will.
func (s *scene) Admit() (string, error) {
	return s.patch(func(status *corev1.PodStatus, now metav1.Time) error {
		status.StartTime = &now
		status.HostIP = s.hostIP.String()
		status.HostIPs = []corev1.HostIP{{IP: status.HostIP}}
		if s.pod.Spec.HostNetwork {
			setPodIP(status, s.hostIP)
		}
		withWaitingContainers(s.pod, status)
		complete(s.pod, status, false, false, now)
		return nil
	})
}

// Sandbox gives the pod its network.
func (s *scene) Sandbox() (string, error) {
	return s.patch(func(status *corev1.PodStatus, now metav1.Time) error {
		if status.PodIP == "" {
			ip, err := s.takeIP()
			if err != nil {
				return err
			}
			setPodIP(status, ip)
		}
		complete(s.pod, status, false, true, now)
		return nil
	})
}

func setPodIP(status *corev1.PodStatus, ip netip.Addr) {
	status.PodIP = ip.String()
	status.PodIPs = []corev1.PodIP{{IP: status.PodIP}}
}

// Start lets the container run.
func (s *scene) Start() (string, error) {
	return s.patchContainer(func(c *corev1.ContainerStatus, now metav1.Time) {
		markRunning(s.pod, container{s.move.container, s.move.kind}, c, now)
	})
}

// Ready lets the container's probes succeed, but for a readiness probe of which something else is declared.
func (s *scene) Ready() (string, error) {
	return s.patchContainer(func(c *corev1.ContainerStatus, _ metav1.Time) {
		c.Started = new(true)
		c.Ready = !readinessProbe.played(s.move.container, s.conduct)
	})
}

// Healthy lets one probe succeed.
func (s *scene) Healthy() (string, error) {
	if s.move.probe == startupProbe {
		return s.patchContainer(func(c *corev1.ContainerStatus, _ metav1.Time) {
			c.Started = new(true)
			c.Ready = s.move.container.ReadinessProbe == nil
		})
	}
	return s.patchContainer(func(c *corev1.ContainerStatus, _ metav1.Time) { c.Ready = true })
}

// Unready records that the readiness probe failed too often.
func (s *scene) Unready() (string, error) {
	return s.patchContainer(func(c *corev1.ContainerStatus, _ metav1.Time) { c.Ready = false })
}

// PullFailed records that the image could not be pulled.
func (s *scene) PullFailed() (string, error) { return s.waits(reasonErrImagePull, s.move.message) }

// PullBackOff records that it will not be tried again soon (image_manager.go, pullImage).
func (s *scene) PullBackOff() (string, error) {
	return s.waits(reasonImagePullBackOff, fmt.Sprintf("Back-off pulling image %q: %s: %s", s.Image(), reasonErrImagePull, s.move.message))
}

// BackOff records that the container is not started again at once (kuberuntime_manager.go, doBackOff).
func (s *scene) BackOff() (string, error) {
	return s.waits(reasonCrashLoopBackOff,
		fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", s.move.message, s.move.container.Name, s.PodName()))
}

func (s *scene) waits(reason, message string) (string, error) {
	return s.patchContainer(func(c *corev1.ContainerStatus, _ metav1.Time) { markWaiting(c, reason, message) })
}

// Rebooted records that the containers went with the machine, and that the pod is to be started anew, with a new
// network and from its first init container on.
func (s *scene) Rebooted() (string, error) {
	return s.patch(func(status *corev1.PodStatus, now metav1.Time) error {
		markDead(status, now)
		for _, c := range containersOf(s.pod) {
			if state := containerStatus(status, c.Name); c.kind == initial && state != nil && state.State.Terminated != nil {
				markWaiting(state, reasonPodInitializing, "")
			}
		}
		if !s.pod.Spec.HostNetwork {
			status.PodIP, status.PodIPs = "", nil
		}
		complete(s.pod, status, false, false, now)
		return nil
	})
}

// Lost records that the containers went with the machine.
func (s *scene) Lost() (string, error) {
	return s.patch(func(status *corev1.PodStatus, now metav1.Time) error {
		markDead(status, now)
		complete(s.pod, status, true, false, now)
		return nil
	})
}

func markDead(status *corev1.PodStatus, now metav1.Time) {
	forEachStatus(status, func(c *corev1.ContainerStatus) {
		if c.State.Running != nil {
			markTerminated(c, exitCodeUnknown, now)
		}
	})
}

func forEachStatus(status *corev1.PodStatus, do func(*corev1.ContainerStatus)) {
	for _, list := range [][]corev1.ContainerStatus{status.InitContainerStatuses, status.ContainerStatuses, status.EphemeralContainerStatuses} {
		for i := range list {
			do(&list[i])
		}
	}
}

// Exit lets the container end by itself.
func (s *scene) Exit() (string, error) {
	return s.patch(func(status *corev1.PodStatus, now metav1.Time) error {
		code := s.move.code
		ended := containerStatus(status, s.move.container.Name)
		markTerminated(ended, code, now)
		ended.Ready = s.move.kind == initial && code == 0
		complete(s.pod, status, false, true, now)
		return nil
	})
}

// Observe brings the status up to date with the spec and with conditions that others have set.
func (s *scene) Observe() (string, error) {
	return s.patch(func(status *corev1.PodStatus, now metav1.Time) error {
		withWaitingContainers(s.pod, status)
		complete(s.pod, status, false, true, now)
		return nil
	})
}

// Stopped records how a container that was told to stop ended: by itself, or with SIGKILL when its time was over. With
// the last container of a pod that goes, the pod ends too.
func (s *scene) Stopped() (string, error) {
	return s.patch(func(status *corev1.PodStatus, now metav1.Time) error {
		withWaitingContainers(s.pod, status)
		code := int32(0)
		switch {
		case s.killed:
			code = exitCodeKilled
		case s.move.stop != nil:
			code = s.move.stop.code
		}
		running := false
		forEachStatus(status, func(c *corev1.ContainerStatus) {
			switch {
			case c.State.Running == nil:
			case s.move.container == nil || s.move.container.Name == c.Name:
				markTerminated(c, code, now)
			default:
				running = true
			}
		})
		if running || s.pod.DeletionTimestamp == nil && !s.move.overdue {
			complete(s.pod, status, false, true, now)
			return nil
		}
		forEachStatus(status, func(c *corev1.ContainerStatus) {
			if c.State.Terminated == nil {
				markLost(c)
			}
		})
		if s.move.overdue && s.pod.DeletionTimestamp == nil {
			status.Phase, status.Reason, status.Message = corev1.PodFailed, reasonDeadlineExceeded, messageDeadlineExceeded
		}
		complete(s.pod, status, true, false, now)
		return nil
	})
}

// exitCodeKilled is the exit code of a process that SIGKILL ended.
const exitCodeKilled = 137

func (s *scene) patchContainer(change func(*corev1.ContainerStatus, metav1.Time)) (string, error) {
	return s.patch(func(status *corev1.PodStatus, now metav1.Time) error {
		withWaitingContainers(s.pod, status)
		change(containerStatus(status, s.move.container.Name), now)
		complete(s.pod, status, false, true, now)
		return nil
	})
}

// patch returns the patch from the pod's status to what change makes of it.
func (s *scene) patch(change func(status *corev1.PodStatus, now metav1.Time) error) (string, error) {
	next := s.pod.Status.DeepCopy()
	if err := change(next, metav1.NewTime(s.now)); err != nil {
		return "", err
	}
	old, err := json.Marshal(corev1.Pod{Status: s.pod.Status})
	if err != nil {
		return "", fmt.Errorf("encode status of pod %s/%s: %w", s.pod.Namespace, s.pod.Name, err)
	}
	changed, err := json.Marshal(corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: s.pod.UID}, Status: *next})
	if err != nil {
		return "", fmt.Errorf("encode status of pod %s/%s: %w", s.pod.Namespace, s.pod.Name, err)
	}
	patch, err := strategicpatch.CreateTwoWayMergePatch(old, changed, corev1.Pod{})
	if err != nil {
		return "", fmt.Errorf("compare statuses of pod %s/%s: %w", s.pod.Namespace, s.pod.Name, err)
	}
	return string(patch), nil
}
