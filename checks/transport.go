package checks

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// RefusedError says that a check tried to change something, or to reach into a container.
type RefusedError struct {
	Method string
	// Path of the request, decoded.
	Path string
	// Reason is a short phrase.
	Reason string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("checks only look: %s %s is refused (%s)", e.Method, e.Path, e.Reason)
}

// Clients returns clients that look and cannot touch. They use a copy of cfg and are not throttled: what they ask is
// bounded by the checks of one step, and waiting for a token bucket would be most of the time of a grading.
func Clients(cfg *rest.Config) (kubernetes.Interface, dynamic.Interface, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.QPS, cfg.Burst, cfg.RateLimiter = -1, 0, nil
	// JSON, so that a dry run in a body is read here as the server reads it.
	cfg.ContentConfig = rest.ContentConfig{ContentType: runtime.ContentTypeJSON}
	cfg.WarningHandler = rest.NoWarnings{} // what the server deprecates is no news for a learner
	cfg.Wrap(ReadOnly)
	// The two share one pool of connections.
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, nil, fmt.Errorf("connecting the grader: %w", err)
	}
	typed, err := kubernetes.NewForConfigAndClient(cfg, client)
	if err != nil {
		return nil, nil, fmt.Errorf("connecting the grader: %w", err)
	}
	untyped, err := dynamic.NewForConfigAndClient(cfg, client)
	if err != nil {
		return nil, nil, fmt.Errorf("connecting the grader: %w", err)
	}
	return typed, untyped, nil
}

// ReadOnly lets through reads, dry runs and questions about permissions; next never sees anything else. What is refused
// comes back as a RefusedError. Requests are understood by the API server's own code, so that both read a path alike.
func ReadOnly(next http.RoundTripper) http.RoundTripper {
	return &readOnly{next: next, paths: &request.RequestInfoFactory{
		APIPrefixes:          sets.NewString("api", "apis"),
		GrouplessAPIPrefixes: sets.NewString("api"),
	}}
}

type readOnly struct {
	next  http.RoundTripper
	paths *request.RequestInfoFactory
}

// WrappedRoundTripper lets client-go find what lies below.
func (t *readOnly) WrappedRoundTripper() http.RoundTripper { return t.next }

func (t *readOnly) RoundTrip(req *http.Request) (*http.Response, error) {
	allowed, reason, err := t.judge(req)
	if err == nil && reason == "" {
		return t.next.RoundTrip(allowed)
	}
	if req.Body != nil {
		_ = req.Body.Close() // as RoundTripper demands; there is nothing to lose in it
	}
	if err != nil {
		return nil, err
	}
	return nil, &RefusedError{Method: req.Method, Path: req.URL.Path, Reason: reason}
}

// judge returns the request to send, or the reason for which it is refused. An error means that its body broke off.
func (t *readOnly) judge(req *http.Request) (allowed *http.Request, reason string, err error) {
	if reason := refusePath(req.URL); reason != "" {
		return nil, reason, nil
	}
	if req.Header.Get("Upgrade") != "" || hasToken(req.Header.Values("Connection"), "upgrade") {
		return nil, "the connection would be upgraded", nil
	}
	info, err := t.paths.NewRequestInfo(req)
	if err != nil {
		return nil, "the path is not understood", nil
	}
	if reaches(info.Subresource) || strings.EqualFold(info.Verb, "proxy") {
		return nil, "it reaches into a container, node or service", nil
	}
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions:
		return req, "", nil
	case http.MethodPost:
		if isReview(info) {
			return req, "", nil
		}
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return nil, "the method is not known", nil
	}
	return judgeWrite(req, info)
}

// refusePath refuses paths that another reader might take for something else.
func refusePath(u *url.URL) string {
	if u.Opaque != "" {
		return "the path is opaque"
	}
	for _, part := range strings.Split(strings.Trim(u.Path, "/"), "/") {
		if part == "." || part == ".." || part == "" && u.Path != "/" && u.Path != "" {
			return "the path is not clean"
		}
	}
	return ""
}

// reaches reports whether the subresource opens a way into something that runs. Over WebSocket these are GETs.
func reaches(subresource string) bool {
	return slices.ContainsFunc([]string{"exec", "attach", "portforward", "proxy"}, func(s string) bool {
		return strings.EqualFold(s, subresource)
	})
}

// isReview reports whether a POST only asks about permissions. A TokenReview is none of them: no check has a token to
// ask about.
func isReview(info *request.RequestInfo) bool {
	if !info.IsResourceRequest || info.Name != "" {
		return false
	}
	switch info.APIGroup {
	case "authorization.k8s.io":
		return slices.Contains([]string{"selfsubjectaccessreviews", "subjectaccessreviews", "localsubjectaccessreviews", "selfsubjectrulesreviews"}, info.Resource)
	case "authentication.k8s.io":
		return info.Resource == "selfsubjectreviews"
	}
	return false
}

const notDryRun = "it is no dry run"

// judgeWrite lets dry runs through. An aggregated API is trusted to honour them, as the built-in ones do.
func judgeWrite(req *http.Request, info *request.RequestInfo) (allowed *http.Request, reason string, err error) {
	if !info.IsResourceRequest {
		return nil, "it is a write", nil
	}
	if info.Resource == "serviceaccounts" && info.Subresource == "token" {
		return nil, "it would issue a token", nil
	}
	query, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil {
		return nil, "the query is malformed", nil
	}
	asked := query["dryRun"]
	if len(asked) > 0 && !onlyAll(asked) {
		return nil, notDryRun, nil
	}
	isDelete, isEviction := req.Method == http.MethodDelete, info.Resource == "pods" && info.Subresource == "eviction"
	if !isDelete && !isEviction {
		return dryOr(req, len(asked) > 0)
	}
	body, allowed, err := readBody(req)
	if err != nil {
		return nil, "", fmt.Errorf("reading the body of %s %s: %w", req.Method, req.URL.Path, err)
	}
	if len(body) == 0 {
		return dryOr(allowed, len(asked) > 0)
	}
	inBody, reason := dryRunInBody(req, body, isEviction)
	if reason != "" {
		return nil, reason, nil
	}
	if len(inBody) > 0 && !onlyAll(inBody) {
		return nil, notDryRun, nil
	}
	// The body of a deletion replaces the query; an eviction takes the query for a body that is silent. See
	// DeleteResource in k8s.io/apiserver/pkg/endpoints/handlers/delete.go and propagateDryRun in
	// kubernetes/pkg/registry/core/pod/storage/eviction.go.
	return dryOr(allowed, len(inBody) > 0 || isEviction && len(asked) > 0)
}

func dryOr(req *http.Request, dry bool) (*http.Request, string, error) {
	if !dry {
		return nil, notDryRun, nil
	}
	return req, "", nil
}

func onlyAll(values []string) bool {
	return !slices.ContainsFunc(values, func(v string) bool { return v != metav1.DryRunAll })
}

// mostBody is the API server's own limit on the body of a request.
const mostBody = 3 << 20

// readBody returns the body and a request that still has it.
func readBody(req *http.Request) ([]byte, *http.Request, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, req, nil
	}
	defer req.Body.Close()
	body, err := io.ReadAll(io.LimitReader(req.Body, mostBody+1))
	if err != nil {
		return nil, nil, err
	}
	if len(body) > mostBody {
		return nil, nil, fmt.Errorf("it is longer than %d bytes", mostBody)
	}
	again := req.Clone(req.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	again.ContentLength = int64(len(body))
	again.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return body, again, nil
}

// dryRunInBody returns what the body of a deletion or eviction says of dry runs, or why the body cannot be trusted.
// Only JSON is read, by the decoder that the API server uses, and only under a Content-Type that makes the server read
// JSON, too.
func dryRunInBody(req *http.Request, body []byte, isEviction bool) (dryRun []string, reason string) {
	const unreadable = "its body cannot be read as JSON"
	mediaType, _, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil || mediaType != runtime.ContentTypeJSON || len(req.Header.Values("Content-Type")) != 1 || req.Header.Get("Content-Encoding") != "" {
		return nil, unreadable
	}
	if isEviction {
		eviction := policyv1.Eviction{}
		if json.Unmarshal(body, &eviction) != nil || !isKind(eviction.Kind, "Eviction") {
			return nil, unreadable
		}
		if eviction.DeleteOptions == nil {
			return nil, ""
		}
		return eviction.DeleteOptions.DryRun, ""
	}
	options := metav1.DeleteOptions{}
	if json.Unmarshal(body, &options) != nil || !isKind(options.Kind, "DeleteOptions") {
		return nil, unreadable
	}
	return options.DryRun, ""
}

// isKind allows for a body that leaves its kind to be understood.
func isKind(kind, want string) bool { return kind == "" || kind == want }

func hasToken(values []string, token string) bool {
	return slices.ContainsFunc(strings.Split(strings.Join(values, ","), ","), func(v string) bool {
		return strings.EqualFold(strings.TrimSpace(v), token)
	})
}
