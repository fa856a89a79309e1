package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// contextName is what the learner sees as cluster and context.
func contextName(clusterName string) string { return "k8slab-" + clusterName }

func (f folder) newKubeconfig(name, user, file string, port int) (*clientcmdapi.Config, error) {
	read := func(name string) []byte {
		raw, err := os.ReadFile(f.pki(name))
		if err != nil {
			return nil
		}
		return raw
	}
	ca, cert, key := read(clusterCA+".crt"), read("client-"+file+".crt"), read("client-"+file+".key")
	if ca == nil || cert == nil || key == nil {
		return nil, fmt.Errorf("certificates for %s are missing from %s", user, f.path("pki"))
	}
	cfg := clientcmdapi.NewConfig()
	cfg.Clusters[contextName(name)] = &clientcmdapi.Cluster{Server: serverURL(port), CertificateAuthorityData: ca}
	cfg.AuthInfos[user] = &clientcmdapi.AuthInfo{ClientCertificateData: cert, ClientKeyData: key}
	cfg.Contexts[contextName(name)] = &clientcmdapi.Context{Cluster: contextName(name), AuthInfo: user}
	cfg.CurrentContext = contextName(name)
	return cfg, nil
}

func serverURL(port int) string { return "https://" + loopback(port) }

// writeKubeconfigs writes those of the components and of k8slab anew, and the learner's with care: it is theirs to
// edit, so only a moved server is changed in it, and only a missing or unreadable one is replaced.
func (f folder) writeKubeconfigs(name string, port int) error {
	for _, id := range identities {
		cfg, err := f.newKubeconfig(name, id.name, id.file, port)
		if err != nil {
			return err
		}
		raw, err := clientcmd.Write(*cfg)
		if err != nil {
			return err
		}
		if err := writeFile(f.identity(id.file), raw); err != nil {
			return err
		}
	}
	return f.refreshLearnerKubeconfig(name, port)
}

func (f folder) refreshLearnerKubeconfig(name string, port int) error {
	cfg, err := clientcmd.LoadFromFile(f.learnerKubeconfig())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return copyFile(f.identity("learner"), f.learnerKubeconfig())
	case err != nil:
		if err := os.Rename(f.learnerKubeconfig(), f.learnerKubeconfig()+".damaged"); err != nil {
			return err
		}
		return copyFile(f.identity("learner"), f.learnerKubeconfig())
	}
	c, ok := cfg.Clusters[contextName(name)]
	if !ok {
		return copyFile(f.identity("learner"), f.learnerKubeconfig())
	}
	if c.Server == serverURL(port) {
		return nil
	}
	c.Server = serverURL(port)
	raw, err := clientcmd.Write(*cfg)
	if err != nil {
		return err
	}
	return writeFile(f.learnerKubeconfig(), raw)
}

func copyFile(from, to string) error {
	raw, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return writeFile(to, raw)
}
