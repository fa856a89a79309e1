package kubelet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/k8slab/k8slab/engine/cluster/embedded/inprocess"
)

// server is the API that each node serves on port 10250, as far as kube-apiserver uses it
// (pkg/kubelet/server/server.go). It listens nowhere: connections come from dial.
type server struct {
	kubelet *Kubelet
	http    *http.Server
	tls     *tls.Config
	conns   *inprocess.Listener
}

func newServer(k *Kubelet, certificate tls.Certificate, clients *x509.CertPool) *server {
	s := &server{
		kubelet: k,
		tls: &tls.Config{
			MinVersion:   tls.VersionTLS12,
			Certificates: []tls.Certificate{certificate},
			ClientAuth:   tls.RequireAndVerifyClientCert,
			ClientCAs:    clients,
			// A pipe has no buffer: tickets would be written while the client writes its first request.
			SessionTicketsDisabled: true,
		},
		conns: inprocess.New(&net.TCPAddr{Port: kubeletPort}),
	}
	s.http = &http.Server{
		Handler:           s.routes(),
		TLSConfig:         s.tls,
		ReadHeaderTimeout: 30 * time.Second,
		ConnContext:       nodeOfConnection,
		ErrorLog:          slog.NewLogLogger(k.log.Handler(), slog.LevelDebug),
	}
	return s
}

// stopTime is how long requests get to end once Run is to stop.
const stopTime = 2 * time.Second

// run serves until ctx ends, and returns when every request has.
func (s *server) run(ctx context.Context) error {
	s.http.BaseContext = func(net.Listener) context.Context { return ctx }
	stopped := make(chan struct{})
	defer context.AfterFunc(ctx, func() {
		defer close(stopped)
		deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		if err := s.http.Shutdown(deadline); err != nil {
			_ = s.http.Close()
		}
	})()
	err := s.http.ServeTLS(s.conns, "", "")
	if ctx.Err() == nil {
		return fmt.Errorf("serve the kubelet's API: %w", err)
	}
	<-stopped
	return nil
}

// dial returns a connection to the node's API.
func (s *server) dial(ctx context.Context, n *node) (net.Conn, error) {
	near, far := net.Pipe()
	n.conns.add(near)
	if err := s.conns.Put(ctx, &nodeConn{Conn: far, node: n}); err != nil {
		_ = n.conns.close(near)
		_ = far.Close()
		return nil, fmt.Errorf("connect to node %s: %w", n.Name, err)
	}
	return &trackedConn{Conn: near, conns: &n.conns}, nil
}

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	mux.HandleFunc("GET /pods", s.servePods)
	mux.HandleFunc("GET /stats/summary", s.serveSummary)
	mux.HandleFunc("GET /metrics/resource", s.serveResourceMetrics)
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", s.serveLogs)
	for _, method := range []string{"GET", "POST"} {
		mux.HandleFunc(method+" /exec/{namespace}/{pod}/{container}", s.serveExec)
		mux.HandleFunc(method+" /exec/{namespace}/{pod}/{uid}/{container}", s.serveExec)
		mux.HandleFunc(method+" /attach/{namespace}/{pod}/{container}", s.serveAttach)
		mux.HandleFunc(method+" /attach/{namespace}/{pod}/{uid}/{container}", s.serveAttach)
		mux.HandleFunc(method+" /portForward/{namespace}/{pod}", s.servePortForward)
		mux.HandleFunc(method+" /portForward/{namespace}/{pod}/{uid}", s.servePortForward)
	}
	return mux
}

// servePods lists the pods of the node.
func (s *server) servePods(w http.ResponseWriter, r *http.Request) {
	list := corev1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}, Items: []corev1.Pod{}}
	for _, pod := range s.kubelet.pods.onNode(nodeOf(r).Name) {
		list.Items = append(list.Items, *pod)
	}
	writeJSON(w, list)
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

// podOf returns the pod that the request's path names, or answers that the node has no such pod.
func (s *server) podOf(w http.ResponseWriter, r *http.Request) *corev1.Pod {
	pod := s.kubelet.pods.get(types.NamespacedName{Namespace: r.PathValue("namespace"), Name: r.PathValue("pod")})
	uid := r.PathValue("uid")
	if pod == nil || pod.Spec.NodeName != nodeOf(r).Name || (uid != "" && uid != string(pod.UID)) {
		http.Error(w, fmt.Sprintf("pod %q not found", r.PathValue("pod")), http.StatusNotFound)
		return nil
	}
	return pod
}

// containerOf returns the named container of the pod, or nil.
func containerOf(pod *corev1.Pod, name string) *container {
	for _, c := range containersOf(pod) {
		if c.Name == name {
			return &c
		}
	}
	return nil
}

// nodeConn is a connection to a node's API.
type nodeConn struct {
	net.Conn
	node *node
}

// openConns are connections that go when their node does.
type openConns struct {
	mu   sync.Mutex
	open map[net.Conn]bool
}

func (o *openConns) init() { o.open = map[net.Conn]bool{} }

func (o *openConns) add(c net.Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open[c] = true
}

func (o *openConns) close(c net.Conn) error {
	o.mu.Lock()
	delete(o.open, c)
	o.mu.Unlock()
	return c.Close()
}

func (o *openConns) closeAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for c := range o.open {
		_ = c.Close()
	}
	clear(o.open)
}

// trackedConn is one of them.
type trackedConn struct {
	net.Conn
	conns *openConns
}

func (t *trackedConn) Close() error { return t.conns.close(t.Conn) }

type nodeKey struct{}

func nodeOfConnection(ctx context.Context, c net.Conn) context.Context {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	if n, ok := c.(*nodeConn); ok {
		return context.WithValue(ctx, nodeKey{}, n.node)
	}
	return ctx
}

// nodeOf returns the node that was dialled.
func nodeOf(r *http.Request) *node { return r.Context().Value(nodeKey{}).(*node) }
