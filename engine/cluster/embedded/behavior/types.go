package behavior

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// APIVersion and Kind mark the documents of this package.
const (
	APIVersion = "k8slab.dev/v1alpha1"
	Kind       = "SimulatedWorkload"
)

// Behavior is the declared behaviour of the containers that it selects.
type Behavior struct {
	// Name is unique in a cluster.
	Name string `json:"name"`
	Spec Spec   `json:"spec"`
}

// Spec says which containers behave how.
type Spec struct {
	Selector Selector `json:"selector"`
	Conduct
}

// Selector selects containers. All that is given must hold, and something must be given.
type Selector struct {
	// Namespace of the pod; empty means every namespace.
	Namespace string `json:"namespace,omitempty"`
	// Labels of the pod.
	metav1.LabelSelector
	// Image of the container. Without tag and digest it means all of them.
	Image string `json:"image,omitempty"`
	// Container is the container's name.
	Container string `json:"container,omitempty"`
}

// Conduct is how a container behaves. What is left out is as without it.
type Conduct struct {
	// StartDelay is added to the time in which the container is created.
	StartDelay *metav1.Duration `json:"startDelay,omitempty"`
	// Logs are the lines that the application writes when it has started, instead of the usual ones.
	Logs Lines `json:"logs,omitempty"`

	// StopAfter is how long the application needs to end after SIGTERM. The grace period may cut it short.
	StopAfter *metav1.Duration `json:"stopAfter,omitempty"`
	// StopExitCode is with what it then ends: 0, or 143 for an application that lets the signal end it.
	StopExitCode *int32 `json:"stopExitCode,omitempty"`
	// IgnoresSIGTERM says that only SIGKILL ends it.
	IgnoresSIGTERM *bool `json:"ignoresSIGTERM,omitempty"`

	// Ready, Live and Started are what the container's readiness, liveness and startup probe find. They have no effect
	// on a container without that probe, as on a real node.
	Ready   *Probe `json:"ready,omitempty"`
	Live    *Probe `json:"live,omitempty"`
	Started *Probe `json:"started,omitempty"`

	// Crash makes the application end by itself.
	Crash *Crash `json:"crash,omitempty"`
	// ImagePull says how pulling the image goes.
	ImagePull *ImagePull `json:"imagePull,omitempty"`
	// BackOff shortens the waits between restarts and between pulls, so that a lesson need not wait as long as one
	// would on a real node.
	BackOff *BackOff `json:"backOff,omitempty"`

	// Usage is what the container uses.
	Usage *Usage `json:"usage,omitempty"`
}

// Probe is what a probe finds. Times are counted from the start of the container. The zero value always succeeds.
type Probe struct {
	// After is when the probe first succeeds.
	After metav1.Duration `json:"after,omitempty"`
	// Never says that it never does.
	Never bool `json:"never,omitempty"`
	// Failing is a time during which the probe fails again.
	Failing *Window `json:"failing,omitempty"`
	// Message is what the probe says when it fails; empty means what fits the kind of probe.
	Message string `json:"message,omitempty"`
}

// Window is a time from and, if it ends, to.
type Window struct {
	From metav1.Duration  `json:"from,omitempty"`
	To   *metav1.Duration `json:"to,omitempty"`
}

// Crash is an end of the application that nobody asked for.
type Crash struct {
	// After is how long it has run then.
	After metav1.Duration `json:"after,omitempty"`
	// ExitCode is 1 where it is left out.
	ExitCode *int32 `json:"exitCode,omitempty"`
	// Log is what it writes before.
	Log Lines `json:"log,omitempty"`
	// Times is how many times in a row it happens; zero means always. Restarts of the container are counted.
	Times int32 `json:"times,omitempty"`
}

// ImagePull is how pulling an image goes.
type ImagePull struct {
	Fails bool `json:"fails,omitempty"`
	// Message is the runtime's; empty means that the image was not found.
	Message string `json:"message,omitempty"`
}

// BackOff doubles from Initial to Max. A real node has 10 s and 5 min.
type BackOff struct {
	Initial metav1.Duration `json:"initial"`
	Max     metav1.Duration `json:"max"`
}

// Usage of a container.
type Usage struct {
	CPU    *resource.Quantity `json:"cpu,omitempty"`
	Memory *resource.Quantity `json:"memory,omitempty"`
}

// Lines are written in YAML as a list or as one text.
type Lines []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *Lines) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*l = strings.Split(strings.TrimRight(text, "\n"), "\n")
		return nil
	}
	var list []string
	if err := json.Unmarshal(data, &list); err != nil {
		return fmt.Errorf("want a text or a list of lines: %w", err)
	}
	*l = list
	return nil
}

// Succeeds reports whether the probe succeeds when the container has run so long.
func (p *Probe) Succeeds(ran time.Duration) bool {
	switch {
	case p == nil:
		return true
	case p.Never || ran < p.After.Duration:
		return false
	case p.Failing == nil || ran < p.Failing.From.Duration:
		return true
	}
	return p.Failing.To != nil && ran >= p.Failing.To.Duration
}

// FailsAfter returns how long the container will have run when the probe, which succeeds now, fails again. The second
// result is false if it never will.
func (p *Probe) FailsAfter(ran time.Duration) (time.Duration, bool) {
	if p == nil || p.Failing == nil || ran >= p.Failing.From.Duration {
		return 0, false
	}
	return p.Failing.From.Duration, true
}

// Happens reports whether a container that was restarted so often crashes. A nil Crash never does.
func (c *Crash) Happens(restarts int32) bool {
	return c != nil && (c.Times == 0 || restarts < c.Times)
}

// Code is the exit code of the crash.
func (c *Crash) Code() int32 {
	if c.ExitCode == nil {
		return 1
	}
	return *c.ExitCode
}
