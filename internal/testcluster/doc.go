// Package testcluster lets tests use real embedded clusters: it finds the executables that `make build` makes, plays
// the supervisor in the test binary, and looks at processes. A missing executable fails the test; it does not skip it.
//
// It must not know what a test does with its cluster, and it is never part of the program.
//
// Start reading at Main and Eventually.
package testcluster
