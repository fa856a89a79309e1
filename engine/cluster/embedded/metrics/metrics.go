package metrics

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

// Source knows what is used now. Nodes and pods of which nothing is known are left out.
type Source interface {
	NodeMetrics(ctx context.Context) ([]v1beta1.NodeMetrics, error)
	PodMetrics(ctx context.Context) ([]v1beta1.PodMetrics, error)
}

// groupVersion is what the handler serves.
var groupVersion = v1beta1.SchemeGroupVersion

// Handler serves metrics.k8s.io/v1beta1: discovery, and get and list of nodes and pods with label selectors and with
// field selectors on name and namespace. /healthz and /readyz answer ok.
func Handler(source Source) http.Handler {
	s := &server{source}
	mux := http.NewServeMux()
	base := "/apis/" + groupVersion.Group
	for _, path := range []string{"/healthz", "/livez", "/readyz"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	}
	mux.HandleFunc("GET /apis", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}, Groups: []metav1.APIGroup{group()}})
	})
	mux.HandleFunc("GET "+base, func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, group()) })
	base = "/apis/" + groupVersion.String()
	mux.HandleFunc("GET "+base, func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, resources()) })
	mux.HandleFunc("GET "+base+"/nodes", s.nodes)
	mux.HandleFunc("GET "+base+"/nodes/{name}", s.nodes)
	mux.HandleFunc("GET "+base+"/pods", s.pods)
	mux.HandleFunc("GET "+base+"/namespaces/{namespace}/pods", s.pods)
	mux.HandleFunc("GET "+base+"/namespaces/{namespace}/pods/{name}", s.pods)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, apierrors.NewGenericServerResponse(http.StatusNotFound, r.Method, schema.GroupResource{}, "", "", 0, true))
	})
	return mux
}

func group() metav1.APIGroup {
	version := metav1.GroupVersionForDiscovery{GroupVersion: groupVersion.String(), Version: groupVersion.Version}
	return metav1.APIGroup{
		TypeMeta: metav1.TypeMeta{Kind: "APIGroup", APIVersion: "v1"}, Name: groupVersion.Group,
		Versions: []metav1.GroupVersionForDiscovery{version}, PreferredVersion: version,
	}
}

func resources() metav1.APIResourceList {
	verbs := metav1.Verbs{"get", "list"}
	return metav1.APIResourceList{
		TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: groupVersion.String(),
		APIResources: []metav1.APIResource{
			{Name: "nodes", Kind: "NodeMetrics", Verbs: verbs},
			{Name: "pods", Kind: "PodMetrics", Namespaced: true, Verbs: verbs},
		},
	}
}

type server struct{ source Source }

func (s *server) nodes(w http.ResponseWriter, r *http.Request) {
	all, err := s.source.NodeMetrics(r.Context())
	serve(w, r, "nodes", all, err, func(n v1beta1.NodeMetrics) metav1.ObjectMeta { return n.ObjectMeta },
		func(n *v1beta1.NodeMetrics) { n.TypeMeta = typeMeta("NodeMetrics") },
		func(items []v1beta1.NodeMetrics) any {
			return v1beta1.NodeMetricsList{TypeMeta: typeMeta("NodeMetricsList"), Items: items}
		})
}

func (s *server) pods(w http.ResponseWriter, r *http.Request) {
	all, err := s.source.PodMetrics(r.Context())
	serve(w, r, "pods", all, err, func(p v1beta1.PodMetrics) metav1.ObjectMeta { return p.ObjectMeta },
		func(p *v1beta1.PodMetrics) { p.TypeMeta = typeMeta("PodMetrics") },
		func(items []v1beta1.PodMetrics) any {
			return v1beta1.PodMetricsList{TypeMeta: typeMeta("PodMetricsList"), Items: items}
		})
}

func typeMeta(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: groupVersion.String(), Kind: kind}
}

// serve answers a get or a list, from all there is.
func serve[T any](w http.ResponseWriter, r *http.Request, resource string, all []T, err error,
	metaOf func(T) metav1.ObjectMeta, name func(*T), list func([]T) any) {
	if err != nil {
		refuse(w, apierrors.NewInternalError(err))
		return
	}
	matches, err := selection(r)
	if err != nil {
		refuse(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	items := []T{}
	for _, item := range all {
		if matches(metaOf(item)) {
			name(&item)
			items = append(items, item)
		}
	}
	slices.SortFunc(items, func(a, b T) int {
		x, y := metaOf(a), metaOf(b)
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Name, y.Name))
	})
	one := r.PathValue("name")
	switch {
	case one == "":
		write(w, http.StatusOK, list(items))
	case len(items) == 1:
		write(w, http.StatusOK, items[0])
	default:
		refuse(w, apierrors.NewNotFound(schema.GroupResource{Group: groupVersion.Group, Resource: resource}, one))
	}
}

// selection returns what path and query select.
func selection(r *http.Request) (func(metav1.ObjectMeta) bool, error) {
	query := r.URL.Query()
	byLabel, err := labels.Parse(query.Get("labelSelector"))
	if err != nil {
		return nil, fmt.Errorf("label selector: %w", err)
	}
	byField, err := fields.ParseSelector(query.Get("fieldSelector"))
	if err != nil {
		return nil, fmt.Errorf("field selector: %w", err)
	}
	for _, requirement := range byField.Requirements() {
		if f := requirement.Field; f != "metadata.name" && f != "metadata.namespace" {
			return nil, fmt.Errorf("field label not supported: %s", f)
		}
	}
	name, namespace := r.PathValue("name"), r.PathValue("namespace")
	return func(m metav1.ObjectMeta) bool {
		return (name == "" || name == m.Name) && (namespace == "" || namespace == m.Namespace) && byLabel.Matches(labels.Set(m.Labels)) &&
			byField.Matches(fields.Set{"metadata.name": m.Name, "metadata.namespace": m.Namespace})
	}, nil
}

func refuse(w http.ResponseWriter, err *apierrors.StatusError) {
	status := err.Status()
	status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	write(w, int(status.Code), status)
}

func write(w http.ResponseWriter, code int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(value)
}
