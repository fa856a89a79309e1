package kubelet

import (
	"bufio"
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"text/template"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// stepLabel is the label under which a pod's step is presented to the selectors of stages. It is never written to a
// pod.
const stepLabel = "k8slab.dev/step"

//go:embed stages.yaml
var stageFile []byte

// stageDocument is how a stage is written: kwok's Stage (https://kwok.sigs.k8s.io/docs/user/stages-configuration/),
// as far as the simulated kubelet plays it. Every other field is an error.
type stageDocument struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		ResourceRef struct {
			APIGroup string `json:"apiGroup"`
			Kind     string `json:"kind"`
		} `json:"resourceRef"`
		Selector struct {
			MatchLabels map[string]string `json:"matchLabels"`
		} `json:"selector"`
		Weight int64 `json:"weight"`
		Delay  struct {
			DurationMilliseconds       int64  `json:"durationMilliseconds"`
			JitterDurationMilliseconds *int64 `json:"jitterDurationMilliseconds"`
		} `json:"delay"`
		Steps []struct {
			Event  *stageEvent `json:"event"`
			Delete bool        `json:"delete"`
			Patch  *stagePatch `json:"patch"`
		} `json:"steps"`
	} `json:"spec"`
}

type stageEvent struct {
	Type    string `json:"type"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// stagePatch is always a strategic merge patch of the status.
type stagePatch struct {
	Subresource string `json:"subresource"`
	Type        string `json:"type"`
	Template    string `json:"template"`
}

// stage says what to do at a step and how long it takes.
type stage struct {
	name     string
	selector labels.Selector
	weight   int64
	// A wait is drawn between delay and jitter. Without a jitter it is always delay.
	delay  time.Duration
	jitter *time.Duration
	acts   []act
}

// act does one thing of a stage: it sends an event, changes the pod's status, or removes the pod.
type act func(s *scene, o stageOutput) error

// stageOutput carries out what stages say.
type stageOutput struct {
	event  func(kind, reason, message string) error
	remove func() error
	// patch takes a strategic merge patch of the pod's status.
	patch func(data []byte) error
}

// stages are all that is played.
type stages []*stage

// newStages reads stages from YAML documents, strictly.
func newStages(documents []byte) (stages, error) {
	var all stages
	reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(documents)))
	for {
		data, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read stages: %w", err)
		}
		var document stageDocument
		if err := sigsyaml.UnmarshalStrict(data, &document); err != nil {
			return nil, fmt.Errorf("read stages: %w", err)
		}
		s, err := document.stage()
		if err != nil {
			return nil, fmt.Errorf("read stage %s: %w", document.Metadata.Name, err)
		}
		all = append(all, s)
	}
}

func (d *stageDocument) stage() (*stage, error) {
	s := &stage{
		name: d.Metadata.Name, selector: labels.SelectorFromSet(d.Spec.Selector.MatchLabels), weight: d.Spec.Weight,
		delay: time.Duration(d.Spec.Delay.DurationMilliseconds) * time.Millisecond,
	}
	if s.selector.Empty() {
		return nil, errors.New("it selects no step")
	}
	if ms := d.Spec.Delay.JitterDurationMilliseconds; ms != nil {
		s.jitter = new(time.Duration(*ms) * time.Millisecond)
	}
	for _, step := range d.Spec.Steps {
		var do act
		var err error
		switch {
		case step.Event != nil:
			do, err = step.Event.act()
		case step.Delete:
			do = func(_ *scene, o stageOutput) error { return o.remove() }
		case step.Patch != nil:
			do, err = step.Patch.act()
		default:
			err = errors.New("a step does nothing")
		}
		if err != nil {
			return nil, err
		}
		s.acts = append(s.acts, do)
	}
	return s, nil
}

func (e *stageEvent) act() (act, error) {
	message, err := template.New("message").Parse(e.Message)
	if err != nil {
		return nil, err
	}
	return func(s *scene, o stageOutput) error {
		text, err := render(message, s)
		if err != nil {
			return err
		}
		return o.event(e.Type, e.Reason, string(text))
	}, nil
}

func (p *stagePatch) act() (act, error) {
	if p.Subresource != "status" || p.Type != "strategic" {
		return nil, errors.New("a patch is a strategic one of the status")
	}
	patch, err := template.New("patch").Parse(p.Template)
	if err != nil {
		return nil, err
	}
	return func(s *scene, o stageOutput) error {
		data, err := render(patch, s)
		if err != nil {
			return err
		}
		return o.patch(data)
	}, nil
}

// render fills in a template, which calls the scene's methods and nothing else.
func render(t *template.Template, s *scene) ([]byte, error) {
	var b bytes.Buffer
	if err := t.Execute(&b, s); err != nil {
		return nil, fmt.Errorf("render template of stage: %w", err)
	}
	return b.Bytes(), nil
}

// match returns the stage for a pod at a step, and nil if there is none. Among several stages weights decide, and among
// stages without weights chance does.
func (all stages) match(pod *corev1.Pod, at step) *stage {
	presented := labels.Merge(pod.Labels, labels.Set{stepLabel: string(at)})
	var matching []*stage
	total := int64(0)
	for _, s := range all {
		if s.selector.Matches(presented) {
			matching = append(matching, s)
			total += s.weight
		}
	}
	switch {
	case len(matching) == 0:
		return nil
	case total == 0:
		return matching[rand.IntN(len(matching))]
	}
	drawn := rand.Int64N(total)
	for _, s := range matching {
		if drawn -= s.weight; drawn < 0 {
			return s
		}
	}
	return nil
}

// wait draws how long a pod is at the stage before it is played: the delay, or with a jitter between the two.
func (s *stage) wait() time.Duration {
	switch {
	case s.jitter == nil:
		return s.delay
	case *s.jitter <= s.delay:
		return *s.jitter
	}
	return s.delay + rand.N(*s.jitter-s.delay)
}

// perform does what the stage says from its done-th act on. It returns how many acts have been done, all of them unless
// there is an error.
func (s *stage) perform(done int, on *scene, o stageOutput) (int, error) {
	for ; done < len(s.acts); done++ {
		if err := s.acts[done](on, o); err != nil {
			return done, fmt.Errorf("stage %s: %w", s.name, err)
		}
	}
	return done, nil
}
