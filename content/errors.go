package content

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Position is a place in a file of a lab. The zero value is nowhere.
type Position struct {
	// File is relative to the file system that the lab was loaded from, with slashes.
	File string
	// Line and Column count from 1; zero means the file as a whole.
	Line, Column int
}

// String returns "file:line", or as much of it as is known. It quotes the name of a file that holds control characters.
func (p Position) String() string {
	file := p.File
	if !plainName(file) {
		file = strconv.Quote(file)
	}
	if p.Line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, p.Line)
}

// Error is one thing that is wrong with a lab.
type Error struct {
	Position
	// Field is the path of the field within the file, for example "checks[1].with.node", or the section of a lesson, or
	// empty.
	Field string
	// Problem says what is wrong and Fix what to write instead, as plain sentences without a full stop.
	Problem, Fix string
}

// Error returns "file:line: field: problem; fix".
func (e Error) Error() string {
	var parts []string
	for _, part := range []string{e.Position.String(), e.Field, e.Problem} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	s := strings.Join(parts, ": ")
	if e.Fix != "" {
		s += "; " + e.Fix
	}
	return s
}

// Errors is all that is wrong with one or more labs, in the order of files and lines. It is never empty when it is
// returned as an error.
type Errors []Error

// Error returns one line for each error.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Sorted returns the errors in the order of files and lines, and only one of several that say the same of one field.
func (e Errors) Sorted() Errors {
	sorted := slices.SortedStableFunc(slices.Values(e), func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(sorted)
}

// Unwrap lets errors.As find a single Error.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

// faults collects what is wrong while the rest of a lab is still being read.
type faults struct{ list Errors }

func (f *faults) add(at Position, field, problem, fix string) {
	f.list = append(f.list, Error{Position: at, Field: field, Problem: problem, Fix: fix})
}

// err returns the faults in order of place, or nil if there are none.
func (f *faults) err() error {
	if len(f.list) == 0 {
		return nil
	}
	return f.list.Sorted()
}
