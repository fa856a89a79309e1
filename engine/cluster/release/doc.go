// Package release holds what Kubernetes' releases allow: which release comes after which, which kubelet goes with which
// API server, and which group versions a release still serves. Providers that upgrade clusters ask it.
//
// It must not know how an upgrade is done.
//
// Start reading at Next and MayBecome.
package release
