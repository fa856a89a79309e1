package kubelet

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// pods is the kubelet's view of the pods that are bound to its nodes: of each pod, what the watch delivered or what the
// kubelet's own last write returned, whichever is newer. It is a store for a client-go reflector.
type pods struct {
	// mine reports whether a node is played here.
	mine func(node string) bool
	// seen is called for each pod that comes or changes, with no lock held and, for a list, for all pods before any is
	// announced; gone for each that went away.
	seen, gone func(*corev1.Pod)
	// announce is called with the key of each pod that came, changed or went away, after seen or gone.
	announce func(key types.NamespacedName)

	mu      sync.Mutex
	byKey   map[types.NamespacedName]*corev1.Pod
	changed chan struct{}
}

func newPods(mine func(node string) bool) *pods {
	nothing := func(*corev1.Pod) {}
	return &pods{
		mine: mine, seen: nothing, gone: nothing, announce: func(types.NamespacedName) {},
		byKey: map[types.NamespacedName]*corev1.Pod{}, changed: make(chan struct{}),
	}
}

func keyOf(pod *corev1.Pod) types.NamespacedName {
	return types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}
}

// get returns the pod, which must not be changed, or nil if there is no such pod.
func (p *pods) get(key types.NamespacedName) *corev1.Pod {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.byKey[key]
}

// onNode returns the pods of a node.
func (p *pods) onNode(node string) []*corev1.Pod {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*corev1.Pod
	for _, pod := range p.byKey {
		if pod.Spec.NodeName == node {
			all = append(all, pod)
		}
	}
	return all
}

// change returns a channel that is closed at the next change of any pod. Take it before looking, so that no change is
// missed.
func (p *pods) change() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// written takes over what a write of our own returned, unless the watch was faster.
func (p *pods) written(pod *corev1.Pod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.byKey[keyOf(pod)]; known != nil && known.UID == pod.UID {
		p.setLocked(pod)
	}
}

// setLocked stores the pod if it is newer than what is known, and reports whether it is.
func (p *pods) setLocked(pod *corev1.Pod) bool {
	pod.ManagedFields = nil
	key := keyOf(pod)
	if known := p.byKey[key]; known != nil && known.UID == pod.UID {
		if order, err := resourceversion.CompareResourceVersion(pod.ResourceVersion, known.ResourceVersion); err == nil && order <= 0 {
			return false
		}
	}
	p.byKey[key] = pod
	p.signalLocked()
	return true
}

func (p *pods) signalLocked() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// Add implements cache.ReflectorStore.
func (p *pods) Add(obj any) error {
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return fmt.Errorf("watch delivered %T, not a pod", obj)
	}
	if !p.mine(pod.Spec.NodeName) {
		return nil
	}
	p.mu.Lock()
	news := p.setLocked(pod)
	p.mu.Unlock()
	if news {
		p.seen(pod)
		p.announce(keyOf(pod))
	}
	return nil
}

// Update implements cache.ReflectorStore.
func (p *pods) Update(obj any) error { return p.Add(obj) }

// Delete implements cache.ReflectorStore.
func (p *pods) Delete(obj any) error {
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return fmt.Errorf("watch delivered %T, not a pod", obj)
	}
	p.mu.Lock()
	known := p.byKey[keyOf(pod)]
	if known != nil && known.UID == pod.UID {
		delete(p.byKey, keyOf(pod))
		p.signalLocked()
	}
	p.mu.Unlock()
	if known != nil {
		p.gone(pod)
		p.announce(keyOf(pod))
	}
	return nil
}

// Replace implements cache.ReflectorStore: the list is all there is.
func (p *pods) Replace(list []any, _ string) error {
	listed := map[types.NamespacedName]*corev1.Pod{}
	for _, obj := range list {
		pod, ok := obj.(*corev1.Pod)
		if !ok {
			return fmt.Errorf("list delivered %T, not a pod", obj)
		}
		if p.mine(pod.Spec.NodeName) {
			listed[keyOf(pod)] = pod
		}
	}
	var lost []*corev1.Pod
	p.mu.Lock()
	for key, known := range p.byKey {
		if pod := listed[key]; pod == nil || pod.UID != known.UID {
			lost = append(lost, known)
			delete(p.byKey, key)
		}
	}
	for _, pod := range listed {
		// A list may be older than what was known, after a restored snapshot: it counts all the same.
		pod.ManagedFields = nil
		p.byKey[keyOf(pod)] = pod
	}
	p.signalLocked()
	p.mu.Unlock()

	for _, pod := range lost {
		p.gone(pod)
		p.announce(keyOf(pod))
	}
	for _, pod := range listed {
		p.seen(pod)
	}
	for key := range listed {
		p.announce(key)
	}
	return nil
}

// Resync implements cache.ReflectorStore; nothing is kept outside the view.
func (p *pods) Resync() error { return nil }

// watch keeps the view up to date until ctx ends. reconnected is called for each watch after the first: the API server
// was away, or has ended the watch after some minutes as it does. While it is away it is asked about once a second:
// reflectors of client-go back off to 30 s, which would leave a cluster that has just come back without a living node.
func (p *pods) watch(ctx context.Context, client kubernetes.Interface, reconnected func()) {
	var watched atomic.Bool
	bound := fields.OneTermNotEqualSelector("spec.nodeName", "").String()
	source := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.FieldSelector = bound
			return client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.FieldSelector = bound
			w, err := client.CoreV1().Pods(metav1.NamespaceAll).Watch(ctx, options)
			if err == nil && watched.Swap(true) {
				reconnected()
			}
			return w, err
		},
	}
	cache.NewReflectorWithOptions(source, &corev1.Pod{}, p, cache.ReflectorOptions{
		Name:    "k8slab-kubelet-pods",
		Backoff: &wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Steps: 5, Cap: time.Second},
	}).RunWithContext(ctx)
}
