package behavior

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Probing is what a container's readiness, liveness and startup probe find. It has no effect on a container without
// that probe, as on a real node.
type Probing struct {
	Ready   *Probe `json:"ready,omitempty"`
	Live    *Probe `json:"live,omitempty"`
	Started *Probe `json:"started,omitempty"`
}

func (p *Probing) validate(at *field.Path) field.ErrorList {
	errs := p.Ready.validate(at.Child("ready"))
	errs = append(errs, p.Live.validate(at.Child("live"))...)
	return append(errs, p.Started.validate(at.Child("started"))...)
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

func (p *Probe) validate(at *field.Path) field.ErrorList {
	if p == nil {
		return nil
	}
	var errs field.ErrorList
	if p.After.Duration < 0 {
		errs = append(errs, field.Invalid(at.Child("after"), p.After.Duration.String(), "must not be negative"))
	}
	if p.Never && (p.After.Duration != 0 || p.Failing != nil) {
		errs = append(errs, field.Forbidden(at.Child("never"), "a probe that never succeeds has neither after nor failing"))
	}
	w := p.Failing
	if w != nil && (w.From.Duration < p.After.Duration || w.To != nil && w.To.Duration <= w.From.Duration) {
		errs = append(errs, field.Invalid(at.Child("failing"), w.From.Duration.String(),
			"from must not be before after, and to must be later than from"))
	}
	return errs
}
