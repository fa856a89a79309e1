package checks

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// recorder stands below the transport and remembers what came through.
type recorder struct {
	requests int
	body     string
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.requests++
	if req.Body != nil {
		data, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		r.body = string(data)
	}
	return httptest.NewRecorder().Result(), nil
}

func TestTheTransport(t *testing.T) {
	const (
		pod      = "/api/v1/namespaces/shop/pods/web"
		evict    = pod + "/eviction"
		deploy   = "/apis/apps/v1/namespaces/shop/deployments"
		dry      = "?dryRun=All"
		dryBody  = `{"dryRun":["All"]}`
		evictDry = `{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"web"},"deleteOptions":{"dryRun":["All"]}}`
		evictNow = `{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"web"},"deleteOptions":{"gracePeriodSeconds":0}}`
	)
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Add(pairs[i], pairs[i+1])
		}
		return h
	}
	json := header("Content-Type", "application/json")
	tests := map[string]struct {
		method, path, body string
		header             http.Header
		passes             bool
	}{
		"reads a pod":                            {"GET", pod, "", nil, true},
		"reads without a method, which is GET":   {"", pod, "", nil, true},
		"watches":                                {"GET", "/api/v1/pods?watch=true", "", nil, true},
		"watches by the old path":                {"GET", "/api/v1/watch/namespaces/shop/pods", "", nil, true},
		"reads an aggregated API":                {"GET", "/apis/metrics.k8s.io/v1beta1/nodes", "", nil, true},
		"discovers":                              {"GET", "/apis", "", nil, true},
		"asks for the root":                      {"GET", "/", "", nil, true},
		"asks whether the server is ready":       {"GET", "/readyz", "", nil, true},
		"reads logs":                             {"GET", pod + "/log?follow=true", "", nil, true},
		"reads a pod that is called exec":        {"GET", "/api/v1/namespaces/shop/pods/exec", "", nil, true},
		"reads a namespace that is called proxy": {"GET", "/api/v1/namespaces/proxy/pods", "", nil, true},
		"heads":                                  {"HEAD", pod, "", nil, true},

		"creates":                            {"POST", deploy, "{}", json, false},
		"updates":                            {"PUT", deploy + "/web", "{}", json, false},
		"patches":                            {"PATCH", deploy + "/web", "{}", json, false},
		"deletes":                            {"DELETE", deploy + "/web", "", nil, false},
		"deletes a collection":               {"DELETE", deploy, "", nil, false},
		"uses a method in lower case":        {"delete", deploy + "/web", "", nil, false},
		"uses a method in lower case dryly":  {"delete", deploy + "/web" + dry, "", nil, false},
		"connects":                           {"CONNECT", pod, "", nil, false},
		"writes to what is no resource":      {"POST", "/debug/flags/v" + dry, "5", nil, false},
		"creates in an aggregated API":       {"POST", "/apis/wardle.example.com/v1/namespaces/shop/flunders", "{}", json, false},
		"creates dryly in an aggregated API": {"POST", "/apis/wardle.example.com/v1/namespaces/shop/flunders" + dry, "{}", json, true},

		"creates dryly":                            {"POST", deploy + dry, "{}", json, true},
		"updates dryly":                            {"PUT", deploy + "/web" + dry, "{}", json, true},
		"patches dryly":                            {"PATCH", deploy + "/web?fieldManager=x&dryRun=All", "{}", json, true},
		"scales dryly":                             {"PUT", deploy + "/web/scale" + dry, "{}", json, true},
		"misspells the dry run":                    {"POST", deploy + "?dryrun=All", "{}", json, false},
		"writes the dry run in lower case":         {"POST", deploy + "?dryRun=all", "{}", json, false},
		"leaves the dry run empty":                 {"POST", deploy + "?dryRun=", "{}", json, false},
		"says both dry and something else":         {"POST", deploy + "?dryRun=All&dryRun=None", "{}", json, false},
		"hides the dry run behind a semicolon":     {"POST", deploy + "?a=1;dryRun=All", "{}", json, false},
		"says dry run in the body of a creation":   {"POST", deploy, dryBody, json, false},
		"issues a token dryly":                     {"POST", "/api/v1/namespaces/shop/serviceaccounts/default/token" + dry, "{}", json, false},
		"encodes the value of the dry run":         {"POST", deploy + "?dryRun=%41ll", "{}", json, true},
		"encodes the query key of the dry run":     {"POST", deploy + "?dry%52un=All", "{}", json, true},
		"deletes dryly by the query":               {"DELETE", pod + dry, "", nil, true},
		"deletes dryly by the body":                {"DELETE", pod, dryBody, json, true},
		"deletes a collection dryly by the body":   {"DELETE", deploy, dryBody, json, true},
		"deletes with a body that beats the query": {"DELETE", pod + dry, `{"gracePeriodSeconds":0}`, json, false},
		"deletes with an empty object for a body":  {"DELETE", pod + dry, `{}`, json, false},
		"deletes with a body of another kind":      {"DELETE", pod + dry, `{"apiVersion":"v1","kind":"Pod","dryRun":["All"]}`, json, false},
		"deletes with a body that is no JSON":      {"DELETE", pod + dry, "k8s\x00rubbish", header("Content-Type", "application/vnd.kubernetes.protobuf"), false},
		"deletes with a body said to be protobuf":  {"DELETE", pod, dryBody, header("Content-Type", "application/vnd.kubernetes.protobuf"), false},
		"deletes with a body of no type":           {"DELETE", pod, dryBody, nil, false},
		"deletes with a body of two types":         {"DELETE", pod, dryBody, header("Content-Type", "application/json", "Content-Type", "application/yaml"), false},
		"deletes with a compressed body":           {"DELETE", pod, dryBody, header("Content-Type", "application/json", "Content-Encoding", "gzip"), false},
		"deletes with a key in the wrong case":     {"DELETE", pod, `{"DryRun":["All"]}`, json, false},
		"deletes with a key that is overwritten":   {"DELETE", pod, `{"dryRun":["All"],"dryRun":[]}`, json, false},

		"evicts dryly by the body":                   {"POST", evict, evictDry, json, true},
		"evicts dryly by the query":                  {"POST", evict + dry, evictNow, json, true},
		"evicts":                                     {"POST", evict, evictNow, json, false},
		"evicts with options that are no dry run":    {"POST", evict + dry, strings.Replace(evictDry, "All", "None", 1), json, false},
		"evicts with the dry run at the wrong level": {"POST", evict, `{"apiVersion":"policy/v1","kind":"Eviction","dryRun":["All"]}`, json, false},

		"asks what it may do":                 {"POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "{}", json, true},
		"asks what another may do":            {"POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", "{}", json, true},
		"asks what another may do in a place": {"POST", "/apis/authorization.k8s.io/v1/namespaces/shop/localsubjectaccessreviews", "{}", json, true},
		"asks for its rules":                  {"POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", "{}", json, true},
		"asks who it is":                      {"POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}", json, true},
		"asks whose a token is":               {"POST", "/apis/authentication.k8s.io/v1/tokenreviews", "{}", json, false},
		"borrows the name of a review":        {"POST", "/apis/apps/v1/namespaces/shop/subjectaccessreviews", "{}", json, false},
		"creates below the name of a review":  {"POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews/x", "{}", json, false},
		"deletes at the address of a review":  {"DELETE", "/apis/authorization.k8s.io/v1/subjectaccessreviews", "", nil, false},

		"executes over WebSocket":              {"GET", pod + "/exec?command=rm", "", nil, false},
		"executes over SPDY":                   {"POST", pod + "/exec", "", nil, false},
		"executes dryly":                       {"POST", pod + "/exec" + dry, "", nil, false},
		"executes in mixed case":               {"GET", pod + "/ExEc", "", nil, false},
		"executes by an encoded name":          {"GET", pod + "/%65xec", "", nil, false},
		"executes by an encoded slash":         {"GET", pod + "%2Fexec", "", nil, false},
		"executes by a doubled slash":          {"GET", pod + "//exec", "", nil, false},
		"executes by a detour":                 {"GET", pod + "/log/../exec", "", nil, false},
		"executes by an encoded detour":        {"GET", pod + "/log/%2e%2e/exec", "", nil, false},
		"executes by the old watch prefix":     {"GET", "/api/v1/watch/namespaces/shop/pods/web/exec", "", nil, false},
		"attaches":                             {"GET", pod + "/attach", "", nil, false},
		"forwards a port":                      {"GET", pod + "/portforward", "", nil, false},
		"reaches a service":                    {"GET", "/api/v1/namespaces/shop/services/web:80/proxy/admin", "", nil, false},
		"reaches a pod":                        {"GET", pod + "/proxy/", "", nil, false},
		"reaches a node":                       {"GET", "/api/v1/nodes/worker-1/proxy/run/shop/web/app", "", nil, false},
		"reaches by the old proxy prefix":      {"GET", "/api/v1/proxy/nodes/worker-1/run", "", nil, false},
		"reaches into an aggregated API":       {"GET", "/apis/subresources.kubevirt.io/v1/namespaces/shop/virtualmachineinstances/vm/portforward/22", "", nil, false},
		"upgrades":                             {"GET", pod, "", header("Connection", "Upgrade", "Upgrade", "websocket"), false},
		"upgrades in a list":                   {"GET", pod, "", header("Connection", "keep-alive, uPgRaDe"), false},
		"reads with a connection that is kept": {"GET", pod, "", header("Connection", "keep-alive"), true},
	}
	for name, test := range tests {
		verb := "refuses one that "
		if test.passes {
			verb = "lets through one that "
		}
		t.Run(verb+name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), test.method, "https://cluster.test"+test.path, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if test.body == "" {
				req.Body = nil
			}
			if test.header != nil {
				req.Header = test.header.Clone()
			}
			below := &recorder{}
			response, err := ReadOnly(below).RoundTrip(req)
			if response != nil {
				response.Body.Close()
			}
			refused, isRefusal := errors.AsType[*RefusedError](err)
			switch {
			case test.passes && err != nil:
				t.Errorf("it is refused: %v", err)
			case test.passes && (below.requests != 1 || below.body != test.body):
				t.Errorf("%d requests came through, the last with the body %q; want one with %q", below.requests, below.body, test.body)
			case !test.passes && !isRefusal:
				t.Errorf("the error is %v, want a RefusedError", err)
			case !test.passes && below.requests != 0:
				t.Error("it is refused, yet came through")
			case !test.passes && (refused.Method != test.method || !strings.HasPrefix(refused.Path, "/")):
				t.Errorf("the refusal names %s %s", refused.Method, refused.Path)
			}
		})
	}
}

func TestAnOpaqueURLIsRefused(t *testing.T) {
	req, err := http.NewRequestWithContext(t.Context(), "GET", "https://cluster.test/api/v1/pods", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.URL.Opaque = "//cluster.test/api/v1/namespaces/shop/pods/web/exec"
	below := &recorder{}
	response, err := ReadOnly(below).RoundTrip(req)
	if response != nil {
		response.Body.Close()
	}
	if _, refused := errors.AsType[*RefusedError](err); !refused || below.requests != 0 {
		t.Errorf("the error is %v and %d requests came through, want a RefusedError and none", err, below.requests)
	}
}
