// Package grading looks at a learner's work: it runs the checks of a step, gives a verdict for each, and reckons the
// points.
//
// It is pure: it writes nothing, and knows neither where a lab comes from nor how its cluster was made. Polling and
// patience are here; what a check looks at is the check's own.
//
// Start reading at Look, then Report.Score.
package grading
