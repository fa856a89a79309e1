package behavior

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Starting is how a container starts.
type Starting struct {
	// StartDelay is added to the time in which the container is created.
	StartDelay *metav1.Duration `json:"startDelay,omitempty"`
}

func (s *Starting) validate(at *field.Path) field.ErrorList {
	return notNegative(at.Child("startDelay"), s.StartDelay)
}
