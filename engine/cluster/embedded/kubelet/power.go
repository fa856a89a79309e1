package kubelet

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/uuid"

	"github.com/k8slab/k8slab/engine/cluster/embedded/kubelet/command"
)

const (
	bootTime = 4 * time.Second
	// settleTime is how long a kubelet that has just been started with its machine reports that it is not ready.
	settleTime = 3 * time.Second
)

// ErrNodeNotFound says that no simulated node has that name.
var ErrNodeNotFound = errors.New("no such simulated node")

// RebootSentinel is the file with which Debian's and Ubuntu's packages ask for a reboot. A reboot while it is there
// starts the next kernel.
const RebootSentinel = "/var/run/reboot-required"

// StopNode takes the node's power away, as pulling its plug does: lease and status are written no more, its pods stay
// in the API as they are, and its address does not answer. It survives a restart. A node that is off already is no
// error.
func (k *Kubelet) StopNode(name string) error {
	return k.power(name, func(m *machine) { m.Off = true })
}

// StartNode gives the node its power back. It boots: its boot ID changes, and its pods are started anew. A node that is
// on already is left alone.
func (k *Kubelet) StartNode(name string) error {
	return k.power(name, func(m *machine) {
		if m.Off {
			m.Off = false
			m.boot(time.Now())
		}
	})
}

// RebootNode restarts the machine without draining it, and returns at once. The node does not answer for some seconds,
// comes back NotReady with another boot ID, and is Ready soon after. A node that is off is an error.
func (k *Kubelet) RebootNode(name string) error {
	n := k.nodes[name]
	if n == nil {
		return fmt.Errorf("node %s: %w", name, ErrNodeNotFound)
	}
	if n.identity().Off {
		return fmt.Errorf("node %s is switched off", name)
	}
	return k.power(name, func(m *machine) { m.boot(time.Now()) })
}

// TouchNode creates an empty file on the machine, which pods with a hostPath volume can see, until a reboot where it is
// below /run, /var/run or /tmp.
func (k *Kubelet) TouchNode(name, file string) error {
	if !path.IsAbs(file) {
		return fmt.Errorf("file %q of node %s is not an absolute path", file, name)
	}
	return k.power(name, func(m *machine) {
		if file = command.OnMachine(file); !slices.Contains(m.Files, file) {
			m.Files = append(slices.Clone(m.Files), file)
		}
	})
}

// NodePower says of every node whether it is on.
func (k *Kubelet) NodePower() map[string]bool {
	power := map[string]bool{}
	for name, n := range k.nodes {
		power[name] = !n.identity().Off
	}
	return power
}

// power changes a machine, stores the change, and lets the node follow.
func (k *Kubelet) power(name string, change func(*machine)) error {
	n := k.nodes[name]
	if n == nil {
		return fmt.Errorf("node %s: %w", name, ErrNodeNotFound)
	}
	k.machinesLock.Lock()
	defer k.machinesLock.Unlock()
	machines := map[string]machine{}
	for other, m := range k.absent {
		machines[other] = m
	}
	for other := range k.nodes {
		machines[other] = k.nodes[other].identity()
	}
	m := machines[name]
	change(&m)
	machines[name] = m
	if err := storeMachines(k.dir, machines); err != nil {
		return fmt.Errorf("kubelet: %w", err)
	}
	n.become(m)
	return nil
}

// boot gives the machine another boot.
func (m *machine) boot(now time.Time) {
	m.BootID = string(uuid.NewUUID())
	m.BootedAt = now
	if slices.Contains(m.Files, command.OnMachine(RebootSentinel)) {
		m.Kernel = nextKernel(m.kernel())
	}
	m.Files = slices.DeleteFunc(slices.Clone(m.Files), func(file string) bool {
		return strings.HasPrefix(file, "/run/") || strings.HasPrefix(file, "/tmp/")
	})
}

// nextKernel returns the next build of a kernel: "6.8.0-1035-azure" after "6.8.0-1034-azure".
func nextKernel(release string) string {
	parts := strings.Split(release, "-")
	if len(parts) < 2 {
		return release
	}
	build, err := strconv.Atoi(parts[1])
	if err != nil {
		return release
	}
	parts[1] = strconv.Itoa(build + 1)
	return strings.Join(parts, "-")
}

// identity is the machine as it is now.
func (n *node) identity() machine {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.machine
}

// become makes the node the machine. A change of power, boot or kubelet ends the run of the old kubelet.
func (n *node) become(m machine) {
	n.mu.Lock()
	another := n.machine.Off != m.Off || n.machine.BootID != m.BootID || !n.machine.RestartedAt.Equal(m.RestartedAt)
	n.machine = m
	if another {
		n.up = false
		close(n.switched)
		n.switched = make(chan struct{})
	}
	n.mu.Unlock()
	if another {
		n.conns.closeAll()
	}
}

// isUp reports whether the node's kubelet runs.
func (n *node) isUp() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.up
}

// live follows the node's power until ctx ends: while it is on, its kubelet runs. started is called each time it was.
func (n *node) live(ctx context.Context, started func()) {
	for ctx.Err() == nil {
		n.mu.Lock()
		m, switched := n.machine, n.switched
		n.mu.Unlock()
		powered, off := context.WithCancel(ctx)
		var running sync.WaitGroup
		if m.Off {
			n.markRegistered()
		} else {
			running.Go(func() { n.bootAndRun(powered, m, started) })
		}
		select {
		case <-ctx.Done():
		case <-switched:
		}
		off()
		running.Wait()
	}
}

// bootAndRun waits until the machine has booted, and runs the kubelet until ctx ends.
func (n *node) bootAndRun(ctx context.Context, m machine, started func()) {
	if left := time.Until(n.upSince(m)); left > 0 {
		timer := time.NewTimer(left)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
	}
	n.mu.Lock()
	if n.up = n.machine.BootID == m.BootID && !n.machine.Off; !n.up {
		n.mu.Unlock()
		return
	}
	n.mu.Unlock()
	started()
	n.run(ctx)
}

// upSince is when the machine's kubelet runs after a boot; zero for a machine that never was restarted. It is a second
// or more after everything that ran before, so that the times in statuses tell what did.
func (n *node) upSince(m machine) time.Time {
	if m.BootedAt.IsZero() {
		return time.Time{}
	}
	return m.BootedAt.Add(n.bootTime)
}

// settlesAt is when the kubelet first reports that it is ready after a boot or a restart.
func (n *node) settlesAt(m machine) time.Time {
	began := n.upSince(m)
	if m.RestartedAt.After(began) {
		began = m.RestartedAt
	}
	if began.IsZero() {
		return time.Time{}
	}
	return began.Add(settleTime)
}

func (n *node) markRegistered() {
	n.registeredOnce.Do(func() { close(n.registered) })
}
