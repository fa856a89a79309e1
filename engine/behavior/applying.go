package behavior

import (
	apivalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Applying is the program of a client that applies manifests.
type Applying struct {
	Apply *ClientApply `json:"apply,omitempty"`
}

// ClientApply says where the manifests are that are applied.
type ClientApply struct {
	// ConfigMap whose values are manifests, each of one or several documents. It is read again in each round, as by a
	// pod that has the ConfigMap mounted, and needs no right of the ServiceAccount.
	ConfigMap string `json:"configMap"`
}

func (a *Applying) validate(at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if a.Apply != nil {
		for _, problem := range apivalidation.IsDNS1123Subdomain(a.Apply.ConfigMap) {
			errs = append(errs, field.Invalid(at.Child("apply", "configMap"), a.Apply.ConfigMap, problem))
		}
	}
	return errs
}
