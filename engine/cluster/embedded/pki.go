package embedded

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/netip"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/keyutil"

	"github.com/k8slab/k8slab/engine/cluster"
)

const (
	// validity outlives any lab; the certificates are only good for one cluster on one machine.
	validity = 10 * 365 * 24 * time.Hour
	// backdate lets a clock that was set back by some hours still use them.
	backdate = 24 * time.Hour
)

// authority signs certificates for one purpose. There are three, so that a learner's certificate opens the API server
// and neither etcd nor the aggregation layer.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// leaf describes a certificate to be signed.
type leaf struct {
	file  string
	by    string
	name  string
	orgs  []string
	hosts []string // names and IP addresses; empty for a client certificate
}

const (
	clusterCA    = "ca"
	etcdCA       = "etcd-ca"
	frontProxyCA = "front-proxy-ca"
)

// serviceRange is where Services get their addresses; its first one is the API server's own.
const (
	serviceRange    = "10.96.0.0/16"
	apiServiceIP    = "10.96.0.1"
	metricsIP       = "10.96.0.4"
	controlPlaneIP  = "10.240.0.2" // advertised; nothing listens there
	firstNodeOctet  = 4            // as on AKS, where a subnet's first addresses are reserved
	clusterDomain   = "cluster.local"
	simulatorClient = "simulator"
)

// identities are the users that get a kubeconfig of their own. The API server lets system:masters do everything, so
// nothing that a learner does to RBAC locks anyone out.
var identities = []leaf{
	{file: string(cluster.Learner), name: string(cluster.Learner), orgs: []string{"system:masters"}},
	{file: "grader", name: string(cluster.Grader), orgs: []string{"system:masters"}},
	{file: "operator", name: string(cluster.Operator), orgs: []string{"system:masters"}},
	{file: "historian", name: string(cluster.Historian), orgs: []string{"system:masters"}},
	{file: simulatorClient, name: "k8slab:simulated-kubelet", orgs: []string{"system:masters"}},
	// All controllers share this identity, so it needs what all their roles allow together.
	{file: controllerManager, name: "system:kube-controller-manager", orgs: []string{"system:masters"}},
	// The API server listens before it has made the roles; a list that is refused then is repeated only after seconds.
	{file: scheduler, name: "system:kube-scheduler", orgs: []string{"system:masters"}},
}

// identityFile is the name of the kubeconfig of id.
func identityFile(id cluster.Identity) (string, error) {
	for _, l := range identities {
		if l.name == string(id) {
			return l.file, nil
		}
	}
	return "", fmt.Errorf("no identity %q", id)
}

func leaves(nodes []cluster.Node) []leaf {
	local := []string{"localhost", "127.0.0.1"}
	api := append([]string{
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + clusterDomain,
		apiServiceIP, controlPlaneIP,
	}, local...)
	var kubelets []string
	for i, n := range nodes {
		kubelets = append(kubelets, n.Name, nodeIP(i).String())
	}
	return []leaf{
		{file: "etcd-server", by: etcdCA, name: "etcd", hosts: local},
		{file: "apiserver-etcd-client", by: etcdCA, name: "kube-apiserver"},
		{file: "apiserver", by: clusterCA, name: "kube-apiserver", hosts: api},
		{file: "apiserver-kubelet-client", by: clusterCA, name: "kube-apiserver-kubelet-client", orgs: []string{"system:masters"}},
		{file: "front-proxy-client", by: frontProxyCA, name: "front-proxy-client"},
		{file: "component-server", by: clusterCA, name: "k8slab-components", hosts: local},
		{file: "metrics-server", by: clusterCA, name: "metrics-server", hosts: []string{metricsService + "." + metav1.NamespaceSystem + ".svc"}},
		{file: "kubelet-server", by: clusterCA, name: "system:nodes", hosts: kubelets},
	}
}

// nodeIP is the address of the i-th simulated node.
func nodeIP(i int) netip.Addr {
	n := i + firstNodeOctet
	return netip.AddrFrom4([4]byte{10, 240, byte(n >> 8), byte(n)})
}

// podCIDR is the i-th simulated node's range of pod addresses.
func podCIDR(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(244 + (i >> 8)), byte(i), 0}), 24)
}

// ensurePKI writes the certificates of a new cluster. They appear all at once or not at all. A cluster that an earlier
// k8slab made gets the certificates of identities that are new since.
func (f folder) ensurePKI(nodes []cluster.Node) (created bool, err error) {
	if _, err := os.Stat(f.path("pki")); err == nil {
		return false, f.signMissing()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	tmp := folder(f.path("pki.new"))
	if err := os.RemoveAll(string(tmp)); err != nil {
		return false, err
	}
	authorities := map[string]*authority{}
	for _, name := range []string{clusterCA, etcdCA, frontProxyCA} {
		a, err := newAuthority("k8slab-" + name)
		if err != nil {
			return false, err
		}
		authorities[name] = a
		if err := writePair(tmp.path(name), a.cert.Raw, a.key); err != nil {
			return false, err
		}
	}
	all := leaves(nodes)
	for _, id := range identities {
		id.by, id.file = clusterCA, "client-"+id.file
		all = append(all, id)
	}
	for _, l := range all {
		raw, key, err := authorities[l.by].sign(l)
		if err != nil {
			return false, fmt.Errorf("sign %s: %w", l.file, err)
		}
		if err := writePair(tmp.path(l.file), raw, key); err != nil {
			return false, err
		}
	}
	if err := writeServiceAccountKey(tmp); err != nil {
		return false, err
	}
	return true, os.Rename(string(tmp), f.path("pki"))
}

func (f folder) signMissing() error {
	for _, id := range identities {
		id.file = "client-" + id.file
		if _, err := os.Stat(f.pki(id.file + ".key")); err == nil {
			continue // the key is written last
		}
		ca, err := f.authority(clusterCA)
		if err != nil {
			return err
		}
		raw, key, err := ca.sign(id)
		if err != nil {
			return fmt.Errorf("sign %s: %w", id.file, err)
		}
		if err := writePair(f.pki(id.file), raw, key); err != nil {
			return err
		}
	}
	return nil
}

// authority reads one that was made with the cluster.
func (f folder) authority(name string) (*authority, error) {
	pair, err := tls.LoadX509KeyPair(f.pki(name+".crt"), f.pki(name+".key"))
	if err != nil {
		return nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the key of %s is of another kind", name)
	}
	return &authority{cert: pair.Leaf, key: key}, nil
}

func newAuthority(name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	tmpl := template(name)
	tmpl.IsCA, tmpl.BasicConstraintsValid = true, true
	tmpl.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	raw, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(raw)
	return &authority{cert: cert, key: key}, err
}

func (a *authority) sign(l leaf) (raw []byte, key crypto.Signer, err error) {
	key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	tmpl := template(l.name)
	tmpl.Subject.Organization = l.orgs
	tmpl.KeyUsage = x509.KeyUsageDigitalSignature
	tmpl.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if len(l.hosts) > 0 {
		// etcd and the API server's loopback client use their serving certificate as a client, too.
		tmpl.ExtKeyUsage = append(tmpl.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	for _, h := range l.hosts {
		if ip := net.ParseIP(h); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, h)
		}
	}
	raw, err = x509.CreateCertificate(rand.Reader, tmpl, a.cert, key.Public(), a.key)
	return raw, key, err
}

func template(name string) *x509.Certificate {
	now := time.Now()
	// 127 random bits: unique without a register of serials (RFC 5280, 4.1.2.2).
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)) // crypto/rand does not fail since Go 1.24
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.Add(validity),
	}
}

func writePair(base string, cert []byte, key crypto.Signer) error {
	if err := writeFile(base+".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})); err != nil {
		return err
	}
	return writeKey(base+".key", key)
}

func writeKey(path string, key crypto.Signer) error {
	raw, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return err
	}
	return writeFile(path, raw)
}

func writeServiceAccountKey(f folder) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if err := writeKey(f.path("sa.key"), key); err != nil {
		return err
	}
	raw, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	return writeFile(f.path("sa.pub"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: raw}))
}
