// Package kube has what the checks of several subjects read of Kubernetes in the same way: pods and their owners, what
// is about to become ready, the built-in kinds, and what the audit log and the record of the cluster tell.
//
// It defines no check and knows no subject. What only one subject needs stays with that subject.
//
// Start reading at ListPods in pods.go. readiness.go and scheduling.go tell what is worth waiting for, workload_past.go
// retells a workload's past request by request, and past.go names who did what and when.
package kube
