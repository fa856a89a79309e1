package kubelet

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/template"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kwok/pkg/apis/internalversion"
	"sigs.k8s.io/kwok/pkg/apis/v1alpha1"
	"sigs.k8s.io/kwok/pkg/utils/lifecycle"
	sigsyaml "sigs.k8s.io/yaml"
)

// stepLabel is the label under which a pod's step is presented to the selectors of stages. It is never written to a pod.
const stepLabel = "k8slab.dev/step"

//go:embed stages.yaml
var stageFile []byte

// stages says for each step what to do and how long it takes.
type stages struct {
	lifecycle lifecycle.Lifecycle
}

// newStages reads kwok stages from YAML documents. It compiles them, so that matching afterwards only reads and may
// happen in several goroutines (lifecycle.Stage compiles when it is first matched).
func newStages(documents []byte) (*stages, error) {
	var all []*internalversion.Stage
	reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(documents)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read stages: %w", err)
		}
		var stage v1alpha1.Stage
		if err := sigsyaml.UnmarshalStrict(document, &stage); err != nil {
			return nil, fmt.Errorf("read stages: %w", err)
		}
		converted, err := internalversion.ConvertToInternalStage(&stage)
		if err != nil {
			return nil, fmt.Errorf("read stage %s: %w", stage.Name, err)
		}
		all = append(all, converted)
	}
	lc, err := lifecycle.NewLifecycle(all)
	if err != nil {
		return nil, fmt.Errorf("compile stages: %w", err)
	}
	s := &stages{lifecycle: lc}
	_, err = s.match(context.Background(), &corev1.Pod{}, waiting)
	return s, err
}

// match returns the stage for a pod at a step, and nil where there is none.
func (s *stages) match(ctx context.Context, pod *corev1.Pod, at step) (*lifecycle.Stage, error) {
	stage, err := s.lifecycle.Match(ctx, stageEvent(pod, at))
	if err != nil {
		return nil, fmt.Errorf("match stages: %w", err)
	}
	return stage, nil
}

func stageEvent(pod *corev1.Pod, at step) *lifecycle.Event {
	return &lifecycle.Event{
		Labels:      labels.Merge(pod.Labels, labels.Set{stepLabel: string(at)}),
		Annotations: pod.Annotations,
		Data:        pod,
	}
}

// renderer renders the templates of stages over a scene. kwok's own first turns the object into JSON and back and knows
// hundreds of functions; here templates call the scene's methods and nothing else.
type renderer struct{}

func (renderer) ToText(text string, scene any) ([]byte, error) {
	t, err := template.New("stage").Parse(text)
	if err != nil {
		return nil, fmt.Errorf("parse template of stage: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, scene); err != nil {
		return nil, fmt.Errorf("render template of stage: %w", err)
	}
	return b.Bytes(), nil
}

// ToJSON expects the template to render JSON already.
func (r renderer) ToJSON(text string, scene any) ([]byte, error) { return r.ToText(text, scene) }

func (r renderer) message(text string, s *scene) (string, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	out, err := r.ToText(text, s)
	return string(out), err
}
