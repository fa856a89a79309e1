package kubelet

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/engine/cluster/embedded/inprocess"
	"github.com/k8slab/k8slab/engine/cluster/embedded/metrics"
)

// metricsService is what an aggregated API needs: an address that the API server dials, a slice that says that
// something is behind it, and the registration.
const metricsService = "10.0.250.250"

func (l *lab) registerMetrics() {
	l.t.Helper()
	ctx := context.Background()
	meta := metav1.ObjectMeta{Name: "metrics-server", Namespace: "kube-system"}
	ports := []corev1.ServicePort{{Name: "https", Port: 443}}
	if _, err := l.client.CoreV1().Services("kube-system").Create(ctx, &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{ClusterIP: metricsService, Ports: ports}}, metav1.CreateOptions{}); err != nil {
		l.t.Fatal(err)
	}
	meta.Labels = map[string]string{discoveryv1.LabelServiceName: "metrics-server"}
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: meta, AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.244.255.250"}}},
		Ports:     []discoveryv1.EndpointPort{{Name: new("https"), Port: new(int32(443))}},
	}
	if _, err := l.client.DiscoveryV1().EndpointSlices("kube-system").Create(ctx, slice, metav1.CreateOptions{}); err != nil {
		l.t.Fatal(err)
	}
	body := `{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"v1beta1.metrics.k8s.io"},"spec":{"group":"metrics.k8s.io","version":"v1beta1",` +
		`"groupPriorityMinimum":100,"versionPriority":100,"insecureSkipTLSVerify":true,"service":{"namespace":"kube-system","name":"metrics-server"}}}`
	if _, err := l.client.Discovery().RESTClient().Post().AbsPath("/apis/apiregistration.k8s.io/v1/apiservices").
		SetHeader("Content-Type", "application/json").Body([]byte(body)).DoRaw(ctx); err != nil {
		l.t.Fatal(err)
	}
}

func TestKubectlTopIsAnsweredThroughTheAPIServer(t *testing.T) {
	l := &lab{state: t.TempDir(), prepare: func(*Kubelet) {}}
	incoming := inprocess.New(&net.TCPAddr{})
	var ready atomic.Bool
	l.controlPlane = startControlPlane(t, testNodes(), func(ctx context.Context, addr string) (net.Conn, error) {
		if host, _, _ := net.SplitHostPort(addr); host == metricsService && ready.Load() {
			return incoming.Dial(ctx)
		}
		return l.kubelet.Load().DialNode(ctx, addr)
	})
	l.startNodes()
	t.Cleanup(l.stopNodes)
	server := &http.Server{
		Handler:   metrics.Handler(l.kubelet.Load()),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{l.certificate}, SessionTicketsDisabled: true},
	}
	served := make(chan error, 1)
	go func() { served <- server.ServeTLS(incoming, "", "") }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-served; err != http.ErrServerClosed {
			t.Errorf("the metrics server ended with %v", err)
		}
	})
	ready.Store(true)

	l.declare("  selector: {matchLabels: {app: hog}}\n  usage: {cpu: 300m, memory: 64Mi}\n")
	l.create(simplePod("hog"))
	l.create(simplePod("idle"))
	l.awaitReadyPod("hog")
	l.awaitReadyPod("idle")
	l.registerMetrics()
	eventually(t, "the API is available", func() bool {
		out, _ := l.kubectl("", "get", "apiservice", "v1beta1.metrics.k8s.io")
		return strings.Contains(out, "True")
	})
	eventually(t, "kubectl top orders pods by what they use", func() bool {
		out, err := l.kubectl("", "top", "pods", "--sort-by=cpu")
		return err == nil && strings.Index(out, "hog") > 0 && strings.Index(out, "hog") < strings.Index(out, "idle")
	})
	out, err := l.kubectl("", "top", "nodes")
	if err != nil || !strings.Contains(out, "node-1") || strings.Contains(out, "unknown") {
		t.Errorf("kubectl top nodes: %v\n%s", err, out)
	}
	if err := l.kubelet.Load().StopNode("node-2"); err != nil {
		t.Fatal(err)
	}
	if out, err := l.kubectl("", "top", "nodes"); err != nil || !strings.Contains(out, "<unknown>") {
		t.Errorf("kubectl top nodes with a dead node: %v\n%s", err, out)
	}
}
