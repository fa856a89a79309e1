package kind

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/engine/cluster"
)

// ImageVariable names the node images to use instead of kind's own, separated by commas. For each release the image is
// taken whose tag begins with "v" and the release; an image without such a tag is taken for every release that has no
// image of its own.
const ImageVariable = "K8SLAB_KIND_NODE_IMAGE"

// officialImages are the images that kind publishes for the releases that labs use.
var officialImages = [...]string{"kindest/node:v1.36.3", "kindest/node:v1.37.2"}

// nodeImages returns the image of each release that the spec asks for.
func nodeImages(spec cluster.Spec) (map[string]string, error) {
	known, named := knownImages(), os.Getenv(ImageVariable)
	images := map[string]string{}
	for _, release := range releasesOf(spec) {
		image := imageOf(known, release)
		switch {
		case image == "" && named != "":
			return nil, noImage(spec.Name, release)
		case image == "":
			image = "kindest/node:v" + release + ".0"
		}
		images[release] = image
	}
	return images, nil
}

// knownImages returns the images that ImageVariable names, or kind's own.
func knownImages() []string {
	if named := os.Getenv(ImageVariable); named != "" {
		return strings.Split(named, ",")
	}
	return officialImages[:]
}

// releaseOfImage reads the release from the image's tag; "" if the tag names none.
func releaseOfImage(image string) string {
	name, _, _ := strings.Cut(strings.TrimSpace(image), "@")
	tag := name[strings.LastIndex(name, ":")+1:]
	if !strings.HasPrefix(tag, "v1.") {
		return ""
	}
	return releaseOf(tag)
}

// releasesOf returns the releases of the control plane and of the nodes.
func releasesOf(spec cluster.Spec) []string {
	releases := []string{spec.Release}
	for _, node := range spec.Nodes {
		if node.Version != "" && !slices.Contains(releases, node.Version) {
			releases = append(releases, node.Version)
		}
	}
	return releases
}

func imageOf(known []string, release string) string {
	general := ""
	for _, image := range known {
		image = strings.TrimSpace(image)
		switch releaseOfImage(image) {
		case release:
			return image
		case "":
			general = image
		}
	}
	return general
}

// ensureImages makes sure that the images are on this machine and hold their releases, and returns the version of the
// control plane's image.
func (e *engine) ensureImages(ctx context.Context, spec cluster.Spec, images map[string]string) (version string, err error) {
	for _, release := range releasesOf(spec) {
		image := images[release]
		if err := e.ensureImage(ctx, spec.Name, image); err != nil {
			return "", err
		}
		found, err := e.imageVersion(ctx, image)
		if err != nil {
			return "", err
		}
		if !strings.HasPrefix(found, "v"+release+".") {
			return "", wrongImage(e.command, image, found, release)
		}
		if release == spec.Release {
			version = found
		}
	}
	return version, nil
}

// ensureImage pulls an image that is not on this machine.
func (e *engine) ensureImage(ctx context.Context, lab, image string) error {
	if e.hasImage(ctx, image) {
		return nil
	}
	if _, err := e.run(ctx, "pull", "--quiet", image); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return notPulled(lab, image, err)
	}
	return nil
}

func (e *engine) hasImage(ctx context.Context, image string) bool {
	return e.imageID(ctx, image) != ""
}

// imageID returns the engine's id of the image; "" for an image that is not on this machine.
func (e *engine) imageID(ctx context.Context, image string) string {
	out, err := e.run(ctx, "image", "inspect", "--format", "{{.Id}}", image)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// cannotRun reports whether the engine failed to run a container, and not the container: Docker and Podman then exit
// with 125 or 126.
func cannotRun(err error) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	return ok && (exit.ExitCode() == 125 || exit.ExitCode() == 126)
}

// imageVersion reads the Kubernetes version of a node image from the file that kind reads
// (pkg/cluster/nodeutils/util.go, KubeVersion).
func (e *engine) imageVersion(ctx context.Context, image string) (string, error) {
	out, err := e.run(ctx, "run", "--rm", "--network", "none", "--entrypoint", "cat", image, "/kind/version")
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if cannotRun(err) {
			return "", notRun(e.command, image, err)
		}
		return "", notNodeImage(image, err)
	}
	return strings.TrimSpace(string(out)), nil
}
