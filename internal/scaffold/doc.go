// Package scaffold writes the beginnings of labs: a small exercise that works and proves itself as it is, for an author
// to change piece by piece. It owns the templates and the rule that nothing is ever overwritten or left half written.
// It must not know of clusters or checks, nor what its callers print.
//
// Start at [Lab] and [Step].
package scaffold
