package checks

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// Doc says what a check is for, in every language.
type Doc struct {
	// Summary is one sentence about what the check looks at.
	Summary text.Text `json:"summary"`
	// Pass says when it passes, Fail when it fails and what it then says.
	Pass text.Text `json:"pass"`
	Fail text.Text `json:"fail"`
}

// Definition is one word of the vocabulary.
type Definition struct {
	// Name is what labs write behind use: "pdb/allows-eviction".
	Name string `json:"name"`
	Doc  Doc    `json:"doc"`
	// Needs are the capabilities that the cluster must have; where it lacks one the check cannot tell.
	Needs []Need `json:"needs,omitempty"`
	// Changes is what the task changes that the whole cluster shares: its owner is asked first. It is no part of the
	// documentation.
	Changes []Change `json:"-"`
	// Params in the order in which they are documented.
	Params []Param `json:"params"`
	// Package is the import path of the package that defines the check.
	Package string `json:"-"`

	params reflect.Type
	bind   func(content.Params) (Bound, error)
}

// Schema describes the parameters, for editors, with descriptions in lang.
func (d Definition) Schema(lang text.Lang) content.CheckSchema {
	return content.CheckSchema{Name: d.Name, Summary: d.Doc.Summary, Params: content.SchemaOf(d.params, lang)}
}

// Bound is a check with its parameters.
type Bound func(ctx context.Context, env Env) (Result, error)

// Run looks once. See Func.
func (b Bound) Run(ctx context.Context, env Env) (Result, error) { return b(ctx, env) }

// Validator is what a struct of parameters implements to refuse values that decode but make no sense. It is asked when
// a lab is linked, before there is any cluster. Each of the joined errors is one sentence that begins with the
// parameter's path and a colon, and may go on with a semicolon and what to write instead.
type Validator interface{ Validate() error }

// Define returns the definition of a check whose parameters are the struct P. Its fields are named by yaml tags and
// documented by doc (English) and ja (Japanese) tags; see content.Params for what can be decoded. P may be a Validator.
func Define[P any](name string, doc Doc, fn Func[P]) Definition {
	return DefinePrepared(name, doc, func(params P) (Bound, error) {
		if v, ok := any(params).(Validator); ok {
			if err := v.Validate(); err != nil {
				return nil, err
			}
		}
		return func(ctx context.Context, env Env) (Result, error) { return fn(ctx, env, params) }, nil
	})
}

// DefinePrepared is Define for a check that makes something of its parameters once, when a lab is linked, such as a
// program of an expression. The errors of prepare are written as those of a Validator.
func DefinePrepared[P any](name string, doc Doc, prepare func(P) (Bound, error)) Definition {
	return Definition{
		Name:   name,
		Doc:    doc,
		Params: paramsOf[P](), Package: definingPackage(),
		params: reflect.TypeFor[P](),
		bind: func(given content.Params) (Bound, error) {
			var params P
			if err := given.Decode(&params); err != nil {
				return nil, err
			}
			bound, err := prepare(params)
			if err != nil {
				return nil, placed(given, err)
			}
			return bound, nil
		},
	}
}

// Needing returns the definition of a check that cannot tell on a cluster that lacks one of the capabilities.
func (d Definition) Needing(needs ...Need) Definition {
	d.Needs = needs
	return d
}

// Changing returns the definition of a check that a learner passes only by changing what the whole cluster shares.
func (d Definition) Changing(changes ...Change) Definition {
	d.Changes = changes
	return d
}

// parameterPath is how an error of a Validator begins.
var parameterPath = regexp.MustCompile(`^[A-Za-z]\w*(\[\d+\])?(\.[A-Za-z]\w*(\[\d+\])?)*$`)

// placed adds to each joined error the file and line of the parameter that the error names.
func placed(given content.Params, err error) content.Errors {
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	var wrong content.Errors
	for _, one := range all {
		path, said, named := strings.Cut(one.Error(), ": ")
		if !named || !parameterPath.MatchString(path) {
			path, said = "", one.Error()
		}
		fault, fix, _ := strings.Cut(said, "; ")
		wrong = append(wrong, given.Wrong(path, fault, fix))
	}
	return wrong
}

// Vocabulary is the set of checks that labs can use. The zero value has none.
type Vocabulary struct {
	definitions []Definition
}

// New returns a vocabulary of the definitions, sorted by name. A name that is defined twice is an error.
func New(definitions ...Definition) (*Vocabulary, error) {
	sorted := slices.SortedStableFunc(slices.Values(definitions), func(a, b Definition) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(sorted); i++ {
		if sorted[i].Name == sorted[i-1].Name {
			return nil, fmt.Errorf("the check %s is defined twice", sorted[i].Name)
		}
	}
	return &Vocabulary{definitions: sorted}, nil
}

// Definitions returns all checks, sorted by name.
func (v *Vocabulary) Definitions() []Definition { return slices.Clone(v.definitions) }

// Lookup returns the check with the name. The error is a Problem that names the nearest one.
func (v *Vocabulary) Lookup(name string) (Definition, error) {
	for _, d := range v.definitions {
		if d.Name == name {
			return d, nil
		}
	}
	en := fmt.Sprintf("there is no check %q", name)
	ja := fmt.Sprintf("%q というチェックはありません", name)
	if near := v.nearest(name); near != "" {
		en += fmt.Sprintf("; did you mean %q?", near)
		ja += fmt.Sprintf("。%q のことでしょうか", near)
	}
	return Definition{}, problem.New(problem.Usage, text.Text{EN: en, JA: ja}, action.Do(action.ListChecks))
}

func (v *Vocabulary) nearest(name string) string {
	names := make([]string, len(v.definitions))
	for i, d := range v.definitions {
		names[i] = d.Name
	}
	if near, ok := text.Nearest(name, names); ok {
		return near
	}
	// A lab's author often remembers the second half only.
	for _, candidate := range names {
		if _, last, _ := strings.Cut(candidate, "/"); last == name {
			return candidate
		}
	}
	return ""
}

// Bind joins a lab's check to its definition. The error is a Problem of kind Content that names the file and line; its
// cause is content.Errors, with all that is wrong with the check.
func (v *Vocabulary) Bind(check content.Check) (Bound, error) {
	d, err := v.Lookup(check.Use)
	if err != nil {
		fix := "k8slab checks lists them"
		if near := v.nearest(check.Use); near != "" {
			fix = fmt.Sprintf("did you mean %q?", near)
		}
		return nil, at(check, action.Do(action.ListChecks), content.Errors{check.Wrong(fmt.Sprintf("there is no check %q", check.Use), fix, "use")})
	}
	bound, err := d.bind(check.With)
	if err != nil {
		return nil, at(check, action.Do(action.ListChecks).With("check", check.Use), err)
	}
	return bound, nil
}

// at says in which check the error is.
func at(check content.Check, next action.Action, err error) error {
	return problem.New(problem.Content, text.New("check %s: %v", "チェック %s: %v", check.ID, err), next).From(err)
}
