package kubelet

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/k8slab/k8slab/engine/cluster/embedded/egress"
)

const controlPlaneFile = "k8slab-controlplane-v1.37.2"

// patience is how long eventually waits.
const patience = 60 * time.Second

// controlPlane is a real etcd, API server, controller manager and scheduler, with one certificate for all of them.
type controlPlane struct {
	t           testing.TB
	dir         string
	config      *rest.Config
	client      kubernetes.Interface
	certificate tls.Certificate
	authorities *x509.CertPool
	socket      string
	commands    map[string][]string
	running     map[string]*exec.Cmd
}

// startControlPlane starts it; the API server reaches nodes through dial.
func startControlPlane(t testing.TB, nodes []Node, dial func(ctx context.Context, addr string) (net.Conn, error)) *controlPlane {
	t.Helper()
	dir, err := os.MkdirTemp("", "kubelet")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c := &controlPlane{t: t, dir: dir, running: map[string]*exec.Cmd{}, socket: filepath.Join(dir, "egress.sock")}
	c.makeCertificates(nodes)
	c.serveEgress(dial)
	api := freePort(t)
	c.config = &rest.Config{
		Host: fmt.Sprintf("https://127.0.0.1:%d", api), QPS: -1,
		TLSClientConfig: rest.TLSClientConfig{CAFile: c.path("ca.crt"), CertFile: c.path("all.crt"), KeyFile: c.path("all.key")},
	}
	if err := rest.LoadTLSFiles(c.config); err != nil {
		t.Fatal(err)
	}
	c.config.CAFile, c.config.CertFile, c.config.KeyFile = "", "", ""
	if c.client, err = kubernetes.NewForConfig(c.config); err != nil {
		t.Fatal(err)
	}
	c.writeKubeconfig()
	c.commands = c.commandLines(api, freePort(t), freePort(t))
	c.start("etcd")
	c.start("kube-apiserver")
	// Nothing restarts the controllers here, and they end when the API server is not there within ten seconds.
	eventually(t, "the API server is ready", c.answers)
	c.start("kube-controller-manager")
	c.start("kube-scheduler")
	c.awaitReady()
	return c
}

func (c *controlPlane) path(name string) string { return filepath.Join(c.dir, name) }

func (c *controlPlane) commandLines(api, etcd, peer int) map[string][]string {
	etcdURL, peerURL := fmt.Sprintf("https://127.0.0.1:%d", etcd), fmt.Sprintf("https://127.0.0.1:%d", peer)
	return map[string][]string{
		"etcd": {
			"--data-dir=" + c.path("etcd-data"), "--listen-client-urls=" + etcdURL, "--advertise-client-urls=" + etcdURL,
			"--listen-peer-urls=" + peerURL, "--initial-advertise-peer-urls=" + peerURL, "--initial-cluster=default=" + peerURL,
			"--cert-file=" + c.path("all.crt"), "--key-file=" + c.path("all.key"), "--client-cert-auth", "--trusted-ca-file=" + c.path("ca.crt"),
			"--peer-cert-file=" + c.path("all.crt"), "--peer-key-file=" + c.path("all.key"), "--peer-trusted-ca-file=" + c.path("ca.crt"),
			"--unsafe-no-fsync", "--log-level=error",
		},
		"kube-apiserver": {
			"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", api), "--advertise-address=10.240.0.2",
			"--etcd-servers=" + etcdURL, "--etcd-cafile=" + c.path("ca.crt"), "--etcd-certfile=" + c.path("all.crt"), "--etcd-keyfile=" + c.path("all.key"),
			"--client-ca-file=" + c.path("ca.crt"), "--tls-cert-file=" + c.path("all.crt"), "--tls-private-key-file=" + c.path("all.key"),
			"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + c.path("all.crt"), "--service-account-signing-key-file=" + c.path("all.key"),
			"--service-cluster-ip-range=10.0.0.0/16", "--authorization-mode=Node,RBAC",
			"--kubelet-certificate-authority=" + c.path("ca.crt"), "--kubelet-client-certificate=" + c.path("all.crt"), "--kubelet-client-key=" + c.path("all.key"),
			"--egress-selector-config-file=" + c.path("egress.yaml"), "--kubelet-preferred-address-types=InternalIP",
		},
		"kube-controller-manager": {
			"--kubeconfig=" + c.path("kubeconfig"), "--secure-port=0", "--leader-elect=false", "--kube-api-qps=500", "--kube-api-burst=1000",
			"--use-service-account-credentials=false", "--service-account-private-key-file=" + c.path("all.key"), "--root-ca-file=" + c.path("ca.crt"),
		},
		"kube-scheduler": {"--kubeconfig=" + c.path("kubeconfig"), "--secure-port=0", "--leader-elect=false"},
	}
}

// start runs a component and ends it with the test.
func (c *controlPlane) start(name string) {
	c.t.Helper()
	command := exec.Command(c.executable(name), c.commands[name]...)
	log, err := os.OpenFile(c.path(name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		c.t.Fatal(err)
	}
	_ = log.Close()
	first := c.running[name] == nil
	c.running[name] = command
	if first {
		c.t.Cleanup(func() {
			c.kill(name)
			if log, err := os.ReadFile(c.path(name + ".log")); c.t.Failed() && err == nil {
				c.t.Logf("%s wrote last:\n%s", name, log[max(0, len(log)-2000):])
			}
		})
	}
}

// kill ends a component as kill -9 does.
func (c *controlPlane) kill(name string) {
	if command := c.running[name]; command.ProcessState == nil {
		_ = command.Process.Kill()
		_ = command.Wait()
	}
}

// kubectl runs kubectl and returns what it printed.
func (c *controlPlane) kubectl(stdin string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, c.executable("kubectl"), append([]string{"--kubeconfig=" + c.path("kubeconfig")}, args...)...)
	command.Env = append(os.Environ(), "HOME="+c.dir)
	command.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err := command.Run()
	return out.String(), err
}

// executable returns the control plane's executable under the component's name.
func (c *controlPlane) executable(name string) string {
	c.t.Helper()
	link := c.path(name)
	if _, err := os.Lstat(link); err == nil {
		return link
	}
	dir, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			break
		}
		if filepath.Dir(dir) == dir {
			c.t.Fatal("no go.mod above the test's folder")
		}
		dir = filepath.Dir(dir)
	}
	target := filepath.Join(dir, "bin", controlPlaneFile)
	if _, err := os.Stat(target); err != nil {
		c.t.Fatalf("%v; build it with: make build", err)
	}
	if err := os.Symlink(target, link); err != nil {
		c.t.Fatal(err)
	}
	return link
}

func (c *controlPlane) awaitReady() {
	c.t.Helper()
	eventually(c.t, "the API server is ready and the default service account exists", func() bool {
		if !c.answers() {
			return false
		}
		_, err := c.client.CoreV1().ServiceAccounts("default").Get(context.Background(), "default", metav1.GetOptions{})
		return err == nil
	})
}

func (c *controlPlane) answers() bool {
	_, err := c.client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(context.Background())
	return err == nil
}

func (c *controlPlane) serveEgress(dial func(ctx context.Context, addr string) (net.Conn, error)) {
	c.t.Helper()
	if err := egress.WriteConfiguration(c.path("egress.yaml"), c.socket); err != nil {
		c.t.Fatal(err)
	}
	listener, err := net.Listen("unix", c.socket)
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- egress.Serve(ctx, listener, dial) }()
	c.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			c.t.Errorf("egress: %v", err)
		}
	})
}

func (c *controlPlane) writeKubeconfig() {
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
clusters: [{name: test, cluster: {server: %s, certificate-authority: %s}}]
users: [{name: test, user: {client-certificate: %s, client-key: %s}}]
`, c.config.Host, c.path("ca.crt"), c.path("all.crt"), c.path("all.key"))
	if err := os.WriteFile(c.path("kubeconfig"), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// makeCertificates makes a CA and one certificate that serves and asks for everything.
func (c *controlPlane) makeCertificates(nodes []Node) {
	c.t.Helper()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		c.t.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "test-admin", Organization: []string{"system:masters"}},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	for _, n := range nodes {
		leaf.DNSNames = append(leaf.DNSNames, n.Name)
		leaf.IPAddresses = append(leaf.IPAddresses, n.IP.AsSlice())
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		c.t.Fatal(err)
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		c.t.Fatal(err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	if err != nil {
		c.t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		c.t.Fatal(err)
	}
	files := map[string][]byte{
		"ca.crt":  pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}),
		"all.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leafDER}),
		"all.key": pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}),
	}
	for name, data := range files {
		if err := os.WriteFile(c.path(name), data, 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	c.authorities = x509.NewCertPool()
	c.authorities.AppendCertsFromPEM(files["ca.crt"])
	if c.certificate, err = tls.X509KeyPair(files["all.crt"], files["all.key"]); err != nil {
		c.t.Fatal(err)
	}
}

// freePort returns a free port below those from which systems take the ports of outgoing connections: nothing here
// starts a component again whose port was taken between the look and its start.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 15000 + mathrand.IntN(17000)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = listener.Close()
			return port
		}
	}
	t.Fatal("no free port on loopback")
	return 0
}

// eventually polls until the condition holds, and fails the test if it does not within patience.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("waited %v in vain until: %s", patience, what)
		case <-tick.C:
		}
	}
}

func testNodes() []Node {
	return []Node{
		{Name: "node-1", Zone: "japaneast-1", Pool: "blue", Version: "v1.37.2", IP: netip.MustParseAddr("10.240.0.4"), PodCIDR: netip.MustParsePrefix("10.244.1.0/24")},
		{Name: "node-2", Zone: "japaneast-2", Pool: "blue", Version: "v1.36.3", IP: netip.MustParseAddr("10.240.0.5"), PodCIDR: netip.MustParsePrefix("10.244.2.0/24")},
	}
}
