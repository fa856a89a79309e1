package metrics

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"
	"k8s.io/metrics/pkg/client/clientset/versioned"
)

type fixed struct{ err error }

func (f fixed) NodeMetrics(context.Context) ([]v1beta1.NodeMetrics, error) {
	return []v1beta1.NodeMetrics{
		{ObjectMeta: metav1.ObjectMeta{Name: "node-2"}, Usage: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("250m")}},
		{ObjectMeta: metav1.ObjectMeta{Name: "node-1", Labels: map[string]string{"agentpool": "blue"}}},
	}, f.err
}

func (f fixed) PodMetrics(context.Context) ([]v1beta1.PodMetrics, error) {
	pod := func(namespace, name, app string) v1beta1.PodMetrics {
		return v1beta1.PodMetrics{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app": app}}}
	}
	return []v1beta1.PodMetrics{pod("shop", "web", "web"), pod("shop", "db", "db"), pod("bank", "web", "web")}, f.err
}

func serveFixed(t *testing.T, source Source) *rest.Config {
	t.Helper()
	server := httptest.NewServer(Handler(source))
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL}
}

func TestTheClientOfKubectlTopIsAnswered(t *testing.T) {
	client, err := versioned.NewForConfig(serveFixed(t, fixed{}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, metrics := t.Context(), client.MetricsV1beta1()
	pods := func(namespace string, options metav1.ListOptions) string {
		list, err := metrics.PodMetricses(namespace).List(ctx, options)
		if err != nil {
			return err.Error()
		}
		var names []string
		for _, p := range list.Items {
			names = append(names, p.Namespace+"/"+p.Name)
		}
		return strings.Join(names, " ")
	}
	for _, tt := range []struct{ name, got, want string }{
		{"all pods, in order", pods("", metav1.ListOptions{}), "bank/web shop/db shop/web"},
		{"those of a namespace", pods("shop", metav1.ListOptions{}), "shop/db shop/web"},
		{"those with a label", pods("", metav1.ListOptions{LabelSelector: "app in (web)"}), "bank/web shop/web"},
		{"one by a field", pods("shop", metav1.ListOptions{FieldSelector: "metadata.name=db"}), "shop/db"},
		{"none", pods("nowhere", metav1.ListOptions{}), ""},
		{"a selector that is none", pods("", metav1.ListOptions{LabelSelector: "a b"}), "label selector: "},
		{"a field that is not known", pods("", metav1.ListOptions{FieldSelector: "spec.x=1"}), "field label not supported: spec.x"},
	} {
		if got := tt.got; got != tt.want && (tt.want == "" || !strings.Contains(got, tt.want)) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	node, err := metrics.NodeMetricses().Get(ctx, "node-2", metav1.GetOptions{})
	if err != nil || node.Usage.Cpu().MilliValue() != 250 {
		t.Errorf("node %+v, error %v", node, err)
	}
	if list, err := metrics.NodeMetricses().List(ctx, metav1.ListOptions{LabelSelector: "agentpool=blue"}); err != nil || len(list.Items) != 1 {
		t.Errorf("nodes of the pool: %+v, %v", list, err)
	}
	if _, err := metrics.PodMetricses("shop").Get(ctx, "nobody", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("error %v, want not found", err)
	}
}

func TestASourceThatFailsIsAnErrorOfTheServer(t *testing.T) {
	client, err := versioned.NewForConfig(serveFixed(t, fixed{errors.New("no numbers")}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.MetricsV1beta1().NodeMetricses().List(t.Context(), metav1.ListOptions{}); !apierrors.IsInternalError(err) {
		t.Errorf("error %v, want an internal error", err)
	}
}

func TestTheGroupIsDiscoveredAndHealthy(t *testing.T) {
	config := serveFixed(t, fixed{})
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	list, err := client.ServerResourcesForGroupVersion("metrics.k8s.io/v1beta1")
	if err != nil || len(list.APIResources) != 2 || list.APIResources[0].Namespaced || !list.APIResources[1].Namespaced {
		t.Errorf("resources %+v, error %v", list, err)
	}
	for path, want := range map[string]int{"/readyz": http.StatusOK, "/apis/metrics.k8s.io": http.StatusOK, "/apis": http.StatusOK, "/api": http.StatusNotFound} {
		response, err := http.Get(config.Host + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s answered %d, want %d", path, response.StatusCode, want)
		}
	}
}
