package kind

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/private"
)

// validity outlives any lab. A certificate is good for one cluster on one machine only.
const validity = 10 * 365 * 24 * time.Hour

// identities are the users of a cluster, and the names of their files.
var identities = [...]struct {
	id   cluster.Identity
	file string
}{
	{cluster.Learner, "learner"}, {cluster.Grader, "grader"}, {cluster.Operator, "operator"}, {cluster.Historian, "historian"},
}

func identityFile(id cluster.Identity) (string, error) {
	for _, known := range identities {
		if known.id == id {
			return known.file, nil
		}
	}
	return "", fmt.Errorf("no identity %q", id)
}

// contextName is the name of the learner's cluster and context.
func contextName(lab string) string { return namePrefix + lab }

func serverURL(port int) string { return "https://" + loopback + ":" + strconv.Itoa(port) }

// writeIdentities lets kubeadm sign a certificate for each identity that has none yet: the cluster's certificate
// authority is on kubeadm's machine, and its key stays there. The learner's kubeconfig is theirs to edit, so only a
// missing one is written.
func (p *Provider) writeIdentities(ctx context.Context, e *engine, f folder, d *description) error {
	for _, known := range identities {
		path := f.identity(known.file)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		raw, err := e.exec(ctx, f.machines(d.Spec)[0], "kubeadm", "kubeconfig", "user", "--config", "/kind/kubeadm.conf",
			"--client-name", string(known.id), "--org", "system:masters", "--validity-period", validity.String())
		if err != nil {
			return fmt.Errorf("sign the certificate of %s: %w", known.id, err)
		}
		if raw, err = kubeconfig(raw, d.Spec.Name, string(known.id), serverURL(d.Port)); err != nil {
			return err
		}
		if err := private.WriteFile(path, raw); err != nil {
			return err
		}
	}
	if _, err := os.Stat(f.learnerKubeconfig()); err == nil {
		return nil
	}
	raw, err := os.ReadFile(f.identity("learner"))
	if err != nil {
		return err
	}
	return private.WriteFile(f.learnerKubeconfig(), raw)
}

// kubeconfig takes the authority and the certificate out of the kubeconfig that kubeadm wrote, whose server is an
// address inside the engine's network.
func kubeconfig(from []byte, lab, user, server string) ([]byte, error) {
	signed, err := clientcmd.Load(from)
	if err != nil {
		return nil, fmt.Errorf("read what kubeadm wrote for %s: %w", user, err)
	}
	cfg := clientcmdapi.NewConfig()
	for _, c := range signed.Clusters {
		cfg.Clusters[contextName(lab)] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: c.CertificateAuthorityData}
	}
	for _, u := range signed.AuthInfos {
		cfg.AuthInfos[user] = &clientcmdapi.AuthInfo{ClientCertificateData: u.ClientCertificateData, ClientKeyData: u.ClientKeyData}
	}
	if len(cfg.Clusters) == 0 || len(cfg.AuthInfos) == 0 {
		return nil, fmt.Errorf("kubeadm wrote no certificate for %s", user)
	}
	cfg.Contexts[contextName(lab)] = &clientcmdapi.Context{Cluster: contextName(lab), AuthInfo: user}
	cfg.CurrentContext = contextName(lab)
	return clientcmd.Write(*cfg)
}

// client returns a client that speaks as the operator. A request that takes longer than limit fails.
func (f folder) client(limit time.Duration) (kubernetes.Interface, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", f.identity("operator"))
	if err != nil {
		return nil, err
	}
	cfg.Timeout = limit
	return kubernetes.NewForConfig(cfg)
}
