package content

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Params are the parameters that a lab gives to a check. They are not decoded yet, since only the check knows what they
// mean. The zero value is no parameters at all.
type Params struct {
	doc   document
	field string
	// from is where the check stands, which is the place of faults if there are no parameters at all.
	from Position
}

// ParseParams reads parameters from YAML, as if they stood in file. The error is an Errors.
func ParseParams(file string, data []byte) (Params, error) {
	found := &faults{}
	docs := parseDocuments(file, data, 1, found)
	if len(docs) > 1 {
		found.add(docs[1].at(), "", "it holds more than one YAML document", "remove the line --- and what follows")
	}
	if err := found.err(); err != nil {
		return Params{}, err
	}
	p := Params{from: Position{File: file}}
	if len(docs) == 1 {
		p.doc = docs[0]
	}
	return p, nil
}

// IsZero reports whether there are no parameters.
func (p Params) IsZero() bool { return p.doc.root == nil }

// At returns where the parameters stand, or, for a check that has none, where the check stands.
func (p Params) At() Position {
	if p.IsZero() {
		return p.from
	}
	return p.doc.at()
}

// Wrong is an error about the parameter at the path, such as "objects[1].kind"; an empty path means all of them.
func (p Params) Wrong(path, problem, fix string) Error {
	elements := pathElements(path)
	e := place{doc: p.doc, field: p.field}.wrong(problem, fix, elements)
	if e.Position == (Position{}) {
		e.Position = p.from
	}
	return e
}

// pathElements takes a path apart that fieldAt has put together.
func pathElements(path string) []any {
	var elements []any
	for _, part := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		if i, err := strconv.Atoi(part); err == nil {
			elements = append(elements, i)
		} else {
			elements = append(elements, part)
		}
	}
	return elements
}

// Decode fills in the struct that into points to, strictly. Fields are named by their `yaml` tags; one without
// ",omitempty" has to be there, and must not be an empty string, list or mapping; one without a tag is left alone.
// Structs, pointers, slices, maps with string keys, strings, numbers, booleans, time.Duration ("90s") and whatever
// implements encoding.TextUnmarshaler can be decoded; ",inline" takes a struct's fields for one's own.
//
// What is wrong with the parameters comes back as Errors, all of it at once. Any other error is a mistake in the
// struct.
func (p Params) Decode(into any) error {
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.IsNil() || target.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("parameters are decoded into a pointer to a struct, not %T", into)
	}
	found := &faults{}
	root := p.doc.root
	if root == nil {
		root = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: p.from.Line, Column: p.from.Column}
	}
	file := p.doc.file
	if file == "" {
		file = p.from.File
	}
	d := decoder{file: file, found: found}
	if err := d.decode(root, target.Elem(), p.field, false); err != nil {
		return err
	}
	return found.err()
}
