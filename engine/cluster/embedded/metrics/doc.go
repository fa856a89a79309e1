// Package metrics serves the API group metrics.k8s.io, so that kubectl top and autoscalers find what simulated nodes
// and pods use.
//
// It owns paths, verbs, selectors and encoding. It must not know where the numbers come from, nor TLS, authentication
// or how kube-apiserver reaches it: whoever registers the APIService puts the handler behind a server that lets nobody
// but the API server's front proxy in. Start reading at Handler. The API is that of
// k8s.io/metrics/pkg/apis/metrics/v1beta1.
package metrics
