// Package source finds labs outside of k8slab: in folders, which it reads as they are, and in git repositories, of which it keeps
// one commit's labs in a file of its own, so that they need neither network nor git from then on.
//
// What is in a repository is data of an unknown author. Nothing of it is ever written to the disk under a name of its
// choice: there is no work tree, and so there are no links, hooks, filters or submodules. What can be fetched is bounded before
// it is unpacked (pack.go), and what is kept is bounded before it is read (tree.go).
//
// It knows nothing of clusters, checks and terminals. Start reading at [Store], which is the engine's Library; then
// reference.go for how a source is written, fetch.go for git, and docs/adr/007-foreign-content.md for what is trusted.
package source
