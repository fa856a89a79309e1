package kubelet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/k8slab/k8slab/engine/atomicfile"
	"github.com/k8slab/k8slab/engine/behavior"
)

// behaviorsFile is the file of the state folder that holds the declared behaviours.
const behaviorsFile = "behaviors.json"

// behaviors are the declared behaviours of the cluster's workloads.
type behaviors struct {
	file string

	mu  sync.RWMutex
	all []behavior.Behavior
}

func loadBehaviors(dir string) (*behaviors, error) {
	b := &behaviors{file: filepath.Join(dir, behaviorsFile)}
	data, err := os.ReadFile(b.file)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the declared behaviours: %w", err)
	}
	if err := json.Unmarshal(data, &b.all); err != nil {
		return nil, fmt.Errorf("read the declared behaviours in %s: %w", b.file, err)
	}
	return b, nil
}

// of returns the declared behaviour of a container.
func (b *behaviors) of(pod *corev1.Pod, c *corev1.Container) behavior.Conduct {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return behavior.For(b.all, pod.Namespace, pod.Labels, c.Name, c.Image)
}

// set stores the behaviours, and takes them over once they are.
func (b *behaviors) set(all []behavior.Behavior) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the declared behaviours: %w", err)
	}
	if err := atomicfile.Write(b.file, data, atomicfile.Private); err != nil {
		return fmt.Errorf("store the declared behaviours: %w", err)
	}
	b.all = slices.Clone(all)
	return nil
}

// SetBehaviors says how the cluster's workloads behave from now on, in place of all that was said before. It takes
// effect at once, also on pods that run, and survives a restart. On an error nothing has changed.
func (k *Kubelet) SetBehaviors(all []behavior.Behavior) error {
	for i := range all {
		if err := all[i].Validate(); err != nil {
			return fmt.Errorf("kubelet: %w", err)
		}
	}
	if err := k.behaviors.set(all); err != nil {
		return fmt.Errorf("kubelet: %w", err)
	}
	for name := range k.nodes {
		k.announceNode(name)
	}
	return nil
}

// Behaviors returns what was set last.
func (k *Kubelet) Behaviors() []behavior.Behavior {
	k.behaviors.mu.RLock()
	defer k.behaviors.mu.RUnlock()
	return slices.Clone(k.behaviors.all)
}

// announceNode has all pods of the node looked at.
func (k *Kubelet) announceNode(name string) {
	for _, pod := range k.pods.onNode(name) {
		k.player.queue.Add(keyOf(pod))
	}
}
