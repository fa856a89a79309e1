// Package labs holds the labs that come with k8slab: one folder each, and nothing else about a lab anywhere but its Go
// checks.
//
// It owns the folders and knows nothing of their meaning; package content reads them. To write or change a lab, start
// in the folder of an existing one; go test ./labs says whether yours can be read, and k8slab verify proves its answers
// on a real control plane.
package labs
