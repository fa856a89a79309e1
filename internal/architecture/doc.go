// Package architecture keeps the layers of k8slab apart: it reads what every Go file of the module imports and compares it with
// the rules of rules.go. `make lint` and `make test` run it.
//
// It owns the rules and the graph they are checked on. It must not know what any package does; it reads import
// clauses only, so it also sees files of other operating systems and packages that do not compile.
//
// Start reading at Rules.
package architecture
