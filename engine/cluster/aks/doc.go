// Package aks plays labs on clusters of Azure Kubernetes Service.
//
// It owns everything about Azure: signing in, the credentials for a cluster, the facts of package managed, and the
// preflight of doctor. Package existing owns what happens in the cluster, and its rules for clusters of others hold
// here, too. No other package imports the Azure SDK. It changes nothing in Azure: it does not even register a resource
// provider. It must not know labs.
//
// Start reading at New; package akstest is an Azure in memory, made of the SDK's own fake servers.
package aks
