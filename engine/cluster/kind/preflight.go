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
	// controlPlaneMemory is what a control plane and the pods of kube-system take, nodeMemory what a node adds: three nodes were
	// measured at 770 to 860 MB.
	controlPlaneMemory = 600 << 20
	nodeMemory         = 150 << 20
	// singleWatches is the limit on inotify instances with which two clusters do not get along.
	singleWatches = 128
)

// checkResources looks for what would make the cluster fail half-way. The engine may run its containers on another machine than this
// one, a virtual one on macOS; what is known of this machine then is left out.
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

// DefaultParallel is how many clusters of a lab a machine can be expected to serve at once: one for every two processors, as long as there is
// memory, and one alone where inotify's limit is low. Two clusters of five machines left two processors nothing to idle with.
func DefaultParallel() int {
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
