// Package present turns what the engine says into what a face shows: an action as a command to type, and lists, status,
// lessons, reports, hints, timelines, plans and findings as values with words in the reader's language.
//
// It owns words and the order of things. It must not know a terminal, flags or a page: each face lays out the values
// that it gets from here. What comes next and what it costs is the engine's to say (engine/rules.go).
//
// Start reading at Command and Say, then at Table and Fact, of which most answers are made, and at ReportOf for an
// answer with a shape of its own.
package present
