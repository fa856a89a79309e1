package kubelet

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"

	"github.com/k8slab/k8slab/engine/behavior"
)

// playersAtOnce is how many pods are brought forward at the same time. A step is one request at most.
const playersAtOnce = 8

// player brings every pod from step to step. The queue hands a pod to one worker at a time.
type player struct {
	*Kubelet
	stages stages
	queue  workqueue.TypedRateLimitingInterface[types.NamespacedName]

	mu       sync.Mutex
	memories map[types.UID]*memory
	byKey    map[types.NamespacedName]types.UID
}

func newPlayer(k *Kubelet, s stages) *player {
	return &player{
		Kubelet: k,
		stages:  s,
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[types.NamespacedName](50*time.Millisecond, 2*time.Second)),
		memories: map[types.UID]*memory{},
		byKey:    map[types.NamespacedName]types.UID{},
	}
}

// run plays until ctx ends.
func (p *player) run(ctx context.Context) {
	var workers sync.WaitGroup
	for range playersAtOnce {
		workers.Go(func() {
			for p.playNext(ctx) {
			}
		})
	}
	<-ctx.Done()
	p.queue.ShutDown()
	workers.Wait()
}

func (p *player) playNext(ctx context.Context) bool {
	key, shutdown := p.queue.Get()
	if shutdown {
		return false
	}
	defer p.queue.Done(key)
	again, err := p.advance(ctx, key)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		p.log.Debug("pod could not be brought forward, trying again", "pod", key, "error", err)
		p.queue.AddRateLimited(key)
	default:
		p.queue.Forget(key)
		if again >= 0 {
			p.queue.AddAfter(key, again)
		}
	}
	return true
}

// never is the answer of advance for a pod that has nothing to wait for but its own change.
const never time.Duration = -1

// advance takes the pod one step further if its time has come, and returns when to look again.
func (p *player) advance(ctx context.Context, key types.NamespacedName) (time.Duration, error) {
	pod := p.pods.get(key)
	m := p.memoryOf(key, pod)
	if pod == nil {
		return never, nil
	}
	n := p.nodes[pod.Spec.NodeName]
	if !n.isUp() {
		m.at = ""
		return never, nil
	}
	now := time.Now()
	next := nextStep(pod, m, p.worldOf(n, pod, now))
	if next.step == waiting {
		m.at = ""
		return never, nil
	}
	if m.at != next.key() {
		p.arrive(pod, m, next, now)
	}
	if m.stage == nil {
		return never, nil
	}
	due, killed := dueTime(m, next)
	if wait := due.Sub(now); wait > 0 {
		return wait, nil
	}
	s := &scene{
		pod: pod, move: next, now: now, killed: killed, hostIP: n.IP,
		takeIP: func() (netip.Addr, error) { return n.addresses.take(pod.UID) },
	}
	if next.container != nil {
		s.conduct = p.behaviors.of(pod, next.container)
		s.took = now.Sub(m.pulling[next.container.Name])
	}
	if err := p.play(ctx, n, s, m); err != nil {
		return never, err
	}
	p.remember(n, m, pod, next, now)
	return 0, nil
}

// worldOf is what the node's kubelet decides about the pod's next step with.
func (p *player) worldOf(n *node, pod *corev1.Pod, now time.Time) world {
	return world{
		now: now, has: n.images.has, booted: n.upSince(n.identity()),
		conduct:  func(c *corev1.Container) behavior.Conduct { return p.behaviors.of(pod, c) },
		commands: p.commands,
	}
}

// memoryOf returns what is remembered of the pod, and forgets a pod of the same name that is no more.
func (p *player) memoryOf(key types.NamespacedName, pod *corev1.Pod) *memory {
	p.mu.Lock()
	defer p.mu.Unlock()
	if uid, known := p.byKey[key]; known && (pod == nil || pod.UID != uid) {
		delete(p.memories, uid)
		delete(p.byKey, key)
	}
	if pod == nil {
		return nil
	}
	m := p.memories[pod.UID]
	if boot := p.nodes[pod.Spec.NodeName].identity().BootID; m == nil || m.boot != boot {
		m = newMemory()
		m.boot = boot
		p.memories[pod.UID] = m
		p.byKey[key] = pod.UID
	}
	return m
}

// arrive draws the stage for a move and how long it takes.
func (p *player) arrive(pod *corev1.Pod, m *memory, next move, now time.Time) {
	m.at, m.arrived, m.stage, m.done, m.delay = next.key(), now, p.stages.match(pod, next.step), 0, 0
	if m.stage != nil {
		m.delay = m.stage.wait()
	}
}

// statusResolution is how exact times in a status are.
const statusResolution = 2 * time.Second

// dueTime returns when a move happens, and for the stop of a container whether the grace period cuts it short. A wait
// is counted from the moment at which this process saw it begin, which is exact, or from the time in the status if the
// wait began before this process did.
func dueTime(m *memory, next move) (due time.Time, killed bool) {
	switch {
	case next.step == stopped && next.stop != nil:
		return next.stop.end(m.delay)
	case !next.at.IsZero():
		return next.at, false
	}
	begin := m.arrived
	if !next.since.IsZero() && m.arrived.Sub(next.since) > statusResolution {
		begin = next.since
	}
	return begin.Add(next.takes + m.delay), false
}

// play does what the stage says. Of a stage that fails half-way, what was done is not done again. A pod that has gone
// fails until the watch has told so.
func (p *player) play(ctx context.Context, n *node, s *scene, m *memory) (err error) {
	m.done, err = m.stage.perform(m.done, s, stageOutput{
		event: func(kind, reason, message string) error {
			n.recorder.Event(reference(s.pod, s.move), kind, reason, message)
			return nil
		},
		remove: func() error { return p.removePod(ctx, s.pod) },
		patch:  func(data []byte) error { return p.patchStatus(ctx, s.pod, data) },
	})
	return err
}

// reference names the pod, or the container of it that a move is about, as the kubelet's events do
// (pkg/kubelet/container/ref.go, fieldPath).
func reference(pod *corev1.Pod, about move) *corev1.ObjectReference {
	ref := &corev1.ObjectReference{
		APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion,
	}
	if about.container == nil {
		return ref
	}
	list := "containers"
	switch about.kind {
	case initial, sidecar:
		list = "initContainers"
	case ephemeral:
		list = "ephemeralContainers"
	}
	ref.FieldPath = fmt.Sprintf("spec.%s{%s}", list, about.container.Name)
	return ref
}

func (p *player) patchStatus(ctx context.Context, pod *corev1.Pod, data []byte) error {
	written, err := p.client.CoreV1().Pods(pod.Namespace).
		Patch(ctx, pod.Name, types.StrategicMergePatchType, data, metav1.PatchOptions{}, "status")
	if err != nil {
		return fmt.Errorf("write status of pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	p.pods.written(written)
	return nil
}

// removePod says the last word about a pod that is being deleted (status_manager.go, syncPod).
func (p *player) removePod(ctx context.Context, pod *corev1.Pod) error {
	err := p.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: new(int64(0)),
		Preconditions:      &metav1.Preconditions{UID: &pod.UID},
	})
	if err != nil {
		return fmt.Errorf("remove pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	return nil
}

// remember keeps what the pod's status does not say of a move that was made. pod is as it was before.
func (p *player) remember(n *node, m *memory, pod *corev1.Pod, made move, now time.Time) {
	m.at = ""
	if made.container == nil {
		switch made.step {
		case remove:
			m.removed = true
		case deadline:
			m.overdue = true
		case rebooted:
			n.addresses.release(pod.UID)
		}
		return
	}
	name, key := made.container.Name, backOffKey(made.container)
	switch made.step {
	case pull:
		m.pulling[name] = now
	case pullFailed:
		delete(m.pulling, name)
		m.pulls[key] = pullFailure{m.pulls[key].next(now, made.backOff), made.message}
	case pulled:
		n.images.add(made.container.Image)
		m.images[name] = made.container.Image
		delete(m.pulling, name)
		delete(m.pulls, key)
	case present:
		m.images[name] = made.container.Image
	case start:
		delete(m.images, name)
		m.started[name] = now
		if made.restart {
			m.restarts[key] = m.restarts[key].next(now, made.backOff)
		}
	case healthy, unhealthy, unready:
		m.probed(pod, made)
	case exit:
		m.ended[name] = now
	case kill:
		m.told[name] = now
	case hookFailed:
		m.hookFailed[name] = true
	case stopped:
		m.ended[name], m.lastStop = now, now
		delete(m.told, name)
		delete(m.hookFailed, name)
		delete(m.condemned, name)
	}
}
