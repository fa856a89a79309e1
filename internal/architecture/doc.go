// Package architecture keeps the layers of k8slab apart: it reads what every Go file of the module imports and compares
// it with the rules of rules.go. It also compares the values in the sentences of each language, for which sentences.go
// reads the calls of text.New. `make lint` and `make test` run it.
//
// It owns the rules and the graph on which they are checked. Beside them it looks into the files for two things: how
// providers of clusters are asked for their optional interfaces, and how wide comments are. It must not know what any
// package does. It parses files and checks no types, so it also sees files of other operating systems and packages that
// do not compile.
//
// Start reading at Rules, then at Assertions, Sentences and WideComments.
package architecture
