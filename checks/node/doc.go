// Package node has the checks of nodes as they are: cordoned, schedulable, drained, part of the cluster.
//
// It must not know other subjects. What happens to nodes while they are upgraded or removed is in checks/upgrade, and
// what their loss does to a workload in checks/workload.
//
// Start reading at Definitions.
package node
