// Package existing plays labs on clusters that somebody else made: any context of a kubeconfig, or whatever another source gives
// credentials for, as package aks does.
//
// It owns the choice of a cluster (its server and identity, discovered again by every start and compared), the session's own
// kubeconfig, the signs by which a cluster is taken for a production one, and the removal of what carries k8slab's label. It changes
// no kubeconfig of the person's, and nothing in a cluster but what carries that label. It must not know labs: what is created in the
// cluster, and that somebody was asked before, is the engine's part.
//
// Start reading at Provider.Look; docs/adr/011-clusters-of-others.md has the rules.
package existing
