// Package aks plays labs on clusters of Azure Kubernetes Service.
//
// It owns what is Azure's: signing in, the credentials for a cluster, the facts of package managed, and the preflight of doctor. What
// happens in the cluster is package existing's part, whose rules for clusters of others hold here, too. It is the only package that imports
// the Azure SDK, and it changes nothing in Azure: it does not even register a resource provider. It must not know labs.
//
// Start reading at New; package akstest is an Azure in memory, made of the SDK's own fake servers.
package aks
