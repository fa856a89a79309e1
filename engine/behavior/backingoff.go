package behavior

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// BackingOff shortens the waits between restarts and between pulls, so that a lesson need not wait as long as one
// would on a real node.
type BackingOff struct {
	BackOff *BackOff `json:"backOff,omitempty"`
}

// BackOff doubles from Initial to Max. A real node has 10 s and 5 min.
type BackOff struct {
	Initial metav1.Duration `json:"initial"`
	Max     metav1.Duration `json:"max"`
}

func (o *BackingOff) validate(at *field.Path) field.ErrorList {
	b := o.BackOff
	if b == nil || b.Initial.Duration >= time.Second && b.Max.Duration >= b.Initial.Duration {
		return nil
	}
	return field.ErrorList{field.Invalid(at.Child("backOff"), b.Initial.Duration.String()+" to "+b.Max.Duration.String(),
		"initial must be 1s at least, and max not less than initial")}
}
