// Command k8slab-controlplane is etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl in one
// executable, which runs the one whose name it is called by (argv[0]).
//
// It owns which programs are inside and how they are started, and changes nothing about them: a learner meets the
// components as they are released. It must not know labs, or k8slab, which starts it as any other program.
//
// It is a Go module of its own, because Kubernetes pins every module that it uses: go.mod is release 1.37, v1.36.mod
// builds the same source as 1.36, and one more .mod file is one more release. `make build` builds all of them; the
// package releases tests what came out. docs/adr/001-one-executable.md says why.
//
// Start reading at components.
package main
