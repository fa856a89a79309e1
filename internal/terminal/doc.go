// Package terminal turns k8slab's values into text for a terminal: lessons, reports of checks, tables and the phases
// of a start.
//
// It owns widths, wrapping, colour, and the rule that no control sequence in content reaches the terminal. It must not
// know commands, flags, engine methods or rules: it is given a value, most often one of internal/present, and a
// [Screen], and returns a string. Only [Phases] and [Proving] write by themselves, because they change over time.
//
// Widths are columns as terminals count them, where a Japanese character takes two. Lines break where Unicode allows
// it (UAX #14), so that 。 and 、 never begin a line, but never inside a word such as --ignore-daemonsets.
//
// Start reading at [Screen], then [Screen.Lesson].
package terminal
