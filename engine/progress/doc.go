// Package progress keeps what a learner did, as a journal that is only ever appended to, and folds the journal into the
// learner's progress.
//
// It owns the lines of the journal's file, its lock and its repair; where the file is, the caller decides. It must not
// know clusters, checks or how a lab looks: an event carries ids, versions and numbers only.
//
// Start reading at [Event], which is one line of the file, then [Fold], which gives events their meaning, then
// [Journal.Append], which is careful about everything that can happen between a process and a disk.
package progress
