package history

import (
	"slices"
	"testing"
)

func TestWhoTookAPodAway(t *testing.T) {
	zero, ten := int64(0), int64(10)
	request := func(verb, sub, name string, code int, grace *int64) Request {
		return Request{Verb: verb, Resource: "pods", Subresource: sub, Namespace: "shop", Name: name, Code: code, Grace: grace, User: "learner"}
	}
	dry := request("delete", "", "web-1", 200, nil)
	dry.DryRun = true
	tests := map[string]struct {
		requests       []Request
		found          bool
		evicted, force bool
	}{
		"an eviction":                     {[]Request{request("create", "eviction", "web-1", 201, nil)}, true, true, false},
		"a deletion":                      {[]Request{request("delete", "", "web-1", 200, &ten)}, true, false, false},
		"a deletion by force":             {[]Request{request("delete", "", "web-1", 200, &zero)}, true, false, true},
		"a deletion of all":               {[]Request{request("deletecollection", "", "", 200, nil)}, true, false, false},
		"the first of two":                {[]Request{request("create", "eviction", "web-1", 201, nil), request("delete", "", "web-1", 200, &zero)}, true, true, false},
		"an eviction that was refused":    {[]Request{request("create", "eviction", "web-1", 429, nil)}, false, false, false},
		"a dry run":                       {[]Request{dry}, false, false, false},
		"another pod":                     {[]Request{request("delete", "", "web-2", 200, nil)}, false, false, false},
		"a refusal, and then an eviction": {[]Request{request("create", "eviction", "web-1", 429, nil), request("create", "eviction", "web-1", 201, nil)}, true, true, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, found := RemovedBy(test.requests, "shop", "web-1")
			if found != test.found || r.Evicted != test.evicted || r.Forced != test.force {
				t.Errorf("found %v, evicted %v, forced %v; want %v, %v, %v", found, r.Evicted, r.Forced, test.found, test.evicted, test.force)
			}
		})
	}
}

func TestWhatAPatchAsksFor(t *testing.T) {
	yes, no := true, false
	tests := map[string]struct {
		event   string
		fields  []string
		cordons *bool
		grace   int64
	}{
		"a cordon":                       {`"verb":"patch","requestObject":{"spec":{"unschedulable":true}}`, []string{"spec.unschedulable"}, &yes, -1},
		"its end, as kubectl says it":    {`"verb":"patch","requestObject":{"spec":{"unschedulable":null}}`, []string{"spec.unschedulable"}, &no, -1},
		"a cordon as a JSON patch":       {`"verb":"patch","requestObject":[{"op":"add","path":"/spec/unschedulable","value":true}]`, []string{"spec.unschedulable"}, &yes, -1},
		"its removal":                    {`"verb":"patch","requestObject":[{"op":"remove","path":"/spec/unschedulable"}]`, []string{"spec.unschedulable"}, &no, -1},
		"labels":                         {`"verb":"patch","requestObject":{"metadata":{"labels":{"a":"1","b":"2"}}}`, []string{"metadata.labels.a", "metadata.labels.b"}, nil, -1},
		"directives":                     {`"verb":"patch","requestObject":{"spec":{"$setElementOrder/taints":[],"taints":[]}}`, []string{"spec.taints"}, nil, -1},
		"a body that is none":            {`"verb":"patch","requestObject":"x"`, nil, nil, -1},
		"a grace period in the body":     {`"verb":"delete","requestObject":{"gracePeriodSeconds":0}`, nil, nil, 0},
		"a grace period in the query":    {`"verb":"delete","requestURI":"/x?gracePeriodSeconds=7"`, nil, nil, 7},
		"a grace period of an eviction":  {`"verb":"create","requestObject":{"deleteOptions":{"gracePeriodSeconds":3}}`, nil, nil, 3},
		"a deletion that leaves it open": {`"verb":"delete"`, nil, nil, -1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, keep, readable := parseLine([]byte(`{"kind":"Event","auditID":"1","stage":"ResponseComplete","objectRef":{"resource":"nodes"},` + test.event + `}`))
			if !keep || !readable {
				t.Fatalf("the event is kept: %v, readable: %v", keep, readable)
			}
			if !slices.Equal(r.Fields, test.fields) || (r.Cordons == nil) != (test.cordons == nil) || r.Cordons != nil && *r.Cordons != *test.cordons {
				t.Errorf("it speaks of %v and cordons %v", r.Fields, r.Cordons)
			}
			if (r.Grace == nil) != (test.grace < 0) || r.Grace != nil && *r.Grace != test.grace {
				t.Errorf("the grace period is %v, want %d", r.Grace, test.grace)
			}
		})
	}
}
