// Package existing plays labs on clusters that somebody else made: on any context of a kubeconfig, or on any cluster
// for which another Source has credentials, as package aks does.
//
// It owns the choice of a cluster (its server and identity, which every start reads again and compares), the session's
// own kubeconfig, the signs by which a cluster is taken for a production one, and the removal of objects with k8slab's
// label. It changes no kubeconfig of the person's. In a cluster it changes only objects with that label, and uncordons
// nodes if the person allows it. It must not know labs: the engine creates a lab's objects, and asks the person before.
//
// Start reading at Provider.Look; docs/adr/011-clusters-of-others.md has the rules.
package existing
