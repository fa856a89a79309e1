package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/problem"
)

// Doc says what a check is for, in every language.
type Doc struct {
	// Summary is one sentence about what the check looks at.
	Summary content.Text `json:"summary"`
	// Pass says when it passes, Fail when it fails and what it then says.
	Pass content.Text `json:"pass"`
	Fail content.Text `json:"fail"`
}

// Definition is one word of the vocabulary.
type Definition struct {
	// Name is what labs write behind use: "pdb/allows-eviction".
	Name string `json:"name"`
	Doc  Doc    `json:"doc"`
	// Params in the order in which they are documented.
	Params []Param `json:"params"`

	bind func(content.Params) (Bound, error)
}

// Bound is a check with its parameters.
type Bound func(ctx context.Context, env Env) (Result, error)

// Run looks once. See Func.
func (b Bound) Run(ctx context.Context, env Env) (Result, error) { return b(ctx, env) }

// validator is what a struct of parameters implements to refuse values that decode but make no sense. It is asked when
// a lab is linked, before there is any cluster. The error is one sentence that names the parameter.
type validator interface{ Validate() error }

// Define returns the definition of a check whose parameters are the struct P. Its fields are named by yaml tags and
// documented by doc (English) and ja (Japanese) tags; see content.Params for what can be decoded.
func Define[P any](name string, doc Doc, fn Func[P]) Definition {
	return Definition{
		Name:   name,
		Doc:    doc,
		Params: paramsOf[P](),
		bind: func(given content.Params) (Bound, error) {
			var params P
			if err := given.Decode(&params); err != nil {
				return nil, err
			}
			if v, ok := any(params).(validator); ok {
				if err := v.Validate(); err != nil {
					return nil, content.Errors{{Position: given.At(), Field: "with", Problem: err.Error()}}
				}
			}
			return func(ctx context.Context, env Env) (Result, error) { return fn(ctx, env, params) }, nil
		},
	}
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
	return Definition{}, problem.New(problem.Usage, en, ja, "k8slab checks")
}

func (v *Vocabulary) nearest(name string) string {
	names := make([]string, len(v.definitions))
	for i, d := range v.definitions {
		names[i] = d.Name
	}
	if near, ok := content.Nearest(name, names); ok {
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
// cause is content.Errors where the parameters are at fault.
func (v *Vocabulary) Bind(check content.Check) (Bound, error) {
	d, err := v.Lookup(check.Use)
	if err != nil {
		return nil, at(check, err)
	}
	bound, err := d.bind(check.With)
	if err != nil {
		return nil, at(check, err)
	}
	return bound, nil
}

// at says in which check of which file the error is.
func at(check content.Check, err error) error {
	en, ja := err.Error(), err.Error()
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		en, ja = p.What.EN, p.What.JA
	}
	next := "k8slab checks"
	if _, ok := errors.AsType[content.Errors](err); ok {
		next = "k8slab checks " + check.Use
	} else if check.At != (content.Position{}) {
		en, ja = check.At.String()+": "+en, check.At.String()+": "+ja
	}
	return problem.New(problem.Content,
		fmt.Sprintf("check %s: %s", check.ID, en),
		fmt.Sprintf("チェック %s: %s", check.ID, ja), next).From(err)
}
