package checks

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/k8slab/k8slab/content"
)

func TestAVocabularyRefusesTwoChecksOfOneName(t *testing.T) {
	named := func(name string) Definition {
		return Define(name, Doc{}, func(context.Context, Env, struct{}) (Result, error) { return Result{}, nil })
	}
	if _, err := New(named("node/cordoned"), named("node/drained"), named("node/cordoned")); err == nil || !strings.Contains(err.Error(), "node/cordoned") {
		t.Errorf("the error is %v, want one that names node/cordoned", err)
	}
}

func TestADefinitionSaysWhatItNeedsAndChanges(t *testing.T) {
	plain := Define("test/plain", Doc{}, func(context.Context, Env, struct{}) (Result, error) { return Result{}, nil })
	d := plain.Needing(AuditLog, History).Changing(Nodes)
	if !slices.Equal(d.Needs, []Need{AuditLog, History}) || !slices.Equal(d.Changes, []Change{Nodes}) {
		t.Errorf("it needs %v and changes %v", d.Needs, d.Changes)
	}
	if plain.Needs != nil || plain.Changes != nil {
		t.Errorf("the definition it was made from needs %v and changes %v", plain.Needs, plain.Changes)
	}
}

func TestABoundCheckGetsItsParameters(t *testing.T) {
	type params struct {
		Word string `yaml:"word" doc:"A word." ja:"単語。"`
	}
	broken := errors.New("could not tell")
	v, err := New(Define("test/echo", Doc{}, func(_ context.Context, _ Env, p params) (Result, error) {
		return Result{Object: p.Word}, broken
	}))
	if err != nil {
		t.Fatal(err)
	}
	with, err := content.ParseParams("step.yaml", []byte("word: hello"))
	if err != nil {
		t.Fatal(err)
	}
	bound, err := v.Bind(content.Check{Use: "test/echo", With: with})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := bound.Run(t.Context(), Env{}); r.Object != "hello" || !errors.Is(err, broken) {
		t.Errorf("the check answers %v, %v", r, err)
	}
}
