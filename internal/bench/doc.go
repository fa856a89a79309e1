// Command bench measures k8slab with the built executables. It has six parts, each with flags of its own:
//
//	bench           what the design promises, in one run and as ratios to etcd and an API server alone (`make bench`)
//	bench clusters  the same lab on the embedded cluster and on kind: time and memory (`make bench-kind`)
//	bench history   what the record of a cluster costs, and how large it grows (`make bench-history`)
//	bench library   what commands on one lab cost with few labs and with many beside it (`make bench-library`)
//	bench scale     many nodes and pods on one cluster (`make bench-scale`)
//	bench soak      one cluster for a long time, with everything done to it that a lab does (`make soak`)
//
// It owns what is measured and how. It must not know how k8slab works inside: it runs the program and looks at its
// processes. Only the parts history and scale also read or make a cluster through the module's packages.
//
// It fails if something does not work, or if a soak leaves the cluster worse than it was. A missed budget is reported
// and is no failure, because it depends on the machine.
//
// Start reading at budgets.
package main
