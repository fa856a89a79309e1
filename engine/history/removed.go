package history

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// removedBy reads the answer to the deletion of a pod: the API server returns the pod, not a Status
// (ReturnDeletedObject in kubernetes/pkg/registry/core/pod/storage/storage.go).
func removedBy(event *auditv1.Event) *Removed {
	if event.Verb != "delete" || event.ObjectRef.Resource != "pods" || event.ObjectRef.Subresource != "" || event.ResponseObject == nil {
		return nil
	}
	var pod corev1.Pod
	if err := json.Unmarshal(event.ResponseObject.Raw, &pod); err != nil || pod.Kind != "Pod" {
		return nil
	}
	removed := &Removed{Labels: pod.Labels, Node: pod.Spec.NodeName, Exits: map[string]int32{}}
	for _, status := range pod.Status.ContainerStatuses {
		switch {
		case status.State.Terminated != nil:
			removed.Exits[status.Name] = status.State.Terminated.ExitCode
		case status.State.Running != nil:
			removed.Running++
		}
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.DisruptionTarget && c.Status == corev1.ConditionTrue {
			removed.Disruption = c.Reason
		}
	}
	return removed
}
