package embedded

import (
	"github.com/k8slab/k8slab/engine/cluster/embedded/egress"
	"github.com/k8slab/k8slab/engine/history"
)

// Files in the folder's config directory, and the socket that the egress configuration points at.
const (
	egressConfig = "egress.yaml"
	auditPolicy  = "audit-policy.yaml"
	egressSocket = "egress.sock"
)

// writeComponentConfigs writes the files that the API server reads besides its flags.
func (f folder) writeComponentConfigs(socket string) error {
	if err := writeFile(f.config(auditPolicy), history.Policy()); err != nil {
		return err
	}
	return egress.WriteConfiguration(f.config(egressConfig), socket)
}
