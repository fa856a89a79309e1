package behavior

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/labels"
	apivalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	yamldocuments "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// document is how a behaviour is written.
type document struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec Spec `json:"spec"`
}

// Is reports whether an object of this version and kind is declared behaviour rather than one of the API's.
func Is(apiVersion, kind string) bool {
	return apiVersion == APIVersion && (kind == Kind || kind == ClientKind)
}

// Decode reads behaviours from YAML or JSON, strictly: a field that does not exist is an error. Each part may hold several
// documents; those of the kind SimulatedClient are left to DecodeClients. The error names every document and field that is wrong.
func Decode(parts ...[]byte) ([]Behavior, error) {
	var all []Behavior
	var errs []error
	err := eachDocument(parts, func(number int, kind metav1.TypeMeta, data []byte) {
		if kind.APIVersion == APIVersion && kind.Kind == ClientKind {
			return
		}
		b, err := decodeOne(data)
		if err != nil {
			errs = append(errs, fmt.Errorf("document %d: %w", number, err))
			return
		}
		all = append(all, b)
	})
	if err != nil {
		return nil, err
	}
	errs = append(errs, unique(all))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return all, nil
}

// eachDocument calls f for every document that is not empty, counted from 1. A document without a kind has an empty one.
func eachDocument(parts [][]byte, f func(number int, kind metav1.TypeMeta, data []byte)) error {
	number := 0
	for _, part := range parts {
		reader := yamldocuments.NewYAMLReader(bufio.NewReader(bytes.NewReader(part)))
		for {
			data, err := reader.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("read declared behaviour: %w", err)
			}
			if len(bytes.TrimSpace(data)) == 0 {
				continue
			}
			number++
			var kind metav1.TypeMeta
			_ = yaml.Unmarshal(data, &kind) // what is wrong with it is said where it is decoded
			f(number, kind, data)
		}
	}
	return nil
}

func decodeOne(data []byte) (Behavior, error) {
	var d document
	if err := yaml.UnmarshalStrict(data, &d); err != nil {
		return Behavior{}, err
	}
	if !Is(d.APIVersion, d.Kind) {
		return Behavior{}, fmt.Errorf("it is %s %s, not %s %s", d.APIVersion, d.Kind, APIVersion, Kind)
	}
	b := Behavior{Name: d.Metadata.Name, Spec: d.Spec}
	return b, b.Validate()
}

func unique(all []Behavior) error {
	names := map[string]bool{}
	for _, b := range all {
		if names[b.Name] {
			return fmt.Errorf("two simulated workloads are named %s", b.Name)
		}
		names[b.Name] = true
	}
	return nil
}

// Validate returns an error that names every field that is wrong.
func (b *Behavior) Validate() error {
	var errs field.ErrorList
	for _, problem := range apivalidation.IsDNS1123Subdomain(b.Name) {
		errs = append(errs, field.Invalid(field.NewPath("metadata", "name"), b.Name, problem))
	}
	spec := field.NewPath("spec")
	errs = append(errs, b.Spec.Selector.validate(spec.Child("selector"))...)
	errs = append(errs, b.Spec.Conduct.validate(spec)...)
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("simulated workload %q: %w", b.Name, errs.ToAggregate())
}

func (s *Selector) validate(at *field.Path) field.ErrorList {
	errs := validation.ValidateLabelSelector(&s.LabelSelector, validation.LabelSelectorValidationOptions{}, at)
	if s.Namespace == "" && s.Image == "" && s.Container == "" && len(s.MatchLabels)+len(s.MatchExpressions) == 0 {
		errs = append(errs, field.Required(at, "select by namespace, matchLabels, matchExpressions, image or container"))
	}
	return errs
}

func (c *Conduct) validate(at *field.Path) field.ErrorList {
	var errs field.ErrorList
	notNegative := func(at *field.Path, d *metav1.Duration) {
		if d != nil && d.Duration < 0 {
			errs = append(errs, field.Invalid(at, d.Duration.String(), "must not be negative"))
		}
	}
	exitCode := func(at *field.Path, code *int32) {
		if code != nil && (*code < 0 || *code > 255) {
			errs = append(errs, field.Invalid(at, *code, "must be between 0 and 255"))
		}
	}
	notNegative(at.Child("startDelay"), c.StartDelay)
	notNegative(at.Child("stopAfter"), c.StopAfter)
	exitCode(at.Child("stopExitCode"), c.StopExitCode)
	if c.IgnoresSIGTERM != nil && *c.IgnoresSIGTERM && c.StopAfter != nil {
		errs = append(errs, field.Forbidden(at.Child("stopAfter"), "an application that ignores SIGTERM never stops"))
	}
	errs = append(errs, c.Ready.validate(at.Child("ready"))...)
	errs = append(errs, c.Live.validate(at.Child("live"))...)
	errs = append(errs, c.Started.validate(at.Child("started"))...)
	if c.Crash != nil {
		notNegative(at.Child("crash", "after"), &c.Crash.After)
		exitCode(at.Child("crash", "exitCode"), c.Crash.ExitCode)
		if c.Crash.Times < 0 {
			errs = append(errs, field.Invalid(at.Child("crash", "times"), c.Crash.Times, "must not be negative"))
		}
	}
	if b := c.BackOff; b != nil && (b.Initial.Duration < time.Second || b.Max.Duration < b.Initial.Duration) {
		errs = append(errs, field.Invalid(at.Child("backOff"), b.Initial.Duration.String()+" to "+b.Max.Duration.String(),
			"initial must be 1s at least, and max not less than initial"))
	}
	if u := c.Usage; u != nil {
		if u.CPU != nil && u.CPU.Sign() < 0 {
			errs = append(errs, field.Invalid(at.Child("usage", "cpu"), u.CPU.String(), "must not be negative"))
		}
		if u.Memory != nil && u.Memory.Sign() < 0 {
			errs = append(errs, field.Invalid(at.Child("usage", "memory"), u.Memory.String(), "must not be negative"))
		}
	}
	return errs
}

func (p *Probe) validate(at *field.Path) field.ErrorList {
	if p == nil {
		return nil
	}
	var errs field.ErrorList
	if p.After.Duration < 0 {
		errs = append(errs, field.Invalid(at.Child("after"), p.After.Duration.String(), "must not be negative"))
	}
	if p.Never && (p.After.Duration != 0 || p.Failing != nil) {
		errs = append(errs, field.Forbidden(at.Child("never"), "a probe that never succeeds has neither after nor failing"))
	}
	if w := p.Failing; w != nil && (w.From.Duration < p.After.Duration || w.To != nil && w.To.Duration <= w.From.Duration) {
		errs = append(errs, field.Invalid(at.Child("failing"), w.From.Duration.String(), "from must not be before after, and to must be later than from"))
	}
	return errs
}

// For returns how a container behaves: what the behaviours that select it say, the later ones before the earlier ones,
// field by field.
func For(all []Behavior, namespace string, podLabels map[string]string, container, image string) Conduct {
	var c Conduct
	for _, b := range slices.Backward(all) {
		if b.Spec.Selector.Selects(namespace, podLabels, container, image) {
			c.fill(&b.Spec.Conduct)
		}
	}
	return c
}

// fill sets what is not set.
func (c *Conduct) fill(from *Conduct) {
	or(&c.StartDelay, from.StartDelay)
	or(&c.StopAfter, from.StopAfter)
	or(&c.StopExitCode, from.StopExitCode)
	or(&c.IgnoresSIGTERM, from.IgnoresSIGTERM)
	or(&c.Ready, from.Ready)
	or(&c.Live, from.Live)
	or(&c.Started, from.Started)
	or(&c.Crash, from.Crash)
	or(&c.ImagePull, from.ImagePull)
	or(&c.BackOff, from.BackOff)
	or(&c.Usage, from.Usage)
	if c.Logs == nil {
		c.Logs = from.Logs
	}
}

func or[T any](to **T, from *T) {
	if *to == nil {
		*to = from
	}
}

// Selects reports whether the selector selects the container of a pod.
func (s *Selector) Selects(namespace string, podLabels map[string]string, container, image string) bool {
	if s.Namespace != "" && s.Namespace != namespace || s.Container != "" && s.Container != container {
		return false
	}
	if s.Image != "" && s.Image != image && s.Image != repository(image) {
		return false
	}
	selector, err := metav1.LabelSelectorAsSelector(&s.LabelSelector)
	return err == nil && selector.Matches(labels.Set(podLabels))
}

// repository is the image's name without tag and digest.
func repository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndex(image, ":"); colon > strings.LastIndex(image, "/") {
		image = image[:colon]
	}
	return image
}
