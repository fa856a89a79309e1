// Package releases tests the executables that are built from this module, one for each .mod file: that the file pins
// a set that belongs together, and that the executable in bin says what it is under each of its names.
//
// It is apart from package main, because a test there would link the whole of Kubernetes for each release a second time.
package releases
