// Package behavior says how a simulated workload behaves where its manifest cannot: how long it needs to stop, that it
// never becomes ready, that it crashes, what it uses. A lab declares it in a document of its setup,
//
//	apiVersion: k8slab.dev/v1alpha1
//	kind: SimulatedWorkload
//	metadata: {name: slow-to-stop}
//	spec:
//	  selector: {namespace: shop, matchLabels: {app: web}}
//	  stopAfter: 40s
//
// that never becomes an API object, so that a learner sees manifests that hold nothing that a real cluster would not
// have.
//
// A document of the kind SimulatedClient declares a program that calls the API by itself, see Client.
//
// The kinds of documents are listed in documents.go; what a workload may declare (Conduct) and what a client may do
// (Programs) in kinds.go. Each has a file of its own.
//
// It owns the documents: its types, strict decoding, validation and selection. It must not know the simulated
// kubelet or labs. Start reading at Conduct in kinds.go; Decode reads documents, For says what holds for a container.
package behavior
