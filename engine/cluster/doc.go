// Package cluster is what k8slab asks of a cluster, whoever made it: the Provider that makes, finds and removes clusters, and
// the one-method interfaces of what only some of them can do.
//
// It owns these contracts and their values. It must not know any provider, nor labs, checks or the engine; clustertest is
// the one suite that every provider has to pass.
//
// Start reading at Provider.
package cluster
