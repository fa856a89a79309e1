package engine

import (
	"context"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/text"
)

// PowerSwitch is something that can be done to the machine of a node.
type PowerSwitch string

const (
	// PowerOff takes the power away without draining the node.
	PowerOff PowerSwitch = "stop"
	// PowerOn switches the machine on.
	PowerOn PowerSwitch = "start"
	// Reboot restarts the machine without draining its node.
	Reboot PowerSwitch = "reboot"
	// Touch creates an empty file on the machine.
	Touch PowerSwitch = "touch"
)

// Power does something to the machine of a node. With Touch, file is the path of the file that is created.
func (p *Play) Power(ctx context.Context, node string, do PowerSwitch, file string) error {
	power, ok := cluster.As[cluster.NodePower](p.Provider())
	if !ok {
		return p.Without("machines that can be switched", "電源を操作できるマシン")
	}
	if err := p.hasNode(node); err != nil {
		return err
	}
	return p.locked(ctx, func() error {
		if err := p.hasCluster(); err != nil {
			return err
		}
		lab := p.Session().Lab.ID
		var err error
		switch do {
		case PowerOff:
			err = power.StopNode(ctx, lab, node)
		case PowerOn:
			err = power.StartNode(ctx, lab, node)
		case Reboot:
			err = power.RebootNode(ctx, lab, node)
		case Touch:
			err = power.TouchNode(ctx, lab, node, file)
		}
		if err != nil {
			return err
		}
		return p.append(progress.Event{Kind: progress.Switched, Node: node, Action: string(do)})
	})
}

// StopComponent stops a component of the control plane. It stays stopped until the component or the cluster is started.
func (p *Play) StopComponent(ctx context.Context, name string, report cluster.Progress) error {
	return p.switchComponent(ctx, name, "stop", cluster.ComponentControl.StopComponent, report)
}

// StartComponent starts a component of the control plane.
func (p *Play) StartComponent(ctx context.Context, name string, report cluster.Progress) error {
	return p.switchComponent(ctx, name, "start", cluster.ComponentControl.StartComponent, report)
}

func (p *Play) switchComponent(ctx context.Context, name, do string, act func(cluster.ComponentControl, context.Context, string, string) error, report cluster.Progress) error {
	control, ok := cluster.As[cluster.ComponentControl](p.Provider())
	if !ok {
		return p.Without("components", "部品")
	}
	return p.locked(ctx, func() error {
		if err := p.hasCluster(); err != nil {
			return err
		}
		s := p.Session()
		if err := hasComponent(s.Cluster, name); err != nil {
			return err
		}
		if err := report.Run("component", func() (string, error) { return name, act(control, ctx, s.Lab.ID, name) }); err != nil {
			return err
		}
		if err := p.append(progress.Event{Kind: progress.Controlled, Component: name, Action: do}); err != nil {
			return err
		}
		return p.look(ctx)
	})
}

// hasCluster refuses a play whose lab has no cluster.
func (p *Play) hasCluster() error {
	s := p.Session()
	if s.Cluster != nil {
		return nil
	}
	return problem.New(problem.Cluster,
		text.New("the lab %s has no cluster now", "ラボ %s のクラスターは今ありません", s.Lab.ID), action.Do(action.Start).On(s.Lab.ID))
}

// hasNode refuses a node that the lab's cluster does not have.
func (p *Play) hasNode(name string) error {
	lab := p.Session().Lab
	var names []string
	for _, n := range lab.Cluster.Nodes {
		if n.Name == name {
			return nil
		}
		names = append(names, n.Name)
	}
	what := text.New("there is no node %q in %s", "%[2]s にノード %[1]q はありません", name, lab.ID)
	if near, ok := text.Nearest(name, names); ok {
		what = text.New("%s; did you mean %s?", "%s。%s のことですか？", what, near)
	}
	return problem.New(problem.Usage, what, action.Do(action.ListNodes))
}

// hasComponent refuses a name that the cluster's control plane does not have. A stopped cluster lists no components;
// then the provider decides.
func hasComponent(c *cluster.Cluster, name string) error {
	var names []string
	for _, part := range c.Components {
		if part.Name == name {
			return nil
		}
		names = append(names, part.Name)
	}
	if len(names) == 0 {
		return nil
	}
	what := text.New("the cluster has no component %q; it has %s", "%q というコンポーネントはありません。あるのは %s です", name, text.List(names))
	if near, ok := text.Nearest(name, names); ok {
		what = text.New("%s; did you mean %s?", "%s。%s のことですか？", what, near)
	} else {
		what = text.New("%s.", "%s。", what)
	}
	return problem.New(problem.Usage, what, action.Do(action.ClusterStatus))
}

// Without is the problem of a kind of cluster that lacks what was to be looked at; en and ja name it.
func (p *Play) Without(en, ja string) error {
	return problem.New(problem.Usage,
		text.New("a cluster of the kind %s has no %s to look at", "%s クラスターでは%sを扱えません", p.Provider().Name(), text.Text{EN: en, JA: ja}), action.Do(action.ClusterStatus))
}
