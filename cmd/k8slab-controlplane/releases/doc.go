// Package releases tests the executables that are built from this module, one for each .mod file. It owns two
// questions: whether the .mod file pins a set of modules that belong together, and whether the executable in bin says
// what it is under each of its names.
//
// It is apart from package main, because a test there would link the whole of Kubernetes for each release a second
// time.
//
// Start reading at TestAModFilePinsOneReleaseOfKubernetes.
package releases
