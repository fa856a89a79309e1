package history

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// changing lists the verbs that are kept. Reads are dropped: they answer no question that is asked here.
var changing = [...]string{"create", "update", "patch", "delete", "deletecollection"}

// eventStart is how the API server begins each line of its audit log.
const eventStart = `{"kind":"Event"`

// With these annotations the API server marks requests to an API that is deprecated (InstrumentHandlerFunc in
// k8s.io/apiserver/pkg/endpoints/metrics/metrics.go).
const (
	deprecatedAnnotation = "k8s.io/deprecated"
	removedAnnotation    = "k8s.io/removed-release"
)

// parseLine reads one line of an audit log. keep is false for an event that is of no interest; readable is false for a
// line that holds no event.
func parseLine(line []byte) (r Request, keep, readable bool) {
	var event auditv1.Event
	if err := json.Unmarshal(line, &event); err != nil {
		// A server that was killed while it wrote leaves half a line, and the next server appends to that line.
		at := bytes.LastIndex(line, []byte(eventStart))
		if at <= 0 {
			return Request{}, false, false
		}
		event = auditv1.Event{}
		if err := json.Unmarshal(line[at:], &event); err != nil {
			return Request{}, false, false
		}
	}
	if event.AuditID == "" || event.Verb == "" {
		return Request{}, false, false
	}
	if event.Stage != auditv1.StageResponseComplete || event.ObjectRef == nil || !slices.Contains(changing[:], event.Verb) {
		return Request{}, false, true
	}
	return requestOf(&event), true, true
}

func requestOf(event *auditv1.Event) Request {
	ref := event.ObjectRef
	body := bodyOf(event)
	r := Request{
		ID:          string(event.AuditID),
		Time:        event.RequestReceivedTimestamp.Time,
		User:        event.User.Username,
		Verb:        event.Verb,
		Group:       ref.APIGroup,
		Resource:    ref.Resource,
		Subresource: ref.Subresource,
		Namespace:   ref.Namespace,
		Name:        ref.Name,
		DryRun:      isDryRun(event, body),
		Propagation: propagationOf(event, body),
		Left:        leftBy(event),
		Removed:     removedBy(event),
		Grace:       graceOf(event, body),
		UserAgent:   event.UserAgent,
		Version:     ref.APIVersion,
		Deprecated:  event.Annotations[deprecatedAnnotation] == "true",

		RemovedRelease: event.Annotations[removedAnnotation],
	}
	if event.Verb == "patch" && event.RequestObject != nil {
		r.Fields, r.Cordons = asked(event.RequestObject.Raw)
	}
	if event.ImpersonatedUser != nil {
		r.ImpersonatedUser = event.ImpersonatedUser.Username
	}
	if event.ResponseStatus != nil {
		r.Code = int(event.ResponseStatus.Code)
	}
	if r.Resource == "pods" && r.Subresource == "binding" && body != nil {
		r.Node = body.Target.Name
	}
	return r
}

// requestBody has the fields of DeleteOptions, Eviction and Binding that matter here.
type requestBody struct {
	DryRun        []string `json:"dryRun"`
	DeleteOptions *struct {
		DryRun             []string `json:"dryRun"`
		GracePeriodSeconds *int64   `json:"gracePeriodSeconds"`
	} `json:"deleteOptions"`
	GracePeriodSeconds *int64 `json:"gracePeriodSeconds"`
	Target             struct {
		Name string `json:"name"`
	} `json:"target"`
	PropagationPolicy metav1.DeletionPropagation `json:"propagationPolicy"`
	OrphanDependents  *bool                      `json:"orphanDependents"`
}

// bodyOf returns nil for a request without a recorded body.
func bodyOf(event *auditv1.Event) *requestBody {
	if event.RequestObject == nil || len(event.RequestObject.Raw) == 0 {
		return nil
	}
	body := &requestBody{}
	if err := json.Unmarshal(event.RequestObject.Raw, body); err != nil {
		return nil
	}
	return body
}

// isDryRun follows the API server. The body of a deletion replaces the query (DeleteResource in
// k8s.io/apiserver/pkg/endpoints/handlers/delete.go); an eviction is a dry run if either says so (propagateDryRun in
// kubernetes/pkg/registry/core/pod/storage/eviction.go).
func isDryRun(event *auditv1.Event, body *requestBody) bool {
	if body != nil && (event.Verb == "delete" || event.Verb == "deletecollection") {
		return len(body.DryRun) > 0
	}
	if body != nil && body.DeleteOptions != nil && len(body.DeleteOptions.DryRun) > 0 {
		return true
	}
	return slices.ContainsFunc(parametersOf(event)["dryRun"], func(v string) bool { return v != "" })
}

// parametersOf returns the query parameters of the request's address.
func parametersOf(event *auditv1.Event) url.Values {
	uri, err := url.ParseRequestURI(event.RequestURI)
	if err != nil {
		return nil
	}
	return uri.Query()
}

// propagationOf follows the API server, as isDryRun does: the body replaces the query. orphanDependents is the older
// way to ask for a propagation, and the API server refuses a request that uses both.
func propagationOf(event *auditv1.Event, body *requestBody) metav1.DeletionPropagation {
	if event.Verb != "delete" && event.Verb != "deletecollection" {
		return ""
	}
	policy, orphan := "", ""
	if body == nil {
		given := parametersOf(event)
		policy, orphan = given.Get("propagationPolicy"), given.Get("orphanDependents")
	} else {
		policy = string(body.PropagationPolicy)
		if body.OrphanDependents != nil {
			orphan = strconv.FormatBool(*body.OrphanDependents)
		}
	}
	switch {
	case policy != "":
		return metav1.DeletionPropagation(policy)
	case orphan == "true" || orphan == "1":
		return metav1.DeletePropagationOrphan
	case orphan != "":
		return metav1.DeletePropagationBackground
	}
	return ""
}

// graceOf follows the API server, as propagationOf does. The body of an eviction carries the options of its deletion.
func graceOf(event *auditv1.Event, body *requestBody) *int64 {
	deletes := event.Verb == "delete" || event.Verb == "deletecollection"
	switch {
	case deletes && body != nil:
		return body.GracePeriodSeconds
	case deletes:
		seconds, err := strconv.ParseInt(parametersOf(event).Get("gracePeriodSeconds"), 10, 64)
		if err != nil {
			return nil
		}
		return &seconds
	case body != nil && body.DeleteOptions != nil:
		return body.DeleteOptions.GracePeriodSeconds
	}
	return nil
}

// leftBy reads the answer to a write. The answer shows the object after a patch of any kind, an apply or an update,
// defaults included.
func leftBy(event *auditv1.Event) *Left {
	if event.Verb == "delete" || event.ResponseObject == nil || len(event.ResponseObject.Raw) == 0 {
		return nil
	}
	raw := event.ResponseObject.Raw
	var answer metav1.TypeMeta
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil
	}
	switch answer.Kind { // a Status where the request was refused, a Table where the client asked for one
	case "Deployment", "StatefulSet", "ReplicaSet", "Scale":
		return leftWorkload(answer.Kind, raw)
	case "Pod":
		var pod metav1.PartialObjectMetadata
		if err := json.Unmarshal(raw, &pod); err != nil {
			return nil
		}
		return &Left{PodLabels: pod.Labels}
	case "PodDisruptionBudget":
		var budget policyv1.PodDisruptionBudget
		if err := json.Unmarshal(raw, &budget); err != nil {
			return nil
		}
		return &Left{Budget: &budget.Spec}
	}
	return nil
}

func leftWorkload(kind string, raw []byte) *Left {
	var workload struct {
		Spec struct {
			Replicas *int32 `json:"replicas"`
			Template struct {
				Metadata struct {
					Labels map[string]string `json:"labels"`
				} `json:"metadata"`
			} `json:"template"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(raw, &workload); err != nil {
		return nil
	}
	left := &Left{Replicas: workload.Spec.Replicas, PodLabels: workload.Spec.Template.Metadata.Labels}
	if kind == "Scale" && left.Replicas == nil {
		left.Replicas = new(int32) // ScaleSpec leaves out a zero
	}
	return left
}
