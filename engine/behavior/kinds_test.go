package behavior

import (
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Humming is a kind of behaviour that nobody else knows: a type of its own, and one more line of the list.
type Humming struct {
	Hum *string `json:"hum,omitempty"`
}

func (h *Humming) validate(at *field.Path) field.ErrorList {
	if h.Hum != nil && *h.Hum == "" {
		return field.ErrorList{field.Required(at.Child("hum"), "a tune")}
	}
	return nil
}

// conductWithHumming is Conduct with the line added.
type conductWithHumming struct {
	Conduct
	Humming
}

func (c *conductWithHumming) validate(at *field.Path) field.ErrorList { return validateKinds(c, at) }

func TestAKindOfBehaviourIsAddedByBeingListed(t *testing.T) {
	decode := func(spec string) conductWithHumming {
		d, err := decodeDocument[conductWithHumming]([]byte(workload(spec)))
		if err != nil {
			t.Fatal(err)
		}
		return d.Spec
	}
	wrong := decode("  stopAfter: -1s\n  hum: ''\n")
	err := wrong.validate(field.NewPath("spec")).ToAggregate()
	for _, want := range []string{"spec.stopAfter", "spec.hum: Required value: a tune"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want it to say %s", err, want)
		}
	}
	later, earlier := decode("  stopAfter: 5s\n"), decode("  stopAfter: 40s\n  hum: la\n")
	fill(&later, &earlier)
	if later.Hum == nil || *later.Hum != "la" || later.StopAfter.Seconds() != 5 {
		t.Errorf("stops after %v, hums %v", later.StopAfter, later.Hum)
	}
	_, misspelt := decodeDocument[conductWithHumming]([]byte(workload("  hums: la\n")))
	if misspelt == nil || !strings.Contains(misspelt.Error(), `unknown field "hums"`) {
		t.Errorf("a misspelt field gives %v", misspelt)
	}
}

// Polling is a program of clients that nobody else knows.
type Polling struct {
	Poll *string `json:"poll,omitempty"`
}

func (*Polling) validate(*field.Path) field.ErrorList { return nil }

func TestAProgramIsAddedByBeingListed(t *testing.T) {
	type programsWithPolling struct {
		Applying
		Polling
	}
	d, err := decodeDocument[programsWithPolling]([]byte(workload("  poll: /healthz\n")))
	if err != nil || declared(&d.Spec) != 1 || *d.Spec.Poll != "/healthz" {
		t.Errorf("programs %+v, %v", d.Spec, err)
	}
}

func TestEveryFieldOfAKindCanBeLeftOut(t *testing.T) {
	for _, list := range []any{&Conduct{}, &Programs{}} {
		for _, k := range kindsOf(list) {
			for of, i := reflect.TypeOf(k).Elem(), 0; i < of.NumField(); i++ {
				if f := of.Field(i).Type.Kind(); f != reflect.Pointer && f != reflect.Slice {
					t.Errorf("%v.%s is a %v, which is never nil", of, of.Field(i).Name, f)
				}
			}
		}
	}
}

func TestEveryDocumentIsCheckedByItsKind(t *testing.T) {
	wrong := workload("  selector: {namespace: shop}\n  stopAfter: -1s\n") + "---\n" + strings.Replace(client, "10s", "10ms", 1)
	err := Check([]byte(wrong))
	for _, want := range []string{
		`document 1: simulated workload "it": spec.stopAfter`, `document 2: simulated client "ci-bot": spec.every`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want it to say %s", err, want)
		}
	}
}

func TestAClientHasAProgram(t *testing.T) {
	_, err := DecodeClients([]byte(strings.Replace(client, "  apply: {configMap: manifests}\n", "", 1)))
	if err == nil || !strings.Contains(err.Error(), `spec.apply.configMap: Invalid value: ""`) {
		t.Errorf("error %v", err)
	}
}
