package history

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// written returns the audit event of a write that was answered with the object.
func written(resource, subresource, answer string) string {
	return `{"kind":"Event","auditID":"1","stage":"ResponseComplete","verb":"patch","requestURI":"/x",` +
		`"objectRef":{"resource":"` + resource + `","subresource":"` + subresource + `","name":"web","namespace":"shop"},` +
		`"requestObject":[{"op":"replace","path":"/spec/replicas","value":9}],"responseObject":` + answer + `,"responseStatus":{"code":200}}`
}

func TestAWriteTellsWhatItLeft(t *testing.T) {
	some := func(n int32) *int32 { return &n }
	tests := map[string]struct {
		event    string
		replicas *int32
		label    string
		floor    string
		nothing  bool
	}{
		"a Deployment": {event: written("deployments", "", `{"kind":"Deployment","spec":{"replicas":0,"template":{"metadata":{"labels":{"app":"web"}}}}}`),
			replicas: some(0), label: "web"},
		"a scale":            {event: written("deployments", "scale", `{"kind":"Scale","spec":{"replicas":3}}`), replicas: some(3)},
		"a scale to nothing": {event: written("deployments", "scale", `{"kind":"Scale","spec":{}}`), replicas: some(0)},
		"a pod":              {event: written("pods", "", `{"kind":"Pod","metadata":{"labels":{"app":"web"}}}`), label: "web"},
		"a budget": {event: written("poddisruptionbudgets", "", `{"kind":"PodDisruptionBudget","spec":{"minAvailable":"50%","selector":{"matchLabels":{"app":"web"}}}}`),
			floor: "50%"},
		"an answer as a table":       {event: written("deployments", "", `{"kind":"Table","rows":[]}`), nothing: true},
		"a refusal":                  {event: written("deployments", "", `{"kind":"Status","code":403}`), nothing: true},
		"an object of another shape": {event: written("deployments", "", `{"kind":"Deployment","spec":{"replicas":"many"}}`), nothing: true},
		"a log without answers":      {event: strings.Replace(written("deployments", "", `{}`), `"responseObject":{},`, "", 1), nothing: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, keep, readable := parseLine([]byte(test.event))
			if !keep || !readable {
				t.Fatalf("the event is kept: %v, readable: %v", keep, readable)
			}
			if r.Left == nil || test.nothing {
				if r.Left != nil || !test.nothing {
					t.Errorf("it left %+v, want nothing: %v", r.Left, test.nothing)
				}
				return
			}
			if got, want := r.Left.Replicas, test.replicas; (got == nil) != (want == nil) || got != nil && *got != *want {
				t.Errorf("it left replicas %v, want %v", got, want)
			}
			if got := r.Left.PodLabels["app"]; got != test.label {
				t.Errorf("it left pods with the label %q, want %q", got, test.label)
			}
			if floor := test.floor; (r.Left.Budget != nil) != (floor != "") || floor != "" && r.Left.Budget.MinAvailable.String() != floor {
				t.Errorf("it left the budget %v, want %q", r.Left.Budget, floor)
			}
		})
	}
}

func TestADeletionTellsWhatBecomesOfTheDependents(t *testing.T) {
	tests := map[string]struct {
		uri, rest string
		want      metav1.DeletionPropagation
	}{
		"nothing said":               {"/x", `"verb":"delete"`, ""},
		"the body":                   {"/x", `"verb":"delete","requestObject":{"propagationPolicy":"Orphan"}`, metav1.DeletePropagationOrphan},
		"the query":                  {"/x?propagationPolicy=Foreground", `"verb":"delete"`, metav1.DeletePropagationForeground},
		"the body over the query":    {"/x?propagationPolicy=Orphan", `"verb":"delete","requestObject":{"propagationPolicy":"Background"}`, metav1.DeletePropagationBackground},
		"a body that leaves it open": {"/x?propagationPolicy=Orphan", `"verb":"delete","requestObject":{"gracePeriodSeconds":0}`, ""},
		"the older word":             {"/x", `"verb":"delete","requestObject":{"orphanDependents":true}`, metav1.DeletePropagationOrphan},
		"the older word, denied":     {"/x?orphanDependents=false", `"verb":"delete"`, metav1.DeletePropagationBackground},
		"no deletion":                {"/x?propagationPolicy=Orphan", `"verb":"patch"`, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			event := `{"kind":"Event","auditID":"1","stage":"ResponseComplete","objectRef":{"resource":"deployments"},"requestURI":"` + test.uri + `",` + test.rest + `}`
			r, _, _ := parseLine([]byte(event))
			if r.Propagation != test.want {
				t.Errorf("the dependents are said to go by %q, want %q", r.Propagation, test.want)
			}
		})
	}
}

func TestThePolicyNeverWritesDownTheContentsOfSecrets(t *testing.T) {
	policy := parsePolicy(t)
	for _, of := range []string{"secrets", "configmaps", "serviceaccounts/token", "tokenreviews"} {
		for _, verb := range []string{"create", "update", "patch"} {
			if level := policy.level("learner", verb, of); level == "Request" || level == "RequestResponse" {
				t.Errorf("%s of %s is recorded at the level %s", verb, of, level)
			}
		}
		if level := policy.level("learner", "delete", of); level == "RequestResponse" {
			t.Errorf("the deletion of %s is recorded with its answer, which may be the object", of)
		}
	}
}

func TestThePolicyRecordsWhatPeopleAndAutoscalersLeave(t *testing.T) {
	policy := parsePolicy(t)
	tests := map[string]struct{ user, verb, resource, want string }{
		"a scaling":                         {"learner", "patch", "deployments/scale", "RequestResponse"},
		"an autoscaler":                     {"system:kube-controller-manager", "update", "deployments/scale", "RequestResponse"},
		"a change of a Deployment":          {"learner", "patch", "deployments", "RequestResponse"},
		"a change of a budget":              {"learner", "update", "poddisruptionbudgets", "RequestResponse"},
		"a change of a pod":                 {"learner", "patch", "pods", "RequestResponse"},
		"the controllers' own bookkeeping":  {"system:kube-controller-manager", "update", "replicasets", "None"},
		"the pods that a controller makes":  {"system:kube-controller-manager", "create", "pods", "None"},
		"the status of a pod":               {"k8slab:simulated-kubelet", "patch", "pods/status", "None"},
		"whatever the grader looks into":    {"k8slab:grader", "patch", "deployments", "None"},
		"a change of what is not looked at": {"learner", "patch", "services", "Metadata"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := policy.level(test.user, test.verb, test.resource); got != test.want {
				t.Errorf("it is recorded at the level %s, want %s", got, test.want)
			}
		})
	}
}

func TestARequestToADeprecatedAPISaysSo(t *testing.T) {
	event := strings.Replace(written("volumeattributesclasses", "", `{}`), `"resource":`, `"apiGroup":"storage.k8s.io","apiVersion":"v1beta1","resource":`, 1)
	marked := strings.Replace(event, `"verb"`, `"annotations":{"k8s.io/deprecated":"true","k8s.io/removed-release":"1.37"},"verb"`, 1)
	for line, want := range map[string]Request{event: {}, marked: {Deprecated: true, RemovedRelease: "1.37"}} {
		r, keep, _ := parseLine([]byte(line))
		if !keep || r.Deprecated != want.Deprecated || r.RemovedRelease != want.RemovedRelease || r.Version != "v1beta1" {
			t.Errorf("kept %v: %+v, want %+v", keep, r, want)
		}
	}
}
