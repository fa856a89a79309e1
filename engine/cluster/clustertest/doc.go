// Package clustertest holds the one conformance suite that every provider of clusters has to pass. A provider's test calls
// [Run]; what only some clusters can do is tested where the provider has the interface for it.
package clustertest
