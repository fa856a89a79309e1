// Package workload has the checks of Deployments, StatefulSets and DaemonSets: whether they run in full and always did,
// what their pod template says, how their pods are spread, and whether they survive the loss of a node.
//
// It must not know other subjects. rollout.go reads the three kinds as one; never_below.go and pods_deleted.go ask the
// audit log, and throughout.go and node_loss.go the record of the cluster.
//
// Start reading at Definitions.
package workload
