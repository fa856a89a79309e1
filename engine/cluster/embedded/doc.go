// Package embedded makes clusters out of one executable and no container runtime: real etcd, kube-apiserver,
// kube-controller-manager and kube-scheduler as child processes of a supervisor, and nodes that are simulated.
//
// It owns everything below the cluster's folder: certificates, ports, logs, the supervisor and its control socket. It does
// not know what a lab is.
//
// Two processes meet in the folder. The one that a person runs uses [Provider]: it writes certificates and the
// cluster's description, starts the supervisor and waits. The supervisor ([RunSupervisor]) owns the components until it is
// told to stop; it survives the terminal, and what it leaves behind when it is killed is cleared by the next one.
// A lock on supervisor.lock says whether it lives: the kernel drops it with the process.
//
// Start reading at Provider.Ensure, then supervisor.run.
package embedded
