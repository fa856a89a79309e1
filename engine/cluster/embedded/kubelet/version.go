package kubelet

import "time"

// UpgradeKubelet gives the node's machine another kubelet and starts it, as installing a package and restarting the
// service do. Its containers run on. The node reports that it is not ready until the new kubelet has settled. It
// survives a restart.
func (k *Kubelet) UpgradeKubelet(name, version string) error {
	return k.power(name, func(m *machine) { m.Kubelet, m.RestartedAt = version, time.Now() })
}

// SetKubelet says which kubelet the node's machine has had all along: nothing restarts. It survives a restart.
func (k *Kubelet) SetKubelet(name, version string) error {
	if err := k.power(name, func(m *machine) { m.Kubelet = version }); err != nil {
		return err
	}
	k.nodes[name].nudge()
	return nil
}
