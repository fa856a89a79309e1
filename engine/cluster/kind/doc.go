// Package kind makes clusters of containers on this machine with kind, through its Go package and not through its command. It owns what of
// such a cluster is k8slab's: its name, its shape, who may speak to it, its audit log and the record of its history, and its end.
//
// It must not know what is played on a cluster. No other package imports kind.
//
// Start with Provider in provider.go; create.go makes a cluster and repair.go brings back one that is there. engine.go speaks to Docker
// or Podman, config.go says what a node is made of, and recording.go holds the one process that runs beside a cluster.
package kind
