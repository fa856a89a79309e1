// Package kind makes clusters of containers on this machine with kind, through kind's Go package rather than its
// command. It owns what k8slab adds to such a cluster: its name, its shape, the users who may speak to it, its audit
// log, the record of its history, and its removal.
//
// It must not know what is played on a cluster. No other package imports sigs.k8s.io/kind.
//
// Start reading at Provider in provider.go; create.go makes a cluster, and repair.go brings one back that exists.
// engine.go speaks to Docker or Podman, config.go says what a node is made of, and recording.go holds the one process
// that runs beside a cluster.
package kind
