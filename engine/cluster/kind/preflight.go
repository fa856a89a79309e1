package kind

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/machine"
)

const (
	// controlPlaneMemory is the memory in bytes of a control plane with the pods of kube-system, and nodeMemory that of
	// each node. Clusters of three nodes were measured at 770 to 860 MB.
	controlPlaneMemory = 600 << 20
	nodeMemory         = 150 << 20
	// singleWatches is the limit on inotify instances up to which only one cluster works.
	singleWatches = 128
)

// checkResources looks for shortages that would make the cluster fail half-way. On macOS the engine runs its containers
// on a virtual machine, and there is no /proc here: then only the engine's own numbers count.
func (e *engine) checkResources(ctx context.Context, spec cluster.Spec) error {
	need := uint64(controlPlaneMemory + nodeMemory*len(spec.Nodes))
	have := e.info.memory
	if available, ok := machine.AvailableMemory(machine.Proc); ok {
		have = min(have, available)
	}
	if have > 0 && have < need {
		return littleMemory(spec.Name, have, need)
	}
	limit, err := readNumber("/proc/sys/fs/inotify/max_user_instances")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || limit > singleWatches {
		return err
	}
	others, err := e.run(ctx, "ps", "--quiet", "--filter", "label="+clusterLabel)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(others)) > 0 {
		return fewWatches(limit)
	}
	return nil
}

// Capacity implements cluster.Capacity: one cluster for every two processors, as far as there is memory, and only one
// if inotify's limit is low. Two clusters of five machines kept two processors busy all the time.
func (p *Provider) Capacity() int {
	n := runtime.NumCPU() / 2
	if available, ok := machine.AvailableMemory(machine.Proc); ok {
		n = min(n, int(available/(2*(controlPlaneMemory+usualNodes*nodeMemory))))
	}
	if limit, err := readNumber("/proc/sys/fs/inotify/max_user_instances"); err == nil && limit <= singleWatches {
		n = 1
	}
	return max(1, n)
}

func readNumber(path string) (int, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(raw)))
}
