// Package source finds labs outside of k8slab: in folders, which it reads as they are, and in git repositories. Of a
// repository it keeps the labs of one commit in a file of its own, so that these labs need neither network nor git from
// then on.
//
// A repository's content is data of an unknown author. None of it is ever written to the disk under a name of its
// choice: there is no work tree, and so there are no links, hooks, filters or submodules. The size of what is fetched
// is bounded before it is unpacked (pack.go), and the size of what is kept is bounded before it is read (tree.go).
//
// It must not know clusters, checks or terminals. Start reading at [Store], which is the engine's Library; then
// reference.go for how a source is written, fetch.go for git, and docs/adr/007-foreign-content.md for what is trusted.
package source
