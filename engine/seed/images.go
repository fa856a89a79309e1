package seed

import (
	"context"
	"fmt"
	"slices"

	"github.com/k8slab/k8slab/engine/cluster"
)

// loadImages gives the nodes the images of the step's starting state, if the nodes run real images. Every node must
// have power, because a node that is off cannot be given an image.
func (t Target) loadImages(ctx context.Context, sc *Scenario, report cluster.Progress) error {
	loader, ok := cluster.As[cluster.ImageLoader](t.Provider)
	if !ok {
		return nil
	}
	images := sc.images()
	return report.Run("images", func() (string, error) {
		return fmt.Sprint(len(images)), loader.LoadImages(ctx, t.Lab.ID, images)
	})
}

// images returns the images of all containers of the scenario, sorted.
func (s *Scenario) images() []string {
	var images []string
	for _, o := range s.objects {
		images = append(images, imagesIn(o.Object)...)
	}
	for _, o := range s.changes {
		images = append(images, imagesIn(o.Object)...)
	}
	slices.Sort(images)
	return slices.Compact(images)
}

// imagesIn returns the images of the pods and pod templates in value, however deep they are.
func imagesIn(value any) (images []string) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			images = append(images, imagesIn(item)...)
		}
	case map[string]any:
		for key, item := range v {
			if key == "containers" || key == "initContainers" {
				images = append(images, imagesOf(item)...)
				continue
			}
			images = append(images, imagesIn(item)...)
		}
	}
	return images
}

func imagesOf(containers any) (images []string) {
	list, _ := containers.([]any)
	for _, item := range list {
		container, _ := item.(map[string]any)
		if image, _ := container["image"].(string); image != "" {
			images = append(images, image)
		}
	}
	return images
}
