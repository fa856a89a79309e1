package content

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/k8slab/k8slab/text"
)

// decoder fills Go values from YAML nodes more strictly than yaml.v3 does: every field that is unknown, missing, null
// or of another type is an error, nothing is converted, and all errors of a document are found in one go. Nodes have
// been through vet before.
type decoder struct {
	file  string
	found *faults
}

// decodeDocument decodes doc into the struct that into points to and reports whether it was flawless.
func decodeDocument(doc document, into any, found *faults) (bool, error) {
	before := len(found.list)
	d := decoder{file: doc.file, found: found}
	err := d.decode(doc.root, reflect.ValueOf(into).Elem(), "", false)
	return err == nil && len(found.list) == before, err
}

func (d decoder) fault(node *yaml.Node, field, problem, fix string) {
	d.found.add(position(d.file, node), field, problem, fix)
}

// decode sets target from node. If optional is true, the value may be empty. The returned error is about the Go type,
// never about the lab.
func (d decoder) decode(node *yaml.Node, target reflect.Value, field string, optional bool) error {
	if target.Type() == reflect.TypeFor[Params]() {
		return d.decodeParams(node, target, field)
	}
	if isNull(node) {
		d.fault(node, field, "it has no value", "write "+article(target.Type())+", or remove the field")
		return nil
	}
	if target.Type() == reflect.TypeFor[time.Duration]() {
		return d.decodeDuration(node, target, field)
	}
	if u, ok := target.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return d.decodeText(node, u, field)
	}
	switch target.Kind() {
	case reflect.Pointer:
		target.Set(reflect.New(target.Type().Elem()))
		return d.decode(node, target.Elem(), field, optional)
	case reflect.Struct:
		return d.decodeStruct(node, target, field)
	case reflect.Slice:
		return d.decodeSlice(node, target, field, optional)
	case reflect.Map:
		return d.decodeMap(node, target, field, optional)
	case reflect.String:
		d.decodeString(node, target, field, optional)
		return nil
	case reflect.Interface:
		return d.decodeAny(node, target, field)
	default:
		return d.decodeScalar(node, target, field)
	}
}

// structField is a field of a struct as the YAML names it.
type structField struct {
	name     string
	optional bool
	value    reflect.Value
	// doc is from the tags doc and ja; schemas show it.
	doc text.Text
}

// fieldsOf lists the fields of a struct that have a yaml tag, with those of inlined structs in their place.
func fieldsOf(target reflect.Value) ([]structField, error) {
	var fields []structField
	for i := range target.NumField() {
		f := target.Type().Field(i)
		tag, tagged := f.Tag.Lookup("yaml")
		name, options, _ := strings.Cut(tag, ",")
		if !tagged || name == "-" {
			continue
		}
		if !f.IsExported() {
			return nil, fmt.Errorf("field %s of %s has a yaml tag but is not exported", f.Name, target.Type())
		}
		if slices.Contains(strings.Split(options, ","), "inline") {
			if f.Type.Kind() != reflect.Struct {
				return nil, fmt.Errorf("field %s of %s is inlined but no struct", f.Name, target.Type())
			}
			inner, err := fieldsOf(target.Field(i))
			if err != nil {
				return nil, err
			}
			fields = append(fields, inner...)
			continue
		}
		if name == "" {
			return nil, fmt.Errorf("field %s of %s has a yaml tag without a name", f.Name, target.Type())
		}
		fields = append(fields, structField{
			name:     name,
			optional: slices.Contains(strings.Split(options, ","), "omitempty"),
			value:    target.Field(i),
			doc:      text.Text{EN: f.Tag.Get("doc"), JA: f.Tag.Get("ja")},
		})
	}
	return fields, nil
}

func (d decoder) decodeStruct(node *yaml.Node, target reflect.Value, field string) error {
	if node.Kind != yaml.MappingNode {
		d.wrongType(node, target.Type(), field)
		return nil
	}
	fields, err := fieldsOf(target)
	if err != nil {
		return err
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	given := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		given[key.Value] = true
		at := slices.Index(names, key.Value)
		if at < 0 {
			d.fault(key, dotted(field, key.Value), "there is no such field", didYouMean(key.Value, names))
			continue
		}
		if err := d.decode(value, fields[at].value, dotted(field, key.Value), fields[at].optional); err != nil {
			return err
		}
	}
	for _, f := range fields {
		if !f.optional && !given[f.name] {
			d.fault(node, dotted(field, f.name), "the field is missing", "add it: "+article(f.value.Type()))
		}
	}
	return nil
}

func (d decoder) decodeSlice(node *yaml.Node, target reflect.Value, field string, optional bool) error {
	if node.Kind != yaml.SequenceNode {
		d.wrongType(node, target.Type(), field)
		return nil
	}
	if len(node.Content) == 0 && !optional {
		d.fault(node, field, "the list is empty", "put at least one entry into it")
		return nil
	}
	list := reflect.MakeSlice(target.Type(), len(node.Content), len(node.Content))
	for i, item := range node.Content {
		if err := d.decode(item, list.Index(i), indexed(field, i), false); err != nil {
			return err
		}
	}
	target.Set(list)
	return nil
}

func (d decoder) decodeMap(node *yaml.Node, target reflect.Value, field string, optional bool) error {
	if target.Type().Key().Kind() != reflect.String {
		return fmt.Errorf("%s: a map must have strings for keys, not %s", field, target.Type().Key())
	}
	if node.Kind != yaml.MappingNode {
		d.wrongType(node, target.Type(), field)
		return nil
	}
	if len(node.Content) == 0 && !optional {
		d.fault(node, field, "the mapping is empty", "put at least one entry into it")
		return nil
	}
	entries := reflect.MakeMapWithSize(target.Type(), len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		value := reflect.New(target.Type().Elem()).Elem()
		// An entry of a map may be empty: labels often are.
		if err := d.decode(node.Content[i+1], value, dotted(field, node.Content[i].Value), true); err != nil {
			return err
		}
		entries.SetMapIndex(reflect.ValueOf(node.Content[i].Value).Convert(target.Type().Key()), value)
	}
	target.Set(entries)
	return nil
}

func (d decoder) decodeString(node *yaml.Node, target reflect.Value, field string, optional bool) {
	switch {
	case node.Kind != yaml.ScalarNode:
		d.wrongType(node, target.Type(), field)
	case node.Tag != "!!str":
		d.fault(node, field, fmt.Sprintf("%s is not a string in YAML", node.Value), fmt.Sprintf("put it in quotes: %q", node.Value))
	case strings.TrimSpace(node.Value) == "" && !optional:
		d.fault(node, field, "it is empty", "write something")
	default:
		target.SetString(node.Value)
	}
}

// decodeScalar decodes booleans and numbers, whose syntax and ranges yaml.v3 knows.
func (d decoder) decodeScalar(node *yaml.Node, target reflect.Value, field string) error {
	var tags []string
	switch target.Kind() {
	case reflect.Bool:
		tags = []string{"!!bool"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		tags = []string{"!!int"}
	case reflect.Float32, reflect.Float64:
		tags = []string{"!!int", "!!float"}
	default:
		return fmt.Errorf("%s: a %s cannot be decoded", field, target.Type())
	}
	if node.Kind != yaml.ScalarNode || !slices.Contains(tags, node.Tag) {
		d.wrongType(node, target.Type(), field)
		return nil
	}
	if err := node.Decode(target.Addr().Interface()); err != nil {
		d.fault(node, field, node.Value+" is out of range", "write a smaller number")
	}
	return nil
}

func (d decoder) decodeDuration(node *yaml.Node, target reflect.Value, field string) error {
	if node.Kind != yaml.ScalarNode || node.Tag != "!!str" {
		d.wrongType(node, target.Type(), field)
		return nil
	}
	duration, err := time.ParseDuration(node.Value)
	if err != nil {
		d.wrongType(node, target.Type(), field)
		return nil
	}
	target.SetInt(int64(duration))
	return nil
}

func (d decoder) decodeText(node *yaml.Node, into encoding.TextUnmarshaler, field string) error {
	if node.Kind != yaml.ScalarNode {
		d.wrongType(node, reflect.TypeFor[string](), field)
		return nil
	}
	if err := into.UnmarshalText([]byte(node.Value)); err != nil {
		d.fault(node, field, fmt.Sprintf("%q cannot be used: %v", node.Value, err), "correct the value")
	}
	return nil
}

func (d decoder) decodeAny(node *yaml.Node, target reflect.Value, field string) error {
	if target.NumMethod() != 0 {
		return fmt.Errorf("%s: a %s cannot be decoded", field, target.Type())
	}
	if err := node.Decode(target.Addr().Interface()); err != nil {
		d.fault(node, field, fmt.Sprintf("it cannot be read: %v", err), "correct the value")
	}
	return nil
}

// decodeParams keeps the node for the check, which knows its fields.
func (d decoder) decodeParams(node *yaml.Node, target reflect.Value, field string) error {
	if isNull(node) {
		d.fault(node, field, "it has no value", "write the check's parameters, or remove the field")
		return nil
	}
	if node.Kind != yaml.MappingNode {
		d.fault(node, field, "it is "+describe(node), "write a mapping of the check's parameters")
		return nil
	}
	target.Set(reflect.ValueOf(Params{doc: document{file: d.file, root: node}, field: field}))
	return nil
}

func (d decoder) wrongType(node *yaml.Node, want reflect.Type, field string) {
	d.fault(node, field, "it is "+describe(node), "write "+article(want))
}

// article names a type as an author would, with its article.
func article(t reflect.Type) string {
	if t == reflect.TypeFor[text.Text]() {
		return "a text in both languages, {en: …, ja: …}"
	}
	if t == reflect.TypeFor[time.Duration]() {
		return `a duration such as "90s" or "5m"`
	}
	switch t.Kind() {
	case reflect.Pointer:
		return article(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "a mapping"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Interface:
		return "a value"
	default:
		return "a whole number"
	}
}

// describe says what a node is.
func describe(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	if node.Tag == "!!str" {
		return fmt.Sprintf("the string %q", node.Value)
	}
	return node.Value
}
