package behavior

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Stopping is how a container ends when it is told to.
type Stopping struct {
	// StopAfter is how long the application needs to end after SIGTERM. The grace period may cut it short.
	StopAfter *metav1.Duration `json:"stopAfter,omitempty"`
	// StopExitCode is the exit code of that end: 0, or 143 for an application that lets the signal end it.
	StopExitCode *int32 `json:"stopExitCode,omitempty"`
	// IgnoresSIGTERM says that only SIGKILL ends the application.
	IgnoresSIGTERM *bool `json:"ignoresSIGTERM,omitempty"`
}

func (s *Stopping) validate(at *field.Path) field.ErrorList {
	errs := notNegative(at.Child("stopAfter"), s.StopAfter)
	errs = append(errs, isExitCode(at.Child("stopExitCode"), s.StopExitCode)...)
	if s.IgnoresSIGTERM != nil && *s.IgnoresSIGTERM && s.StopAfter != nil {
		errs = append(errs, field.Forbidden(at.Child("stopAfter"), "an application that ignores SIGTERM never stops"))
	}
	return errs
}
