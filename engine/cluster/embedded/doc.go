// Package embedded makes clusters out of one executable and no container runtime: real etcd, kube-apiserver,
// kube-controller-manager and kube-scheduler as child processes of a supervisor, and nodes that are simulated.
//
// It owns everything below the cluster's folder: certificates, ports, logs, the supervisor and its control socket. It
// does not know what a lab is.
//
// Two processes meet in the folder. The one that a person runs uses [Provider]: it writes certificates and the
// cluster's description, starts the supervisor and waits. The supervisor ([RunSupervisor]) owns the components until it
// is told to stop, and survives the terminal. What a killed supervisor leaves behind, the next supervisor clears. A
// lock on supervisor.lock says whether a supervisor lives: the kernel drops the lock with the process.
//
// Start reading at Provider.Ensure, then supervisor.parts: the list of what a supervisor runs, each part in a file of
// its own.
package embedded
