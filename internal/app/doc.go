// Package app puts the parts of k8slab together for every face: labs, the vocabulary of checks, kinds of cluster,
// sources of labs, the engine, the proof of labs, and the processes that run in the background beside a cluster.
//
// It owns the list of providers: no other package knows which kinds of cluster there are. Other packages ask a provider
// for what only some kinds need by the optional interfaces of package cluster. It must not know flags, a face's
// environment variables, or how anything is shown.
//
// Start reading at New.
package app
