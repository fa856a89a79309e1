package kind

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/engine/cluster"
)

// repair starts every machine that is off, except a machine whose power somebody took away while the control plane ran
// on, and brings deleted Node objects back.
func (p *Provider) repair(ctx context.Context, e *engine, f folder, progress cluster.Progress) error {
	d, err := f.readDescription()
	if err != nil {
		return err
	}
	if err := p.switchOn(ctx, e, f, d, progress); err != nil {
		return err
	}
	return p.resumeUpgrade(ctx, e, f, d, progress)
}

// switchOn starts the machines, and waits until the API server answers.
func (p *Provider) switchOn(ctx context.Context, e *engine, f folder, d *description, progress cluster.Progress) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err := progress.Run("containers", func() (string, error) {
		containers, err := e.containers(ctx, f.name())
		if err != nil {
			return "", err
		}
		off := f.toStart(d, containers)
		if err := f.forgetOutages(d, containers); err != nil {
			return "", err
		}
		return "", e.start(ctx, off)
	})
	if err != nil {
		return err
	}
	return progress.Run("control-plane", func() (string, error) {
		if err := p.writeIdentities(ctx, e, f, d); err != nil { // files that somebody has removed are written again
			return "", err
		}
		if err := p.awaitAPI(ctx, f, steadyLooks); err != nil {
			return "", err
		}
		return d.Version, p.registerNodes(ctx, e, f, d)
	})
}

// toStart returns the machines that are off and should not be.
func (f folder) toStart(d *description, containers []container) []container {
	components := f.components(d, containers)
	all := !f.controlPlaneRuns(containers)
	var off []container
	for i, name := range f.machines(d.Spec) {
		at := slices.IndexFunc(containers, func(c container) bool { return c.name == name })
		if at >= 0 && !containers[at].running && (all || !f.hasNoPower(components[i].Name)) {
			off = append(off, containers[at])
		}
	}
	return off
}

// forgetOutages removes the marks that toStart does not respect: all marks if the control plane is off, otherwise the
// marks of machines that run. Such a machine was started by the engine, or its mark was left by an interrupted command.
func (f folder) forgetOutages(d *description, containers []container) error {
	if !f.controlPlaneRuns(containers) {
		return f.forgetPower()
	}
	for _, c := range f.components(d, containers) {
		if c.State != stateRunning {
			continue
		}
		if err := f.hasPower(c.Name); err != nil {
			return err
		}
	}
	return nil
}

// registerNodes restarts the kubelet of each machine whose Node is gone: a kubelet registers its node when it starts.
func (p *Provider) registerNodes(ctx context.Context, e *engine, f folder, d *description) error {
	client, err := f.client(readyTimeout)
	if err != nil {
		return err
	}
	for i, node := range d.Spec.Nodes {
		_, err := client.CoreV1().Nodes().Get(ctx, node.Name, metav1.GetOptions{})
		if err == nil || f.hasNoPower(node.Name) {
			continue
		}
		if !apierrors.IsNotFound(err) {
			return err
		}
		if _, err := e.exec(ctx, f.machines(d.Spec)[i+1], "systemctl", "restart", "kubelet"); err != nil {
			return err
		}
	}
	return nil
}
