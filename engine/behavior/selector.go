package behavior

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Selector selects containers. A container must meet all that is given, and something must be given.
type Selector struct {
	// Namespace of the pod; empty means every namespace.
	Namespace string `json:"namespace,omitempty"`
	// Labels of the pod.
	metav1.LabelSelector
	// Image of the container. Without tag and digest every tag and digest is meant.
	Image string `json:"image,omitempty"`
	// Container is the container's name.
	Container string `json:"container,omitempty"`
}

func (s *Selector) validate(at *field.Path) field.ErrorList {
	errs := validation.ValidateLabelSelector(&s.LabelSelector, validation.LabelSelectorValidationOptions{}, at)
	if s.Namespace == "" && s.Image == "" && s.Container == "" && len(s.MatchLabels)+len(s.MatchExpressions) == 0 {
		errs = append(errs, field.Required(at, "select by namespace, matchLabels, matchExpressions, image or container"))
	}
	return errs
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
