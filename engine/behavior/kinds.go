package behavior

import (
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Conduct is how a container behaves: the list of all kinds of things that a workload may declare. Each kind is a
// struct in a file of its own with the kind's fields, their documentation and validation. What is left out is as
// without it.
//
// To add a kind, write its file, as crashing.go does, and add a line here. What it does is the simulated kubelet's to
// play.
type Conduct struct {
	Starting
	Logging
	Stopping
	Probing
	Crashing
	Pulling
	BackingOff
	Using
}

// Programs is the list of all kinds of work that a client may do in its rounds. As with Conduct, each has a file of
// its own and a line here. A client declares one of them.
type Programs struct {
	Applying
}

// kind is one kind of thing that a document may declare. It is an exported struct whose fields are nil if not declared,
// so that kinds are told apart, counted and merged without knowing them.
type kind interface {
	// validate returns what is wrong; at is where the kind's fields are.
	validate(at *field.Path) field.ErrorList
}

// kindsOf returns the kinds that are embedded in the struct to which list points.
func kindsOf(list any) []kind {
	var all []kind
	for i, v := 0, reflect.ValueOf(list).Elem(); i < v.NumField(); i++ {
		all = append(all, v.Field(i).Addr().Interface().(kind))
	}
	return all
}

// validate is that of all kinds.
func (c *Conduct) validate(at *field.Path) field.ErrorList { return validateKinds(c, at) }

func validateKinds(list any, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, k := range kindsOf(list) {
		errs = append(errs, k.validate(at)...)
	}
	return errs
}

// fill sets the fields of to that are not declared to those of from, which has the same type.
func fill(to, from any) { fillValue(reflect.ValueOf(to).Elem(), reflect.ValueOf(from).Elem()) }

func fillValue(to, from reflect.Value) {
	for i := range to.NumField() {
		switch field := to.Field(i); {
		case field.Kind() == reflect.Struct:
			fillValue(field, from.Field(i))
		case field.IsNil():
			field.Set(from.Field(i))
		}
	}
}

// validate wants one program. A client without any is told what apply, the usual one, lacks.
func (p *Programs) validate(at *field.Path) field.ErrorList {
	switch declared(p) {
	case 0:
		return (&Applying{Apply: &ClientApply{}}).validate(at)
	case 1:
		return validateKinds(p, at)
	}
	return field.ErrorList{field.Forbidden(at, "a client has one program")}
}

// declared counts the fields of all kinds that are declared.
func declared(list any) int {
	count := 0
	for _, k := range kindsOf(list) {
		for i, v := 0, reflect.ValueOf(k).Elem(); i < v.NumField(); i++ {
			if !v.Field(i).IsNil() {
				count++
			}
		}
	}
	return count
}

// notNegative and isExitCode are rules that several kinds have.
func notNegative(at *field.Path, d *metav1.Duration) field.ErrorList {
	if d == nil || d.Duration >= 0 {
		return nil
	}
	return field.ErrorList{field.Invalid(at, d.Duration.String(), "must not be negative")}
}

func isExitCode(at *field.Path, code *int32) field.ErrorList {
	if code == nil || *code >= 0 && *code <= 255 {
		return nil
	}
	return field.ErrorList{field.Invalid(at, *code, "must be between 0 and 255")}
}
