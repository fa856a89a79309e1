package egress

import (
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

// selectorConfiguration is EgressSelectorConfiguration of apiserver.k8s.io/v1beta1, as far as it is used here. The type
// of k8s.io/apiserver would do, but its package brings the whole of the API server's configuration with it.
type selectorConfiguration struct {
	APIVersion       string      `json:"apiVersion"`
	Kind             string      `json:"kind"`
	EgressSelections []selection `json:"egressSelections"`
}

type selection struct {
	Name       string     `json:"name"`
	Connection connection `json:"connection"`
}

type connection struct {
	ProxyProtocol string    `json:"proxyProtocol"`
	Transport     transport `json:"transport"`
}

type transport struct {
	UDS udsTransport `json:"uds"`
}

type udsTransport struct {
	UDSName string `json:"udsName"`
}

// WriteConfiguration writes the file for kube-apiserver's --egress-selector-config-file, which sends all that the API
// server says to the cluster (kubelets, webhooks, aggregated APIs) through the proxy on the unix socket. The file is
// 0600.
func WriteConfiguration(file, socket string) error {
	data, err := yaml.Marshal(selectorConfiguration{
		APIVersion: "apiserver.k8s.io/v1beta1",
		Kind:       "EgressSelectorConfiguration",
		EgressSelections: []selection{{
			Name: "cluster",
			Connection: connection{
				ProxyProtocol: "HTTPConnect",
				Transport:     transport{UDS: udsTransport{UDSName: socket}},
			},
		}},
	})
	if err != nil {
		return fmt.Errorf("encode egress selector configuration: %w", err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return fmt.Errorf("write egress selector configuration: %w", err)
	}
	return nil
}
