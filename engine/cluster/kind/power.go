package kind

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/private"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// machineOf returns the container that is the node's machine. The control plane has to run.
func (p *Provider) machineOf(ctx context.Context, name, node string) (*engine, container, error) {
	f := p.folder(name)
	d, err := f.readDescription()
	if err != nil {
		return nil, container{}, err
	}
	i := slices.IndexFunc(d.Spec.Nodes, func(n cluster.Node) bool { return n.Name == node })
	if i < 0 {
		return nil, container{}, problem.New(problem.Usage,
			text.New("the cluster has no node %q", "クラスターにノード %q はありません", node), action.Do(action.ListNodes))
	}
	e, containers, err := p.find(ctx, name)
	if err != nil {
		return nil, container{}, err
	}
	if !f.controlPlaneRuns(containers) {
		return nil, container{}, isOff(name)
	}
	at := slices.IndexFunc(containers, func(c container) bool { return c.name == f.machines(d.Spec)[i+1] })
	if at < 0 {
		return nil, container{}, machinesGone(name, []string{node})
	}
	return e, containers[at], nil
}

// poweredMachineOf is machineOf for what needs the machine to be on.
func (p *Provider) poweredMachineOf(ctx context.Context, name, node string) (*engine, string, error) {
	e, machine, err := p.machineOf(ctx, name, node)
	if err == nil && !machine.running {
		err = noPower(node)
	}
	return e, machine.name, err
}

// StopNode implements cluster.NodePower: the container is killed.
func (p *Provider) StopNode(ctx context.Context, name, node string) error {
	e, machine, err := p.machineOf(ctx, name, node)
	if err != nil {
		return err
	}
	f := p.folder(name)
	// The mark comes first: a machine that is off without a mark would be started again.
	if err := private.WriteFile(f.power(node), nil); err != nil {
		return err
	}
	if !machine.running {
		return nil
	}
	if _, err := e.run(ctx, "kill", machine.name); err != nil {
		return errors.Join(err, f.hasPower(node))
	}
	return nil
}

// StartNode implements cluster.NodePower.
func (p *Provider) StartNode(ctx context.Context, name, node string) error {
	e, machine, err := p.machineOf(ctx, name, node)
	if err != nil {
		return err
	}
	if _, err := e.run(ctx, "start", machine.name); err != nil {
		return err
	}
	return p.folder(name).hasPower(node)
}

// hasPower removes the mark that the node's power was taken away.
func (f folder) hasPower(node string) error {
	if err := os.Remove(f.power(node)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// RebootNode implements cluster.NodePower: the machine shuts down in order, as for a requested reboot, and starts
// again.
func (p *Provider) RebootNode(ctx context.Context, name, node string) error {
	e, machine, err := p.machineOf(ctx, name, node)
	if err != nil {
		return err
	}
	if _, err := e.run(ctx, "restart", "--time", powerOff, machine.name); err != nil {
		return err
	}
	return p.folder(name).hasPower(node)
}

// TouchNode implements cluster.NodePower.
func (p *Provider) TouchNode(ctx context.Context, name, node, file string) error {
	e, machine, err := p.poweredMachineOf(ctx, name, node)
	if err != nil {
		return err
	}
	if _, err := e.exec(ctx, machine, "mkdir", "-p", path.Dir(file)); err != nil {
		return err
	}
	_, err = e.exec(ctx, machine, "touch", file)
	return err
}
