package embedded_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/clustertest"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/internal/testcluster"
)

func TestMain(m *testing.M) { testcluster.Main(m) }

func spec(name string) cluster.Spec {
	return cluster.Spec{Name: name, Release: "1.37", Nodes: []cluster.Node{
		{Name: "worker-1", Zone: "z1", Pool: "apps"},
		{Name: "worker-2", Zone: "z2", Pool: "apps"},
		{Name: "worker-3", Zone: "z3", Pool: "apps"},
		{Name: "worker-4", Zone: "z1", Pool: "apps"},
	}}
}

func provider(t *testing.T, dir string) *embedded.Provider {
	t.Helper()
	p, err := embedded.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// started returns a provider with one running cluster, which is deleted with the test.
func started(t *testing.T, s cluster.Spec) (*embedded.Provider, *cluster.Cluster) {
	t.Helper()
	p := provider(t, t.TempDir())
	t.Cleanup(func() {
		if err := p.Delete(context.Background(), s.Name); err != nil {
			t.Error(err)
		}
	})
	c, err := p.Ensure(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p, c
}

func TestConformance(t *testing.T) {
	clustertest.Run(t, provider(t, t.TempDir()), spec("conformance"))
}

// TestConformanceOfAnOlderRelease has something to upgrade to.
func TestConformanceOfAnOlderRelease(t *testing.T) {
	older := spec("conformance-old")
	older.Release = "1.36"
	clustertest.Run(t, provider(t, t.TempDir()), older)
}

func TestTheFilesOfAClusterArePrivate(t *testing.T) {
	_, c := started(t, spec("private"))
	err := filepath.WalkDir(filepath.Dir(c.Kubeconfig), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // etcd's temporary files come and go
		}
		if err != nil {
			return err
		}
		if perm := info.Mode().Perm(); perm&0o077 != 0 {
			t.Errorf("%s has mode %o", path, perm)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEtcdRefusesWhoeverBringsNoCertificateOfItsOwn(t *testing.T) {
	_, c := started(t, spec("etcd"))
	dir := filepath.Dir(c.Kubeconfig)
	address := etcdAddress(t, dir)
	learner, err := tls.LoadX509KeyPair(filepath.Join(dir, "pki", "client-learner.crt"), filepath.Join(dir, "pki", "client-learner.key"))
	if err != nil {
		t.Fatal(err)
	}
	own, err := tls.LoadX509KeyPair(filepath.Join(dir, "pki", "apiserver-etcd-client.crt"), filepath.Join(dir, "pki", "apiserver-etcd-client.key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name     string
		certs    []tls.Certificate
		accepted bool
	}{
		{"nobody", nil, false},
		{"the learner", []tls.Certificate{learner}, false},
		{"the API server", []tls.Certificate{own}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := handshake(t.Context(), address, tc.certs)
			if accepted := err == nil; accepted != tc.accepted {
				t.Errorf("accepted: %v (%v), want %v", accepted, err, tc.accepted)
			}
		})
	}
}

// handshake opens a TLS connection and reads: with TLS 1.3 a refused client certificate shows at the first read.
func handshake(ctx context.Context, address string, certs []tls.Certificate) error {
	d := tls.Dialer{Config: &tls.Config{Certificates: certs, InsecureSkipVerify: true}}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("GET /health HTTP/1.1\r\nHost: etcd\r\n\r\n")); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 1))
	return err
}

func etcdAddress(t *testing.T, dir string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "cluster.json"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(raw), `"etcdClient": `)
	if !ok {
		t.Fatalf("no etcd port in %s", raw)
	}
	port, _, _ := strings.Cut(after, ",")
	return net.JoinHostPort("127.0.0.1", port)
}

// objects counts what tells whether a cluster is the same one with nothing lost.
func objects(t *testing.T, p cluster.Provider, name string) map[string]string {
	t.Helper()
	cfg, err := p.Config(t.Context(), name, cluster.Operator)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	namespaces, err := client.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, ns := range namespaces.Items {
		found["namespace/"+ns.Name] = string(ns.UID)
	}
	nodes, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes.Items {
		found["node/"+n.Name] = string(n.UID) + " " + n.Status.NodeInfo.BootID
	}
	return found
}

func component(t *testing.T, p cluster.Provider, clusterName, name string) process {
	t.Helper()
	c, err := p.Find(t.Context(), clusterName)
	if err != nil {
		t.Fatal(err)
	}
	for _, component := range c.Components {
		if component.Name == name {
			return process{component.PID, component.State, component.Restarts}
		}
	}
	t.Fatalf("no component %s in %+v", name, c)
	return process{}
}

type process struct {
	pid      int
	state    string
	restarts int
}

func TestAKilledComponentComesBackAndNothingIsLost(t *testing.T) {
	p, _ := started(t, spec("killed"))
	before := objects(t, p, "killed")
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
		t.Run(name, func(t *testing.T) {
			was := component(t, p, "killed", name)
			if err := syscall.Kill(was.pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			testcluster.Eventually(t, func() error {
				is := component(t, p, "killed", name)
				if is.state != "running" || is.pid == was.pid || is.restarts != was.restarts+1 {
					return errors.New("it has not come back")
				}
				return nil
			})
			if _, err := p.Ensure(t.Context(), spec("killed"), nil); err != nil {
				t.Fatal(err)
			}
			same(t, before, objects(t, p, "killed"))
		})
	}
}

func same(t *testing.T, before, after map[string]string) {
	t.Helper()
	for name, id := range before {
		if after[name] != id {
			t.Errorf("%s was %s and is %q", name, id, after[name])
		}
	}
}

func TestAKilledSupervisorIsReplacedAndItsComponentsEnd(t *testing.T) {
	p, c := started(t, spec("orphans"))
	before := objects(t, p, "orphans")
	was := component(t, p, "orphans", "etcd")
	supervisor := testcluster.Parent(t, was.pid)
	if err := syscall.Kill(supervisor, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testcluster.Eventually(t, func() error {
		found, err := p.Find(t.Context(), "orphans")
		if err != nil {
			return err
		}
		if found.State != cluster.Degraded {
			return errors.New("the cluster is " + string(found.State))
		}
		return nil
	})
	if _, err := p.Ensure(t.Context(), spec("orphans"), nil); err != nil {
		t.Fatal(err)
	}
	same(t, before, objects(t, p, "orphans"))
	if left := testcluster.ProcessesOf(t, filepath.Dir(c.Kubeconfig)); len(left) != 5 {
		t.Errorf("%d processes belong to the cluster, want the supervisor and four components: %v", len(left), left)
	}
}

func TestDeleteLeavesNoProcessAndNoFile(t *testing.T) {
	p, c := started(t, spec("gone"))
	dir := filepath.Dir(c.Kubeconfig)
	if err := p.Delete(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	if left := testcluster.ProcessesOf(t, dir); len(left) != 0 {
		t.Errorf("processes are left: %v", left)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestAClusterEndsWhenItsFolderIsRemoved(t *testing.T) {
	_, c := started(t, spec("removed"))
	dir := filepath.Dir(c.Kubeconfig)
	// Whoever removes it may have to type it twice: the components write as long as they run.
	testcluster.Eventually(t, func() error { return os.RemoveAll(dir) })
	testcluster.Eventually(t, func() error {
		if left := testcluster.ProcessesOf(t, dir); len(left) > 0 {
			return fmt.Errorf("processes are left: %v", left)
		}
		return nil
	})
}

func TestOneComponentCanBeStoppedAndStarted(t *testing.T) {
	p, _ := started(t, spec("parts"))
	if err := p.StopComponent(t.Context(), "parts", "kube-scheduler"); err != nil {
		t.Fatal(err)
	}
	if is := component(t, p, "parts", "kube-scheduler"); is.state != "stopped" || is.pid != 0 || is.restarts != 0 {
		t.Errorf("after stop: %+v", is)
	}
	if err := p.StartComponent(t.Context(), "parts", "kube-scheduler"); err != nil {
		t.Fatal(err)
	}
	testcluster.Eventually(t, func() error {
		if is := component(t, p, "parts", "kube-scheduler"); is.state != "running" {
			return errors.New("the scheduler is " + is.state)
		}
		return nil
	})
	err := p.StopComponent(t.Context(), "parts", "kube-proxy")
	if problem.KindOf(err) != problem.Usage {
		t.Errorf("an unknown component gave %v", err)
	}
}

func TestAfterAnOutageOfTheAPIServerNobodyActsOnWhatWasBefore(t *testing.T) {
	p, _ := started(t, spec("outage"))
	before := map[string]process{}
	for _, name := range []string{"kube-controller-manager", "kube-scheduler"} {
		before[name] = component(t, p, "outage", name)
	}
	if err := p.StopComponent(t.Context(), "outage", "kube-apiserver"); err != nil {
		t.Fatal(err)
	}
	if err := p.StartComponent(t.Context(), "outage", "kube-apiserver"); err != nil {
		t.Fatal(err)
	}
	objects(t, p, "outage") // fails unless the API server answers
	for name, was := range before {
		is := component(t, p, "outage", name) // it may also have ended by itself, and come back
		if is.pid == was.pid {
			t.Errorf("%s was %+v and is %+v: it knows the cluster as it was before", name, was, is)
		}
	}
}

func TestAStoppedSchedulerStaysStoppedThroughAnOutage(t *testing.T) {
	p, _ := started(t, spec("stays"))
	for _, name := range []string{"kube-scheduler", "kube-apiserver"} {
		if err := p.StopComponent(t.Context(), "stays", name); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.StartComponent(t.Context(), "stays", "kube-apiserver"); err != nil {
		t.Fatal(err)
	}
	if is := component(t, p, "stays", "kube-scheduler"); is.state != "stopped" {
		t.Errorf("the scheduler is %s", is.state)
	}
}

func TestAClusterInADeepFolderStillHasItsSockets(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("a-long-folder-name/", 6))
	temporary, err := os.MkdirTemp("", "s") // where they are then
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", temporary)
	p := provider(t, dir)
	t.Cleanup(func() {
		if err := p.Delete(context.Background(), "deep"); err != nil {
			t.Error(err)
		}
		if err := os.Remove(temporary); err != nil {
			t.Errorf("something is left beside the cluster's folder: %v", err)
		}
	})
	if _, err := p.Ensure(t.Context(), spec("deep"), nil); err != nil {
		t.Fatal(err)
	}
}

func TestEnsureRefusesInOneLine(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	notKubernetes, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name    string
		prepare func(t *testing.T, dir string) cluster.Spec
		want    string
		next    string
	}{
		{"a port that is in use", func(t *testing.T, dir string) cluster.Spec {
			s := spec("x")
			s.APIPort = taken.Addr().(*net.TCPAddr).Port
			return s
		}, "is in use by another program", "start x"},
		{"a missing executable", func(t *testing.T, dir string) cluster.Spec {
			t.Setenv(embedded.DirVariable, dir)
			return spec("x")
		}, "the control plane of Kubernetes 1.37 (k8slab-controlplane-v1.37.*) is not in", "make build"},
		{"an executable that holds something else", func(t *testing.T, dir string) cluster.Spec {
			t.Setenv(embedded.DirVariable, dir)
			if err := os.Symlink(notKubernetes, filepath.Join(dir, "k8slab-controlplane-v1.37.2")); err != nil {
				t.Fatal(err)
			}
			return spec("x")
		}, "does not contain Kubernetes", "make build"},
		{"an executable of another release under the name of this one", func(t *testing.T, dir string) cluster.Spec {
			older := testcluster.Executable(t, "1.36")
			t.Setenv(embedded.DirVariable, dir)
			if err := os.Symlink(older, filepath.Join(dir, "k8slab-controlplane-v1.37.2")); err != nil {
				t.Fatal(err)
			}
			return spec("x")
		}, "holds Kubernetes v1.36.3", "make build"},
		{"a description that is damaged", func(t *testing.T, dir string) cluster.Spec {
			if err := os.MkdirAll(filepath.Join(dir, "x"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "x", "cluster.json"), []byte("{"), 0o600); err != nil {
				t.Fatal(err)
			}
			return spec("x")
		}, "the description of the cluster is damaged", "delete x"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			s := tc.prepare(t, dir)
			_, err := provider(t, dir).Ensure(t.Context(), s, nil)
			p, ok := errors.AsType[*problem.Problem](err)
			if !ok {
				t.Fatalf("got %v, want a problem", err)
			}
			if !strings.Contains(p.What.EN, tc.want) || strings.Contains(p.What.EN, "\n") || p.What.JA == "" {
				t.Errorf("got %q / %q, want %q in one line and two languages", p.What.EN, p.What.JA, tc.want)
			}
			if p.Kind != problem.Cluster || p.Next.String() != tc.next {
				t.Errorf("kind %v, next %q; want %q", p.Kind, p.Next, tc.next)
			}
		})
	}
}

func TestThe136ControlPlaneStartsFromTheSameSource(t *testing.T) {
	s := spec("older")
	s.Release = "1.36"
	_, c := started(t, s)
	if c.Version != "v1.36.3" {
		t.Errorf("got %s", c.Version)
	}
	if !slices.ContainsFunc(c.Components, func(c cluster.Component) bool { return c.Name == "kube-apiserver" && c.State == "running" }) {
		t.Errorf("components: %+v", c.Components)
	}
}
