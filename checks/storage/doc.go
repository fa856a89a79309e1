// Package storage has the checks of what is stored in etcd, and in which version: the versions of a
// CustomResourceDefinition, its objects, and the migration of stored objects.
//
// It must not know other subjects.
//
// Start reading at Definitions.
package storage
