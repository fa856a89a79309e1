// Package clustertest holds the one conformance suite that every provider of clusters has to pass. A provider's test
// calls [Run]. An optional interface is tested if the provider implements it.
//
// It owns what every provider has to do. It must not know any provider.
//
// Start reading at Run, then at capabilities.
package clustertest
