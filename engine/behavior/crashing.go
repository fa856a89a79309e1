package behavior

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Crashing makes the application end by itself.
type Crashing struct {
	Crash *Crash `json:"crash,omitempty"`
}

// Crash is an end of the application that nobody asked for.
type Crash struct {
	// After is how long the application has run then.
	After metav1.Duration `json:"after,omitempty"`
	// ExitCode is 1 if it is left out.
	ExitCode *int32 `json:"exitCode,omitempty"`
	// Log is what the application writes before.
	Log Lines `json:"log,omitempty"`
	// Times is how many times in a row the crash happens; zero means always. Restarts of the container are counted.
	Times int32 `json:"times,omitempty"`
}

func (c *Crashing) validate(at *field.Path) field.ErrorList {
	if c.Crash == nil {
		return nil
	}
	at = at.Child("crash")
	errs := append(notNegative(at.Child("after"), &c.Crash.After), isExitCode(at.Child("exitCode"), c.Crash.ExitCode)...)
	if c.Crash.Times < 0 {
		errs = append(errs, field.Invalid(at.Child("times"), c.Crash.Times, "must not be negative"))
	}
	return errs
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
