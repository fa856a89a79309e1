package content

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxDepth of nested YAML. No lab or Kubernetes object comes near it.
const maxDepth = 64

// document is one parsed YAML document of a file.
type document struct {
	file string
	root *yaml.Node
}

// at returns where the value at the path stands. If the path does not exist, it returns where the nearest value around
// it stands. Path elements are keys and indexes.
func (d document) at(path ...any) Position {
	node := d.root
	for _, element := range path {
		next := child(node, element)
		if next == nil {
			break
		}
		node = next
	}
	return position(d.file, node)
}

func child(node *yaml.Node, element any) *yaml.Node {
	if index, ok := element.(int); ok {
		if node.Kind == yaml.SequenceNode && index < len(node.Content) {
			return node.Content[index]
		}
		return nil
	}
	if node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == element {
				return node.Content[i+1]
			}
		}
	}
	return nil
}

func position(file string, node *yaml.Node) Position {
	return Position{File: file, Line: node.Line, Column: node.Column}
}

// parseDocuments reads all YAML documents of a file, and refuses what no lab needs and what a reader would not see. It
// returns no document if it found a fault. Lines count from firstLine.
func parseDocuments(file string, data []byte, firstLine int, found *faults) []document {
	if !plainText(file, data, found) {
		return nil
	}
	before := len(found.list)
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var docs []document
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			found.add(syntaxPosition(file, err, firstLine), "", "this is not YAML: "+syntaxMessage(err), "fix the syntax")
			return nil
		}
		if node.Kind != yaml.DocumentNode || len(node.Content) == 0 || isNull(node.Content[0]) {
			continue
		}
		root := node.Content[0]
		shiftLines(root, firstLine-1)
		vet(file, root, "", 0, found)
		docs = append(docs, document{file: file, root: root})
	}
	if len(found.list) > before {
		return nil
	}
	return docs
}

// parseDocument reads a file that holds exactly one mapping.
func parseDocument(file string, data []byte, firstLine int, found *faults) (document, bool) {
	before := len(found.list)
	docs := parseDocuments(file, data, firstLine, found)
	switch {
	case len(found.list) > before:
		return document{}, false
	case len(docs) == 0:
		found.add(Position{File: file, Line: firstLine}, "", "there is nothing in it", "write its fields")
		return document{}, false
	case len(docs) > 1:
		found.add(docs[1].at(), "", "it holds more than one YAML document", "remove the line --- and what follows")
		return document{}, false
	}
	return docs[0], true
}

func shiftLines(node *yaml.Node, by int) {
	if by == 0 {
		return
	}
	node.Line += by
	for _, c := range node.Content {
		shiftLines(c, by)
	}
}

// vet refuses aliases (a few of them can stand for gigabytes), tags (they change what a value is without being looked
// at), repeated keys (which yaml.Node keeps silently) and control characters made by escapes.
func vet(file string, node *yaml.Node, field string, depth int, found *faults) {
	at := position(file, node)
	if depth > maxDepth {
		found.add(at, field, fmt.Sprintf("it is nested more than %d levels deep", maxDepth), "make it flatter")
		return
	}
	if node.Kind == yaml.AliasNode || node.Anchor != "" {
		found.add(at, field, "YAML anchors and aliases are not allowed in a lab", "write the value out")
		return
	}
	if node.Style&yaml.TaggedStyle != 0 {
		found.add(at, field, fmt.Sprintf("the YAML tag %s is not allowed in a lab", node.Tag), "remove the tag")
		return
	}
	switch node.Kind {
	case yaml.ScalarNode:
		if name, bad := firstControl(node.Value); bad {
			found.add(at, field, "the value holds the control character "+name, "remove it")
		}
	case yaml.SequenceNode:
		for i, item := range node.Content {
			vet(file, item, indexed(field, i), depth+1, found)
		}
	case yaml.MappingNode:
		vetMapping(file, node, field, depth, found)
	}
}

func vetMapping(file string, node *yaml.Node, field string, depth int, found *faults) {
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		at := position(file, key)
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			found.add(at, field, "a key must be a plain word", "write the fields out")
			continue
		}
		name := dotted(field, key.Value)
		vet(file, key, name, depth+1, found)
		if first, repeated := seen[key.Value]; repeated {
			found.add(at, name, fmt.Sprintf("the field is there twice, first on line %d", first), "keep one of them")
			continue
		}
		seen[key.Value] = key.Line
		vet(file, value, name, depth+1, found)
	}
}

// fieldAt names the value at the path, seen from field: "checks[0].with.node".
func fieldAt(field string, path []any) string {
	for _, element := range path {
		if i, ok := element.(int); ok {
			field = indexed(field, i)
		} else {
			field = dotted(field, fmt.Sprint(element))
		}
	}
	return field
}

// place is a mapping in a file. It is kept so that whoever knows what the mapping means can say later what is wrong
// with it.
type place struct {
	doc document
	// field is the path of the mapping in the document; empty for the whole document.
	field string
}

// wrong is an error about the value at the path within the mapping.
func (p place) wrong(problem, fix string, path []any) Error {
	e := Error{Field: fieldAt(p.field, path), Problem: problem, Fix: fix}
	if p.doc.root != nil {
		e.Position = p.doc.at(path...)
	}
	return e
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Tag == "!!null" }

func dotted(field, name string) string {
	if field == "" {
		return name
	}
	return field + "." + name
}

func indexed(field string, index int) string { return fmt.Sprintf("%s[%d]", field, index) }

// yaml.v3 reports where a syntax error is only within its message: "yaml: line 3: did not find …".
var syntaxLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

func syntaxPosition(file string, err error, firstLine int) Position {
	match := syntaxLine.FindStringSubmatch(err.Error())
	if len(match) < 2 || match[1] == "" {
		return Position{File: file, Line: firstLine}
	}
	line, _ := strconv.Atoi(match[1])
	return Position{File: file, Line: line + firstLine - 1}
}

func syntaxMessage(err error) string {
	return strings.TrimSpace(syntaxLine.ReplaceAllString(err.Error(), ""))
}
