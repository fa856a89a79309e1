package object

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/text"
)

// celOf writes the parameters of a check of an object.
func celOf(expression string) string {
	return "object: {apiVersion: apps/v1, kind: Deployment, namespace: shop, name: web}\nwant: {en: wanted, ja: 期待}\nwhy: {en: matters, ja: 大事}\nexpression: " + expression + "\n"
}

func TestAnExpressionIsCompiledWhenALabIsLinked(t *testing.T) {
	list := strings.Replace(celOf("items.size() > 0"), "object: {apiVersion: apps/v1, kind: Deployment, namespace: shop, name: web}", "list: {apiVersion: v1, kind: Pod, selector: app=web}", 1)
	tests := map[string]struct {
		with string
		// want is all in the error; nothing means that it links.
		want []string
	}{
		"an expression of an object":            {celOf(`object.spec.replicas == 3 && baseline.metadata.uid == object.metadata.uid`), nil},
		"an expression of a list":               {list, nil},
		"Kubernetes' own libraries":             {celOf(`quantity(object.spec.cpu).isGreaterThan(quantity("100m")) && isURL(object.spec.url) && object.spec.list.isSorted()`), nil},
		"a field that may be absent":            {celOf(`object.metadata.?labels["team"].orValue("") == "shop"`), nil},
		"an age":                                {celOf(`now - timestamp(object.metadata.creationTimestamp) < duration("1h")`), nil},
		"a name that does not exist":            {celOf(`objekt.spec.replicas == 3`), []string{"step.yaml:4: expression: undeclared reference to 'objekt'", "column 1", "correct the CEL"}},
		"items of an object":                    {celOf(`items.size() > 0`), []string{"undeclared reference to 'items'"}},
		"what is no CEL":                        {celOf(`object.spec.replicas =! 3`), []string{"step.yaml:4: expression: ", "column"}},
		"what is neither true nor false":        {celOf(`1 + 1`), []string{"it returns a int", "write an expression that returns a bool"}},
		"three loops within each other":         {celOf(`object.a.all(x, object.b.all(y, object.c.all(z, x == y && y == z)))`), []string{"the limit is 1000000", "fewer loops"}},
		"two loops within each other":           {celOf(`object.a.all(x, object.b.exists(y, x == y))`), nil},
		"a pending that is no text":             {celOf("\"true\"\npending: \"1 == 1\""), []string{"step.yaml:5: pending: it returns a bool"}},
		"all that is wrong at once":             {celOf("\"nope\"\ngot: {en: \"nine\", ja: \"'ok'\"}\npending: \"ten\""), []string{"expression: undeclared", "got.en: undeclared", "pending: undeclared"}},
		"neither object nor list":               {"want: {en: a, ja: b}\nwhy: {en: a, ja: b}\nexpression: 'true'", []string{"neither an object nor a list"}},
		"an object and a list":                  {celOf(`"true"`) + "list: {apiVersion: v1, kind: Pod}", []string{"step.yaml:5: list: there is an object, too; remove one of them"}},
		"a text in one language":                {strings.Replace(celOf(`"true"`), ", ja: 大事", "", 1), []string{"why.ja: the field is missing"}},
		"a kind that is misspelt":               {strings.Replace(celOf(`"true"`), "kind: Deployment", "kind: Deploymnet", 1), []string{"object.kind: apps/v1 has no kind \"Deploymnet\"; did you mean Deployment?"}},
		"a kind of another group":               {strings.Replace(celOf(`"true"`), "apps/v1", "v1", 1), []string{"object.kind: v1 has no kind \"Deployment\"; write the apiVersion apps/v1"}},
		"a kind that only the cluster knows":    {strings.Replace(celOf(`"true"`), "apps/v1, kind: Deployment", "shop.test/v1, kind: Cart", 1), nil},
		"a version that is none":                {strings.Replace(celOf(`"true"`), "apps/v1", "a/b/c", 1), []string{`object.apiVersion: "a/b/c" is no version`}},
		"an object without its namespace":       {strings.Replace(celOf(`"true"`), "namespace: shop, ", "", 1), []string{"object.namespace: a Deployment has one; add it"}},
		"an expression of several lines":        {celOf("|\n  object.spec.replicas == 3 &&\n  nope"), []string{"line 2, column 1 of the expression"}},
		"what was found of another type":        {celOf("\"true\"\ngot: {en: \"1\", ja: \"'x'\"}"), []string{"got.en: it returns a int"}},
		"a list in a namespace where none is":   {strings.Replace(list, "kind: Pod", "kind: Node, namespace: shop", 1), []string{"list.namespace: a Node has none"}},
		"a list of all namespaces":              {strings.Replace(list, ", selector: app=web", "", 1), nil},
		"a selector that is none":               {strings.Replace(list, "app=web", "'app in web'", 1), []string{"label selector"}},
		"a parameter that does not exist":       {celOf(`"true"`) + "expresion: x", []string{"did you mean"}},
		"what was found, well said":             {celOf("\"object.spec.replicas == 2\"\ngot: {en: \"'it has ' + string(object.spec.replicas)\", ja: \"string(object.spec.replicas) + ' 個'\"}"), nil},
		"a pending that waits for the rollout":  {celOf("\"object.spec.replicas == 2\"\npending: \"object.status.?updatedReplicas.orValue(0) < object.spec.replicas ? 'the rollout' : ''\""), nil},
		"an expression that asks an authorizer": {celOf(`authorizer.group("").resource("pods").check("get").allowed()`), []string{"undeclared reference to 'authorizer'"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := bind(t, test.with)
			if len(test.want) == 0 && err != nil {
				t.Errorf("it does not link: %v", err)
			}
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %v, want %q in it", err, want)
				}
			}
		})
	}
}

// bind links cel/expression as a lab does.
func bind(t *testing.T, with string) error {
	t.Helper()
	v, err := checks.New(Definitions()...)
	if err != nil {
		t.Fatal(err)
	}
	params, err := content.ParseParams("10-drain/step.yaml", []byte(with))
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Bind(content.Check{ID: "it", Use: "cel/expression", With: params, At: content.Position{File: "10-drain/step.yaml", Line: 7}})
	return err
}

// evaluated compiles an expression of an object and evaluates it.
func evaluated(t *testing.T, expression string, object any) (bool, error) {
	t.Helper()
	p := celParams{Object: &celObject{APIVersion: "v1", Kind: "ConfigMap", Namespace: "shop", Name: "it"}, Expression: expression,
		Want: text.Text{EN: "a", JA: "b"}, Why: text.Text{EN: "a", JA: "b"}}
	c, err := p.compile(newCELEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	return c.holds.boolean(t.Context(), map[string]any{"object": object, "baseline": nil, "now": time.Now()})
}

func TestWhatIsMissingIsTheLearnersAndTheRestIsTheAuthors(t *testing.T) {
	object := map[string]any{"spec": map[string]any{"replicas": int64(3), "share": "50%", "list": []any{int64(1)}}}
	for name, c := range map[string]struct {
		expression string
		missing    bool
		says       string
	}{
		"a field that is not there":        {`object.spec.paused`, true, "no such key: paused"},
		"a label that is not there":        {`object.metadata.labels["app"] == "web"`, true, "no such key: metadata"},
		"an entry that is not there":       {`object.spec.list[1] == 1`, true, "index out of bounds: 1"},
		"a text compared with a number":    {`object.spec.share > 1`, false, "no such overload"},
		"a number that is no condition":    {`object.spec.replicas`, false, "returns a int, not a bool"},
		"a quantity that is none":          {`quantity(object.spec.share).isGreaterThan(quantity("1"))`, false, "cannot be evaluated"},
		"a field of what was not at start": {`baseline.metadata.uid == "x"`, true, "no such key: metadata"},
	} {
		t.Run(name, func(t *testing.T) {
			holds, err := evaluated(t, c.expression, object)
			if holds || err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("it is %v with the error %v, want %q", holds, err, c.says)
			}
			if _, missing := errors.AsType[missingFieldError](err); missing != c.missing {
				t.Errorf("the learner is held to account: %v, want %v", missing, c.missing)
			}
		})
	}
	if holds, err := evaluated(t, `object.spec.replicas == 3 && !has(object.spec.paused) && baseline == null`, object); !holds || err != nil {
		t.Errorf("it is %v with the error %v, want true", holds, err)
	}
}

func TestAnExpressionHasALimitAndAnEnd(t *testing.T) {
	var many []any
	for i := range 3000 {
		many = append(many, fmt.Sprint("entry ", i))
	}
	object := map[string]any{"list": many}
	const square = `object.list.all(x, object.list.exists(y, x == y))`
	if _, err := evaluated(t, square, object); err == nil || !strings.Contains(err.Error(), "costs more than the limit of 1000000") {
		t.Errorf("the error is %v, want the limit", err)
	}
	p := celParams{Object: &celObject{APIVersion: "v1", Kind: "ConfigMap", Namespace: "shop", Name: "it"}, Expression: square}
	c, err := p.compile(newCELEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.holds.boolean(over, map[string]any{"object": object})
	if err == nil || strings.Contains(err.Error(), "limit") {
		t.Errorf("the error is %v, want an interruption", err)
	}
	if _, missing := errors.AsType[missingFieldError](err); missing {
		t.Error("the learner is held to account for an interruption")
	}
}
