// Package egress is the door through which kube-apiserver reaches the simulated nodes: an HTTP CONNECT proxy on a unix
// socket. With it nodes keep addresses such as 10.240.0.4 although nothing on the machine listens there.
//
// It owns the proxy and the EgressSelectorConfiguration that points kube-apiserver at it. It must not know nodes, pods
// or certificates: where an address leads is the business of the dial function that it is given, and the bytes that
// pass through are TLS between the API server and whoever answers.
//
// Start reading at Serve. The other end is createConnectUDSDialer in k8s.io/apiserver/pkg/server/egressselector.
package egress
