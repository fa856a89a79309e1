// Package applier is a pipeline that applies manifests to a cluster: the work of the labs' clients of the API. The
// embedded cluster plays it for their pods; on a cluster whose pods are real it is the program in their image
// (testdata/kindnode/client).
//
// It owns the requests and what is said of them. When and as whom it works, and where manifests come from, is its
// caller's business.
//
// Start reading at Applier.Apply.
package applier
