package kubelet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/uuid"

	"github.com/k8slab/k8slab/engine/atomicfile"
)

// machine is what makes a simulated machine the same one after a restart of the simulator.
type machine struct {
	// MachineID and SystemUUID stay as long as the cluster, BootID until the machine is rebooted.
	MachineID  string `json:"machineID"`
	SystemUUID string `json:"systemUUID"`
	BootID     string `json:"bootID"`
	// BootedAt is when the machine was last restarted; zero means never since the cluster was made.
	BootedAt time.Time `json:"bootedAt,omitzero"`
	// Off says that it has no power.
	Off bool `json:"off,omitempty"`
	// Kernel is the release that runs; empty means the first one.
	Kernel string `json:"kernel,omitempty"`
	// Kubelet is the version of the kubelet: "v1.37.2". It stays when the control plane goes to another one.
	Kubelet string `json:"kubelet,omitempty"`
	// RestartedAt is when the kubelet was last restarted by an upgrade; zero means never.
	RestartedAt time.Time `json:"restartedAt,omitzero"`
	// Files were created on the machine.
	Files []string `json:"files,omitempty"`
}

func (m machine) kernel() string {
	if m.Kernel == "" {
		return kernelVersion
	}
	return m.Kernel
}

// machinesFile is the file of the state folder that holds the machines by node name.
const machinesFile = "machines.json"

// loadMachines returns the machine of each node, and makes and stores those that are new, or that do not know yet which
// kubelet they have.
func loadMachines(dir string, nodes []Node) (map[string]machine, error) {
	file := filepath.Join(dir, machinesFile)
	machines := map[string]machine{}
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("read the machines' identities: %w", err)
	default:
		if err := json.Unmarshal(data, &machines); err != nil {
			return nil, fmt.Errorf("read the machines' identities in %s: %w", file, err)
		}
	}
	added := false
	for _, n := range nodes {
		m, known := machines[n.Name]
		if !known {
			m = newMachine()
		}
		if m.Kubelet == "" {
			m.Kubelet = n.Version
			machines[n.Name] = m
			added = true
		}
	}
	if !added {
		return machines, nil
	}
	return machines, storeMachines(dir, machines)
}

func storeMachines(dir string, machines map[string]machine) error {
	data, err := json.MarshalIndent(machines, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the machines' identities: %w", err)
	}
	if err := atomicfile.Write(filepath.Join(dir, machinesFile), data, atomicfile.Private); err != nil {
		return fmt.Errorf("store the machines' identities: %w", err)
	}
	return nil
}

func newMachine() machine {
	return machine{
		MachineID:  strings.ReplaceAll(string(uuid.NewUUID()), "-", ""),
		SystemUUID: string(uuid.NewUUID()),
		BootID:     string(uuid.NewUUID()),
	}
}
