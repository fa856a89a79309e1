// Package akstest is an Azure in memory with one AKS cluster, for tests: the Azure SDK's own fake servers, with
// credentials that lead to any cluster that the test has. It is never part of the program.
//
// It owns how Azure answers, well or with an error. It must not know what package aks makes of the answers.
//
// Start reading at Azure and New.
package akstest
