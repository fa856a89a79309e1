package content_test

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/k8slab/k8slab/content"
)

type object struct {
	Kind string `yaml:"kind"`
	Name string `yaml:"name,omitempty"`
}

type place struct {
	Namespace string `yaml:"namespace"`
}

type params struct {
	place    `yaml:"-"`
	Place    place             `yaml:",inline"`
	Selector string            `yaml:"selector,omitempty"`
	Healthy  int32             `yaml:"healthy,omitempty"`
	Strict   *bool             `yaml:"strict,omitempty"`
	Within   time.Duration     `yaml:"within,omitempty"`
	Ratio    float64           `yaml:"ratio,omitempty"`
	Labels   map[string]string `yaml:"labels,omitempty"`
	Objects  []object          `yaml:"objects,omitempty"`
	Address  netip.Addr        `yaml:"address,omitempty"`
	Ignored  string
}

func parse(t *testing.T, text string) content.Params {
	t.Helper()
	p, err := content.ParseParams("step.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestParametersFillInAStruct(t *testing.T) {
	var got params
	err := parse(t, `
namespace: shop
selector: app=web
healthy: 2
strict: false
within: 90s
ratio: 0.5
labels: {tier: frontend, empty: ""}
objects:
  - {kind: Deployment, name: web}
  - {kind: Node}
address: 10.0.0.1
`).Decode(&got)
	if err != nil {
		t.Fatal(err)
	}
	no := false
	want := params{
		Place: place{Namespace: "shop"}, Selector: "app=web", Healthy: 2, Strict: &no, Within: 90 * time.Second, Ratio: 0.5,
		Labels:  map[string]string{"tier": "frontend", "empty": ""},
		Objects: []object{{Kind: "Deployment", Name: "web"}, {Kind: "Node"}},
		Address: netip.MustParseAddr("10.0.0.1"),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestParametersAreDecodedStrictly(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"an unknown field", "namespace: shop\nselectr: a", `step.yaml:2: selectr: there is no such field; did you mean "selector"?`},
		{"an unknown field in a list", "namespace: shop\nobjects:\n- {kind: Pod, nam: a}", `step.yaml:3: objects[0].nam: there is no such field; did you mean "name"?`},
		{"a missing field", "selector: a", `step.yaml:1: namespace: the field is missing; add it: a string`},
		{"a missing field in a list", "namespace: shop\nobjects:\n- name: a", `step.yaml:3: objects[0].kind: the field is missing; add it: a string`},
		{"an empty required string", "namespace: ''", `step.yaml:1: namespace: it is empty; write something`},
		{"a number for a string", "namespace: 1", `step.yaml:1: namespace: 1 is not a string in YAML; put it in quotes: "1"`},
		{"a boolean by its English name", "namespace: no", ``},
		{"a string for a number", "namespace: a\nhealthy: two", `step.yaml:2: healthy: it is the string "two"; write a whole number`},
		{"a fraction for a whole number", "namespace: a\nhealthy: 1.5", `step.yaml:2: healthy: it is 1.5; write a whole number`},
		{"a number that does not fit", "namespace: a\nhealthy: 4294967296", `step.yaml:2: healthy: 4294967296 is out of range; write a smaller number`},
		{"a duration without a unit", "namespace: a\nwithin: 90", `step.yaml:2: within: it is 90; write a duration such as "90s" or "5m"`},
		{"a list for a mapping", "namespace: a\nlabels: [b]", `step.yaml:2: labels: it is a list; write a mapping`},
		{"a mapping for a list", "namespace: a\nobjects: {kind: b}", `step.yaml:2: objects: it is a mapping; write a list`},
		{"a null", "namespace: a\nselector:", `step.yaml:2: selector: it has no value; write a string, or remove the field`},
		{"a field that is there by its Go name only", "namespace: a\nIgnored: b", `step.yaml:2: Ignored: there is no such field; use one of `},
		{"a value that its type refuses", "namespace: a\naddress: here", `step.yaml:2: address: "here" cannot be used: `},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := parse(t, c.text).Decode(&params{})
			if c.want == "" {
				if err != nil {
					t.Errorf("got %v, want no error: YAML 1.2 knows only true and false", err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestAllFaultsOfParametersAreReportedInOrder(t *testing.T) {
	err := parse(t, "healthy: x\nwithin: y\nz: 1").Decode(&params{})
	wrong, ok := errors.AsType[content.Errors](err)
	if !ok || len(wrong) != 4 {
		t.Fatalf("got %v, want four errors", err)
	}
	if wrong[3].Line != 3 || wrong[3].Column != 1 || wrong[3].File != "step.yaml" {
		t.Errorf("the last error stands at %+v", wrong[3].Position)
	}
}

func TestParametersOfALabKnowTheirPlace(t *testing.T) {
	lab, err := content.Load(validFiles(), "11-first")
	if err != nil {
		t.Fatal(err)
	}
	err = lab.Steps[0].Checks[1].With.Decode(&params{})
	if want := "11-first/10-drain/step.yaml:10: checks[1].with.namespace: the field is missing"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestParametersThatALabLeavesOutAreMissedWhereTheCheckStands(t *testing.T) {
	files := validFiles()
	inStep("    with: {nodes: [worker-1]}\n", "")(files)
	lab, err := content.Load(files, "11-first")
	if err != nil {
		t.Fatal(err)
	}
	with := lab.Steps[0].Invariants[0].With
	if !with.IsZero() {
		t.Error("there are parameters")
	}
	err = with.Decode(&params{})
	if want := "11-first/10-drain/step.yaml:13: invariants[0].with.namespace: the field is missing"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNoParametersSuitAStructThatNeedsNone(t *testing.T) {
	if err := (content.Params{}).Decode(&struct{}{}); err != nil {
		t.Errorf("the zero value: %v", err)
	}
	if err := parse(t, "# nothing\n").Decode(&object{}); err == nil {
		t.Error("a required field was not missed")
	}
}

func TestAStructThatCannotBeDecodedIsTheProgrammersFault(t *testing.T) {
	for name, into := range map[string]any{
		"no pointer": params{},
		"no struct":  new(int),
		"nil":        (*params)(nil),
		"a channel": &struct {
			C chan int `yaml:"c"`
		}{},
		"a map keyed by ints": &struct {
			C map[int]int `yaml:"c"`
		}{},
	} {
		t.Run(name, func(t *testing.T) {
			err := parse(t, "c: {a: b}").Decode(into)
			if _, lab := errors.AsType[content.Errors](err); err == nil || lab {
				t.Errorf("got %v, want an error that does not blame the lab", err)
			}
		})
	}
}
