// Package kubelet plays the nodes of an embedded cluster and the pods on them.
//
// It owns what a kubelet writes to the API server (Node objects, leases, pod statuses, events, removal of terminated
// pods) and what it answers on port 10250 (logs, exec, attach, port-forward). One Kubelet serves all nodes of a
// cluster from one process, with one watch. It runs no program: what containers say is made up in Go, and says so.
//
// It must not know the control plane's processes, labs or checks, and it never opens a listening socket: the API
// server reaches it through DialNode.
//
// Where to start reading: Run in kubelet.go. Then
//   - node.go and nodestatus.go: registration, heartbeats, the Node's status;
//   - pods.go: the watch and the view of the pods; player.go: the loop that brings each pod a step further;
//   - step.go: which step comes next, a pure function of pod and what the node remembers; stages.yaml: how long it
//     takes and what it does; scene.go and podstatus.go: the statuses;
//   - running.go: the list of reasons for which something happens to a running container (crash.go, work.go, probe.go);
//     pull.go, backoff.go and stop.go: images, restarts and ends; behaviors.go: what a lab declared (package behavior);
//   - power.go: machines that are switched off, on, or rebooted; host.go: the files on them;
//   - server.go, logs.go, stream.go and usage.go: the kubelet's own API; package command: what containers answer.
//
// What can be said as a delay, an event or a patch of a step is a stage. What needs a memory (back-off, probes), or the
// state of other containers (the order of a stop), is decided in Go, and so is declared behaviour: a lab may select
// containers by namespace and image, which stages cannot, and changes what is decided as often as how long it takes.
//
// Stages have kwok's format and are selected by labels only, so that no expression is evaluated for an event. kwok
// itself is not used (docs/adr/014-kwok.md): the queues of its controllers start goroutines that nothing ends
// (pkg/utils/queue.weightDelayingQueue.loopWorker), its controllers give a step up after a reset connection
// (controllers.shouldRetry), and they play a step twice when the watch is behind their own patch. In their place are
// client-go's work queue and the kubelet's own lease controller (k8s.io/component-helpers/apimachinery/lease).
//
// A pod's status in the API is the state; which events were sent already, back-off and counts of probes are kept in
// memory. A restart of the simulator therefore continues where it was, at worst repeating an event and starting a
// back-off over, as a restarted kubelet does. Machines and declared behaviour are files in the state folder.
package kubelet
