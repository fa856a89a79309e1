package history

import (
	"maps"
	"testing"
)

// deleted is an audit event of a deletion that was answered with the object.
func deleted(resource, subresource, answer string) string {
	return `{"kind":"Event","auditID":"1","stage":"ResponseComplete","verb":"delete","requestURI":"/x",` +
		`"objectRef":{"resource":"` + resource + `","subresource":"` + subresource + `","name":"web-1","namespace":"shop"},` +
		`"responseObject":` + answer + `,"responseStatus":{"code":200}}`
}

func TestTheDeletionOfAPodTellsHowItEnded(t *testing.T) {
	const pod = `{"kind":"Pod","apiVersion":"v1","metadata":{"labels":{"app":"web"}},"spec":{"nodeName":"worker-1"},"status":{` +
		`"conditions":[{"type":"Ready","status":"False"},{"type":"DisruptionTarget","status":"True","reason":"EvictionByEvictionAPI"}],` +
		`"containerStatuses":[{"name":"web","state":{"terminated":{"exitCode":137}}},{"name":"log","state":{"running":{}}},{"name":"new","state":{"waiting":{}}}]}}`
	tests := map[string]struct {
		event string
		want  *Removed
	}{
		"a pod": {deleted("pods", "", pod), &Removed{
			Node: "worker-1", Exits: map[string]int32{"web": 137}, Running: 1, Disruption: "EvictionByEvictionAPI"}},
		"another kind":          {deleted("deployments", "", `{"kind":"Deployment"}`), nil},
		"a Status":              {deleted("pods", "", `{"kind":"Status","status":"Failure"}`), nil},
		"a pod of another form": {deleted("pods", "", `{"kind":"Pod","status":7}`), nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, keep, readable := parseLine([]byte(test.event))
			if !keep || !readable || r.Left != nil {
				t.Fatalf("the event is kept: %v, readable: %v, and left %v, want nothing", keep, readable, r.Left)
			}
			got := r.Removed
			if got == nil || test.want == nil {
				if got != test.want {
					t.Errorf("it removed %+v, want %+v", got, test.want)
				}
				return
			}
			if got.Node != test.want.Node || !maps.Equal(got.Exits, test.want.Exits) || got.Running != test.want.Running ||
				got.Disruption != test.want.Disruption || got.Labels["app"] != "web" {
				t.Errorf("it removed %+v, want %+v", got, test.want)
			}
		})
	}
}
