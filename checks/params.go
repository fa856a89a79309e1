package checks

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/k8slab/k8slab/text"
)

// Param documents one parameter of a check.
type Param struct {
	Name string `json:"name"`
	// Type in a lab author's words: "text", "number", "selector", "text in both languages", "list of text",
	// "list of objects".
	Type     string    `json:"type"`
	Optional bool      `json:"optional"`
	Doc      text.Text `json:"doc"`
	// Fields of an object, or of each object of a list.
	Fields []Param `json:"fields,omitempty"`
}

// paramsOf documents the struct P from the tags of its fields. It panics where one is not documented in both
// languages: that is a mistake in this package, and building the vocabulary shows it.
func paramsOf[P any]() []Param { return structParams(reflect.TypeFor[P]()) }

func structParams(of reflect.Type) []Param {
	params := []Param{}
	for _, field := range reflect.VisibleFields(of) {
		tag, tagged := field.Tag.Lookup("yaml")
		name, options, _ := strings.Cut(tag, ",")
		if !tagged || options == "inline" {
			continue
		}
		doc := text.Text{EN: field.Tag.Get("doc"), JA: field.Tag.Get("ja")}
		if doc.EN == "" || doc.JA == "" {
			panic(fmt.Sprintf("the parameter %s of %s is not documented in both languages", name, of))
		}
		p := Param{Name: name, Type: typeName(field.Type), Optional: options == "omitempty", Doc: doc}
		if inner := elementOf(field.Type); inner.Kind() == reflect.Struct && !isText(inner) && inner != reflect.TypeFor[text.Text]() {
			p.Fields = structParams(inner)
		}
		params = append(params, p)
	}
	return params
}

func typeName(of reflect.Type) string {
	switch {
	case of == reflect.TypeFor[Selector]():
		return "selector"
	case of == reflect.TypeFor[text.Text]():
		return "text in both languages"
	case isText(of):
		return "text"
	}
	switch of.Kind() {
	case reflect.Pointer:
		return typeName(of.Elem())
	case reflect.Slice:
		if of.Elem().Kind() == reflect.Struct && !isText(of.Elem()) {
			return "list of objects"
		}
		return "list of " + typeName(of.Elem())
	case reflect.Struct:
		return "object"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	default:
		return "number"
	}
}

func elementOf(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}

func isText(of reflect.Type) bool {
	return reflect.PointerTo(of).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// Selector selects objects by label, written as for kubectl --selector: "app=web,tier in (front,edge)". It never is
// empty: a check of everything in a namespace would be a mistake more often than meant.
type Selector struct {
	labels.Selector
}

// UnmarshalText parses kubectl's notation.
func (s *Selector) UnmarshalText(text []byte) error {
	parsed, err := labels.Parse(string(text))
	if err != nil {
		return fmt.Errorf("%q is no label selector such as app=web: %w", text, err)
	}
	if parsed.Empty() {
		return fmt.Errorf("the selector is empty; write one such as app=web")
	}
	s.Selector = parsed
	return nil
}
