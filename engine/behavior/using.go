package behavior

import (
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Using is what the container uses of its machine.
type Using struct {
	Usage *Usage `json:"usage,omitempty"`
}

// Usage of a container.
type Usage struct {
	CPU    *resource.Quantity `json:"cpu,omitempty"`
	Memory *resource.Quantity `json:"memory,omitempty"`
}

func (u *Using) validate(at *field.Path) field.ErrorList {
	if u.Usage == nil {
		return nil
	}
	at = at.Child("usage")
	var errs field.ErrorList
	if cpu := u.Usage.CPU; cpu != nil && cpu.Sign() < 0 {
		errs = append(errs, field.Invalid(at.Child("cpu"), cpu.String(), "must not be negative"))
	}
	if memory := u.Usage.Memory; memory != nil && memory.Sign() < 0 {
		errs = append(errs, field.Invalid(at.Child("memory"), memory.String(), "must not be negative"))
	}
	return errs
}
