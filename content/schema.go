package content

import (
	"encoding"
	"fmt"
	"reflect"
	"time"

	"github.com/k8slab/k8slab/text"
)

// Schema is a JSON Schema, as much of it as describes lab.yaml and step.yaml. Editors read it, to complete and to
// complain while an author types; the parser of this package has the last word. It keeps to draft-07, the newest draft
// that yaml-language-server knows well: https://json-schema.org/draft-07/json-schema-validation.
type Schema struct {
	Schema      string `json:"$schema,omitempty"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Type        string `json:"type,omitempty"`
	// Const and Enum name all values that are allowed.
	Const string   `json:"const,omitempty"`
	Enum  []string `json:"enum,omitempty"`
	// EnumDescriptions, one for each of Enum, are shown by editors; JSON Schema does not know them.
	EnumDescriptions []string `json:"enumDescriptions,omitempty"`
	Pattern          string   `json:"pattern,omitempty"`
	MaxLength        int      `json:"maxLength,omitempty"`
	Minimum          *int     `json:"minimum,omitempty"`
	Maximum          *int     `json:"maximum,omitempty"`
	Items            *Schema  `json:"items,omitempty"`
	MinItems         int      `json:"minItems,omitempty"`
	UniqueItems      bool     `json:"uniqueItems,omitempty"`
	// Properties, Required and AdditionalProperties describe a mapping. AdditionalProperties is false or a *Schema.
	Properties           map[string]*Schema `json:"properties,omitempty"`
	Required             []string           `json:"required,omitempty"`
	AdditionalProperties any                `json:"additionalProperties,omitempty"`
	MinProperties        int                `json:"minProperties,omitempty"`
	AllOf                []*Schema          `json:"allOf,omitempty"`
	If                   *Schema            `json:"if,omitempty"`
	Then                 *Schema            `json:"then,omitempty"`
}

const draft07 = "http://json-schema.org/draft-07/schema#"

// CheckSchema is what a step's schema says of one check of the vocabulary.
type CheckSchema struct {
	// Name is what labs write behind use.
	Name string
	// Summary says what the check looks at.
	Summary text.Text
	// Params describes its parameters: a SchemaOf.
	Params *Schema
}

// LabSchema returns the schema of lab.yaml, with descriptions in lang. capabilities are those that a lab can require.
func LabSchema(lang text.Lang, capabilities []string) *Schema {
	s := SchemaOf(reflect.TypeFor[labYAML](), lang)
	s.Schema, s.Title = draft07, labFile
	s.at("id").matching(word.String(), maxWord)
	s.at("minutes").from(1, maxMinutes)
	for _, list := range []string{"needs", "requires", "exams", "history"} {
		s.at(list).UniqueItems = true
	}
	s.at("needs").Items.matching(word.String(), maxWord)
	s.at("requires").Items.Enum = capabilities
	s.at("learn").Items.at("url").Pattern = "^https://[^/@]+(/|$)"
	release := s.at("cluster", "release")
	release.Pattern = minor.String()
	served := s.at("cluster", "runtimeConfig")
	served.UniqueItems, served.Items.Pattern = true, groupVersion.String()
	node := s.at("cluster", "nodes").Items
	node.at("name").matching(word.String(), maxWord)
	node.at("zone").Pattern = labelValue.String()
	node.at("pool").Pattern = labelValue.String()
	node.at("version").Pattern = minor.String()
	oneLined(s.at("title"))
	oneLined(s.at("learn").Items.at("title"))
	return s
}

// StepSchema returns the schema of step.yaml, with descriptions in lang. A step can use the checks of the vocabulary,
// and require the capabilities.
func StepSchema(lang text.Lang, vocabulary []CheckSchema, capabilities []string) *Schema {
	s := SchemaOf(reflect.TypeFor[stepYAML](), lang)
	s.Schema, s.Title = draft07, stepFile
	s.at("points").from(1, maxPoints)
	s.at("requires").UniqueItems, s.at("requires").Items.Enum = true, capabilities
	s.at("cluster", "release").Pattern = minor.String()
	s.at("hints").Items.at("cost").from(0, maxPoints)
	for _, list := range []string{"checks", "invariants"} {
		check := s.at(list).Items
		check.at("id").matching(word.String(), maxWord)
		check.at("after").UniqueItems = true
		oneLined(check.at("title"))
		use := check.at("use")
		for _, c := range vocabulary {
			use.Enum = append(use.Enum, c.Name)
			use.EnumDescriptions = append(use.EnumDescriptions, c.Summary.In(lang))
			check.AllOf = append(check.AllOf, withOf(c))
		}
	}
	return s
}

// withOf says: if the check is used, then its parameters are these.
func withOf(c CheckSchema) *Schema {
	then := &Schema{Properties: map[string]*Schema{"with": c.Params}}
	if len(c.Params.Required) > 0 {
		then.Required = []string{"with"}
	}
	return &Schema{
		If:   &Schema{Properties: map[string]*Schema{"use": {Const: c.Name}}, Required: []string{"use"}},
		Then: then,
	}
}

// at returns the schema of the field at the path. It panics if there is none, which is a mistake in this file.
func (s *Schema) at(path ...string) *Schema {
	for _, name := range path {
		if s = s.Properties[name]; s == nil {
			panic(fmt.Sprintf("no field %s has a schema", name))
		}
	}
	return s
}

func (s *Schema) matching(pattern string, length int) { s.Pattern, s.MaxLength = pattern, length }

func (s *Schema) from(least, most int) { s.Minimum, s.Maximum = &least, &most }

// oneLined requires, as oneLine does, one line in both languages of a text.
func oneLined(s *Schema) {
	for _, lang := range text.Langs {
		s.at(string(lang)).Pattern = `^[^\n\t]*[^\n\t ][^\n\t]*$`
	}
}

// notBlank is the pattern that decodeString demands of a required string.
const notBlank = `\S`

// SchemaOf returns the schema of what [Params.Decode] takes for a value of the type, with descriptions from doc
// (English) and ja (Japanese) tags. It panics for a type that cannot be decoded, which is a mistake in the program.
func SchemaOf(of reflect.Type, lang text.Lang) *Schema { return schemaOf(of, lang, false) }

func schemaOf(of reflect.Type, lang text.Lang, optional bool) *Schema {
	required := 1
	if optional {
		required = 0
	}
	switch {
	case of == reflect.TypeFor[Params]():
		return &Schema{Type: "object"}
	case of == reflect.TypeFor[time.Duration]():
		return &Schema{Type: "string", Pattern: `^[-+]?(0|(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h))+$`}
	case reflect.PointerTo(of).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return &Schema{Type: "string"}
	}
	switch of.Kind() {
	case reflect.Pointer:
		return schemaOf(of.Elem(), lang, optional)
	case reflect.Struct:
		return structSchema(of, lang)
	case reflect.Slice:
		return &Schema{Type: "array", Items: schemaOf(of.Elem(), lang, false), MinItems: required}
	case reflect.Map:
		return &Schema{Type: "object", AdditionalProperties: schemaOf(of.Elem(), lang, true), MinProperties: required}
	case reflect.String:
		if optional {
			return &Schema{Type: "string"}
		}
		return &Schema{Type: "string", Pattern: notBlank}
	case reflect.Bool:
		return &Schema{Type: "boolean"}
	case reflect.Float32, reflect.Float64:
		return &Schema{Type: "number"}
	case reflect.Interface:
		return &Schema{}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &Schema{Type: "integer"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		zero := 0
		return &Schema{Type: "integer", Minimum: &zero}
	}
	panic(fmt.Sprintf("a %s cannot be decoded, so it has no schema", of))
}

func structSchema(of reflect.Type, lang text.Lang) *Schema {
	s := &Schema{Type: "object", Properties: map[string]*Schema{}, AdditionalProperties: false}
	fields, err := fieldsOf(reflect.New(of).Elem())
	if err != nil {
		panic(err)
	}
	for _, f := range fields {
		one := schemaOf(f.value.Type(), lang, f.optional)
		one.Description = f.doc.In(lang)
		s.Properties[f.name] = one
		if !f.optional {
			s.Required = append(s.Required, f.name)
		}
	}
	return s
}
