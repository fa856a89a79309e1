// Package cluster is what k8slab asks of a cluster, whoever made it: the Provider that makes, finds and removes
// clusters, and optional interfaces for what only some providers can do.
//
// What a provider's clusters can do follows from the optional interfaces that it implements (CapabilitiesOf). Callers
// ask a provider for an optional interface with As, and in no other way.
//
// It owns these contracts and their values. It must not know any provider, nor labs, checks or the engine; clustertest
// is the one suite that every provider has to pass.
//
// Start reading at Provider, then at As.
package cluster
