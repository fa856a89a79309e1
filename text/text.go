package text

import (
	"fmt"
	"strings"
)

// Lang is a language that k8slab speaks.
type Lang string

const (
	English  Lang = "en"
	Japanese Lang = "ja"
)

// Langs lists the languages in which every lab is written, in the order in which errors mention them.
var Langs = [...]Lang{English, Japanese}

// Text is one sentence or paragraph in every language. Both are required wherever a lab holds a Text.
type Text struct {
	EN string `yaml:"en" json:"en" doc:"In English." ja:"英語。"`
	JA string `yaml:"ja" json:"ja" doc:"In Japanese." ja:"日本語。"`
}

// New fills the same values into a sentence of each language, as fmt.Sprintf does. A sentence that needs the values in
// another order names them by index: %[2]s. Both sentences must use every value with the same verbs, which a test of
// internal/architecture compares. A value that is a Text or a List is filled in as each language has it.
func New(en, ja string, values ...any) Text {
	return Text{EN: fmt.Sprintf(en, in(English, values)...), JA: fmt.Sprintf(ja, in(Japanese, values)...)}
}

// in returns the values as they are said in lang.
func in(lang Lang, values []any) []any {
	said := make([]any, len(values))
	for i, value := range values {
		switch v := value.(type) {
		case Text:
			said[i] = v.In(lang)
		case *Text:
			said[i] = v.In(lang)
		case List:
			said[i] = v.Text().In(lang)
		default:
			said[i] = value
		}
	}
	return said
}

// Plain is a text that is the same in both languages, such as a name or the words of a program.
func Plain(s string) Text { return Text{EN: s, JA: s} }

// In returns the text in lang, and the English text for a language that is not known.
func (t Text) In(lang Lang) string {
	if lang == Japanese {
		return t.JA
	}
	return t.EN
}

// IsZero reports whether neither language has a text.
func (t Text) IsZero() bool { return t == Text{} }

// List is names that a sentence enumerates.
type List []string

// Text joins the names with the comma of each language.
func (l List) Text() Text { return Text{EN: strings.Join(l, ", "), JA: strings.Join(l, "、")} }

// Sentences joins findings into one text with the punctuation that each language puts between sentences.
func Sentences(found []Text) Text {
	en, ja := make([]string, len(found)), make([]string, len(found))
	for i, f := range found {
		en[i], ja[i] = f.EN, f.JA
	}
	return Text{EN: strings.Join(en, "; "), JA: strings.Join(ja, "。")}
}
