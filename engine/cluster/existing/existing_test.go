package existing_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/clustertest"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/engine/cluster/existing"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/internal/testcluster"
)

func TestMain(m *testing.M) { testcluster.Main(m) }

func spec(name string) cluster.Spec {
	return cluster.Spec{Name: name, Release: "1.37", Nodes: []cluster.Node{
		{Name: "worker-1", Zone: "z1", Pool: "apps"}, {Name: "worker-2", Zone: "z2", Pool: "apps"},
	}}
}

// borrowed plays on embedded clusters as if somebody else had made them.
type borrowed struct {
	*existing.Provider
	host *embedded.Provider
	t    *testing.T
}

func borrow(t *testing.T) *borrowed {
	t.Helper()
	host, err := embedded.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &borrowed{Provider: existing.New(filepath.Join(t.TempDir(), "existing")), host: host, t: t}
}

// Ensure makes the embedded cluster first, in the place of somebody else.
func (b *borrowed) Ensure(ctx context.Context, spec cluster.Spec, progress cluster.Progress) (*cluster.Cluster, error) {
	theirs := b.make(spec)
	look, err := b.Look(ctx, spec.Name, placeOf(theirs))
	if err != nil {
		return nil, err
	}
	if err := b.Settle(ctx, spec.Name, look); err != nil {
		return nil, err
	}
	return b.Provider.Ensure(ctx, spec, progress)
}

func (b *borrowed) make(spec cluster.Spec) *cluster.Cluster {
	b.t.Helper()
	b.t.Cleanup(func() {
		if err := b.host.Delete(context.Background(), spec.Name); err != nil {
			b.t.Error(err)
		}
	})
	c, err := b.host.Ensure(b.t.Context(), spec, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func placeOf(c *cluster.Cluster) cluster.Place {
	return cluster.Place{Kubeconfig: c.Kubeconfig, Context: "k8slab-" + c.Name}
}

func (b *borrowed) client(c *cluster.Cluster) kubernetes.Interface {
	b.t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		b.t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	return client
}

func TestConformance(t *testing.T) {
	clustertest.Run(t, borrow(t), spec("borrowed"))
}

func TestAClusterIsFollowedNowhereElse(t *testing.T) {
	b := borrow(t)
	first, second := b.make(spec("one")), b.make(spec("two"))
	file := filepath.Join(t.TempDir(), "config")
	point := func(at *cluster.Cluster) {
		t.Helper()
		cfg, err := clientcmd.LoadFromFile(at.Kubeconfig)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Contexts["work"] = cfg.Contexts["k8slab-"+at.Name]
		if err := clientcmd.WriteToFile(*cfg, file); err != nil {
			t.Fatal(err)
		}
	}
	point(first)
	place := cluster.Place{Kubeconfig: file, Context: "work"}
	host, err := b.Look(t.Context(), "lab", place)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Settle(t.Context(), "lab", host); err != nil {
		t.Fatal(err)
	}
	lab := spec("lab")
	if _, err := b.Provider.Ensure(t.Context(), lab, nil); err != nil {
		t.Fatal(err)
	}

	point(second)
	_, looked := b.Look(t.Context(), "lab", place)
	_, ensured := b.Provider.Ensure(t.Context(), lab, nil)
	_, reached := b.Config(t.Context(), "lab", cluster.Operator)
	_, left := b.Leave(t.Context(), "lab")
	for what, err := range map[string]error{"Look": looked, "Ensure": ensured, "Config": reached, "Leave": left} {
		p, ok := errors.AsType[*problem.Problem](err)
		if !ok || !strings.Contains(p.What.EN, first.Server) || !strings.Contains(p.What.EN, second.Server) || p.What.JA == "" || p.Next.IsZero() {
			t.Errorf("%s: %v", what, err)
		}
	}
	c, err := b.Find(t.Context(), "lab")
	if err != nil || c.State != cluster.Degraded {
		t.Errorf("Find: %+v, %v", c, err)
	}
	point(first)
	if _, err := b.Provider.Ensure(t.Context(), lab, nil); err != nil {
		t.Errorf("pointed back: %v", err)
	}
}

func TestAClusterThatWasMadeAnewAtTheSameAddressIsAnother(t *testing.T) {
	b := borrow(t)
	theirs := spec("theirs")
	first := b.make(theirs)
	place := placeOf(first)
	host, err := b.Look(t.Context(), "lab", place)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Settle(t.Context(), "lab", host); err != nil {
		t.Fatal(err)
	}
	if err := b.host.Delete(t.Context(), theirs.Name); err != nil {
		t.Fatal(err)
	}
	server, err := url.Parse(first.Server)
	if err != nil {
		t.Fatal(err)
	}
	if theirs.APIPort, err = strconv.Atoi(server.Port()); err != nil {
		t.Fatal(err)
	}
	anew := b.make(theirs)
	if anew.Server != host.Server || placeOf(anew) != place {
		t.Fatalf("made anew at %s, %v", anew.Server, placeOf(anew))
	}
	c, err := b.Find(t.Context(), "lab")
	if err != nil || c.State != cluster.Degraded {
		t.Errorf("Find: %+v, %v", c, err)
	}
	_, ensured := b.Provider.Ensure(t.Context(), spec("lab"), nil)
	_, left := b.Leave(t.Context(), "lab")
	for what, err := range map[string]error{"Ensure": ensured, "Leave": left} {
		p, ok := errors.AsType[*problem.Problem](err)
		if !ok || !strings.Contains(p.What.EN, "there is another cluster now") || p.What.JA == "" || p.Next.String() != "delete lab --forget" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// breaking returns a kubeconfig for the cluster behind a proxy, which answers the requests that broken chooses with
// 500.
func breaking(t *testing.T, c *cluster.Cluster, broken func(*http.Request) bool) cluster.Place {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(cfg.Host)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !broken(r) {
			proxy.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "InternalError", "code": 500,
			"message": "conversion webhook for widgets.example.com failed: service \"webhook\" not found"}`)
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "config")
	text := `{"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "c", "cluster": {"server": "` + server.URL + `"}}],
		"contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}], "users": [{"name": "u", "user": {}}]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return cluster.Place{Kubeconfig: file, Context: "here"}
}

// TestLeaveGoesOnPastWhatTheServerCannotDo leaves clusters in which a webhook's server is gone: the conversion webhook
// of a CRD, or a webhook that is asked before objects are deleted.
func TestLeaveGoesOnPastWhatTheServerCannotDo(t *testing.T) {
	b := borrow(t)
	theirs := b.make(spec("broken"))
	client := b.client(theirs)
	mine := map[string]string{cluster.LabLabel: "lab"}
	for _, name := range []string{"kept", "seen", "shop"} {
		if _, err := client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		_, err := client.CoreV1().ConfigMaps(name).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "mine", Labels: mine}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	once := make(chan bool, 1)
	once <- true
	place := breaking(t, theirs, func(r *http.Request) bool {
		switch {
		case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/secrets"):
			return true
		case r.Method == http.MethodDelete && r.URL.Path == "/api/v1/namespaces/kept/configmaps/mine":
			return true
		case r.Method == http.MethodGet && r.URL.Path == "/api/v1/namespaces/seen/configmaps/mine":
			select {
			case <-once:
				return true
			default:
			}
		}
		return false
	})
	host, err := b.Look(t.Context(), "lab", place)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Settle(t.Context(), "lab", host); err != nil {
		t.Fatal(err)
	}
	left, err := b.Leave(t.Context(), "lab")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"configmap/seen/mine", "configmap/shop/mine"}; !slices.Equal(left.Removed, want) {
		t.Errorf("removed %v, want %v", left.Removed, want)
	}
	if !slices.Equal(left.Left, []string{"configmap/kept/mine"}) || !slices.Equal(left.Unseen, []string{"secrets"}) {
		t.Errorf("left %v, unseen %v", left.Left, left.Unseen)
	}
}

func TestLeaveRemovesWhatCarriesTheLabelAndNothingElse(t *testing.T) {
	b := borrow(t)
	theirs := b.make(spec("theirs"))
	client := b.client(theirs)
	ctx := t.Context()
	mine := map[string]string{cluster.LabLabel: "lab"}
	another := map[string]string{cluster.LabLabel: "another-lab"}
	configMap := func(namespace, name string, labels map[string]string, finalizers ...string) {
		t.Helper()
		_, err := client.CoreV1().ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: labels, Finalizers: finalizers}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, labels := range map[string]map[string]string{"shop": mine, "payments": nil, "other": another} {
		_, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	configMap("shop", "learners-own", nil)
	configMap("payments", "mine", mine)
	configMap("payments", "theirs", nil)
	configMap("payments", "others", another)

	host, err := b.Look(ctx, "lab", placeOf(theirs))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Settle(ctx, "lab", host); err != nil {
		t.Fatal(err)
	}
	cordon(t, client, "worker-1")
	left, err := b.Leave(ctx, "lab")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"configmap/payments/mine", "namespace/shop"}; !slices.Equal(left.Removed, want) {
		t.Errorf("removed %v, want %v", left.Removed, want)
	}
	if !slices.Equal(left.Cordoned, []string{"worker-1"}) || len(left.Uncordoned) > 0 {
		t.Errorf("left cordoned %v, uncordoned %v; nobody said that nodes may be changed", left.Cordoned, left.Uncordoned)
	}
	for _, name := range []string{"theirs", "others"} {
		if _, err := client.CoreV1().ConfigMaps("payments").Get(ctx, name, metav1.GetOptions{}); err != nil {
			t.Error(err)
		}
	}
	if _, err := client.CoreV1().Namespaces().Get(ctx, "other", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := client.CoreV1().Namespaces().Get(ctx, "shop", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the namespace shop: %v", err)
	}
	if _, err := b.Find(ctx, "lab"); !errors.Is(err, cluster.ErrNotFound) {
		t.Errorf("Find: %v", err)
	}
}

// TestFindWaitsForNoPlugin has a plugin that waits for a person, such as a kubelogin that has shown a device code. The
// timeout of a request does not end such a plugin.
func TestFindWaitsForNoPlugin(t *testing.T) {
	dir := t.TempDir()
	pipe, file := filepath.Join(dir, "pipe"), filepath.Join(dir, "config")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // the plugin, which reads the pipe, ends
		end, err := os.OpenFile(pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		end.Close()
	})
	text := `{"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
		"contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}], "users": [{"name": "u", "user": {"exec": {
			"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/cat", "args": ["` + pipe + `"], "interactiveMode": "Never"}}}]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := existing.New(filepath.Join(dir, "state"))
	host := &cluster.Host{Place: cluster.Place{Kubeconfig: file, Context: "here"}, Context: "here", Server: "https://127.0.0.1:1", ID: "id"}
	if err := p.Settle(t.Context(), "lab", host); err != nil {
		t.Fatal(err)
	}
	c, err := p.Find(t.Context(), "lab")
	if err != nil || c.State != cluster.Degraded {
		t.Errorf("Find: %+v, %v", c, err)
	}
	cfg, err := p.Config(t.Context(), "lab", cluster.Operator)
	if err != nil || cfg.Timeout == 0 {
		t.Errorf("a request waits as long as it likes: %v", err)
	}
}

func TestNodesAreOpenedAgainOnlyWhereThatIsAllowed(t *testing.T) {
	b := borrow(t)
	theirs := b.make(spec("nodes"))
	client := b.client(theirs)
	cordon(t, client, "worker-2") // the node was cordoned before the lab came
	host, err := b.Look(t.Context(), "lab", placeOf(theirs))
	if err != nil {
		t.Fatal(err)
	}
	host.NodesAllowed = true
	if err := b.Settle(t.Context(), "lab", host); err != nil {
		t.Fatal(err)
	}
	cordon(t, client, "worker-1")
	opened, err := b.OpenNodes(t.Context(), "lab")
	if err != nil || !slices.Equal(opened, []string{"worker-1"}) {
		t.Errorf("opened %v, %v", opened, err)
	}
	node, err := client.CoreV1().Nodes().Get(t.Context(), "worker-2", metav1.GetOptions{})
	if err != nil || !node.Spec.Unschedulable {
		t.Errorf("worker-2 is open, %v", err)
	}
}

func cordon(t *testing.T, client kubernetes.Interface, node string) {
	t.Helper()
	_, err := client.CoreV1().Nodes().Patch(t.Context(), node, types.MergePatchType, []byte(`{"spec":{"unschedulable":true}}`), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPlacesThatCannotBeUsedSayWhy(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	config := func(user string) string {
		return `{"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
			"contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}], "users": [{"name": "u", "user": ` + user + `}]}`
	}
	good := write("good", config(`{"token": "x"}`))
	// answering returns a kubeconfig for an API server that gives the same answer to every request.
	answering := func(status int, trusted bool) string {
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "code": %d}`, status)
		}))
		t.Cleanup(server.Close)
		text := strings.Replace(config(`{"token": "x"}`), "https://127.0.0.1:1", server.URL, 1)
		if trusted {
			text = strings.Replace(text, `"server"`, `"insecure-skip-tls-verify": true, "server"`, 1)
		}
		return write(fmt.Sprint("status-", status, trusted), text)
	}
	tests := []struct {
		name  string
		place cluster.Place
		kind  problem.Kind
		want  string
	}{
		{"no context", cluster.Place{Kubeconfig: good}, problem.Usage, "say which cluster is meant, with --context: there is here"},
		{"a context that is not there", cluster.Place{Kubeconfig: good, Context: "her"}, problem.Usage, "did you mean here?"},
		{"a file that is not there", cluster.Place{Kubeconfig: filepath.Join(dir, "none"), Context: "here"}, problem.Usage, "there is no kubeconfig"},
		{"a file that is none", cluster.Place{Kubeconfig: write("bad", "{"), Context: "here"}, problem.Usage, "cannot be read"},
		{"a plugin that is not there", cluster.Place{Kubeconfig: write("exec", config(`{"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-kubelogin", "interactiveMode": "Never"}}`)), Context: "here"},
			problem.Cluster, "the program no-such-kubelogin, which is not installed"},
		{"nobody answers", cluster.Place{Kubeconfig: good, Context: "here"}, problem.Cluster, "does not answer at https://127.0.0.1:1"},
		{"the token has expired", cluster.Place{Kubeconfig: answering(401, true), Context: "here"}, problem.Cluster, "are not accepted by https://127.0.0.1"},
		{"the rights are not enough", cluster.Place{Kubeconfig: answering(403, true), Context: "here"}, problem.Cluster, "the rights of here are not enough"},
		{"somebody else answers", cluster.Place{Kubeconfig: answering(200, false), Context: "here"}, problem.Cluster, "is another cluster, or somebody intercepts the connection"},
		{"a flag of another provider", cluster.Place{Context: "here", ResourceGroup: "rg"}, problem.Usage, "are for --cluster aks"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := existing.New(filepath.Join(dir, "state")).Look(t.Context(), "lab", tt.place)
			p, ok := errors.AsType[*problem.Problem](err)
			if !ok || p.Kind != tt.kind || !strings.Contains(p.What.EN, tt.want) || p.What.JA == "" || p.Next.IsZero() {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
