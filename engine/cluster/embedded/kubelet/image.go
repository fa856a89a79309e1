package kubelet

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// qualifiedImage returns the image's name as containerd reports it: with registry, and with the tag latest where
// neither tag nor digest is given.
func qualifiedImage(image string) string {
	first, rest, hasPath := strings.Cut(image, "/")
	switch {
	case !hasPath:
		image = "docker.io/library/" + image
	case !strings.ContainsAny(first, ".:") && first != "localhost":
		image = "docker.io/" + image
	case first == "docker.io" && !strings.Contains(rest, "/"):
		image = "docker.io/library/" + rest
	}
	if !strings.Contains(image[strings.LastIndex(image, "/"):], ":") && !strings.Contains(image, "@") {
		image += ":latest"
	}
	return image
}

// imageID returns the digest reference that stands for the image. It is the same on every node and in every cluster.
func imageID(image string) string {
	name := qualifiedImage(image)
	if strings.Contains(name, "@") {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name[:strings.LastIndex(name, ":")] + "@sha256:" + hex.EncodeToString(sum[:])
}

// imageSize returns a plausible size in bytes, between 4 MB and 100 MB, that is always the same for an image.
func imageSize(image string) int64 {
	sum := sha256.Sum256([]byte("size of " + qualifiedImage(image)))
	return 4_000_000 + int64(binary.BigEndian.Uint64(sum[:8])%96_000_000)
}

// mustPull reports whether the container's image is fetched from the registry although the node may have it. The API
// server has filled in the policy.
func mustPull(container *corev1.Container) bool {
	return container.ImagePullPolicy == corev1.PullAlways
}
