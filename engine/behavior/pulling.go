package behavior

import "k8s.io/apimachinery/pkg/util/validation/field"

// Pulling says how pulling the container's image goes.
type Pulling struct {
	ImagePull *ImagePull `json:"imagePull,omitempty"`
}

// ImagePull is how pulling an image goes.
type ImagePull struct {
	Fails bool `json:"fails,omitempty"`
	// Message is what the container runtime says; empty means that the image was not found.
	Message string `json:"message,omitempty"`
}

func (*Pulling) validate(*field.Path) field.ErrorList { return nil }
