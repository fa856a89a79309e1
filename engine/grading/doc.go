// Package grading looks at a learner's work: it runs the checks of a step, gives a verdict for each, and adds up the
// points.
//
// It owns the order in which checks run, and how long a check is repeated before its verdict is final. It writes
// nothing. It must not know where a lab comes from nor how its cluster was made; what a check looks at is the check's
// own.
//
// Start reading at Look, then Report.Score.
package grading
