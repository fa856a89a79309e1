// Package progress keeps what a learner did, as a journal that is only ever appended to, and folds it into what it
// adds up to.
//
// It owns the journal's file: its place on disk is the caller's, its lines, its lock and its repair are here. It must
// not know clusters, checks or how a lab looks: an event carries ids and numbers only.
//
// Start reading at [Event], which is one line of the file, then [Fold], which gives events their meaning, then
// [Journal.Append], which is careful about everything that can happen between a process and a disk.
package progress
