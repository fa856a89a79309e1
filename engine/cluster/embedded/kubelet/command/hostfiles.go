package command

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// HostFiles is what a container sees of its machine: the folders of hostPath volumes, where they are mounted, and the
// files that were created in them. Files that every machine has are not known.
type HostFiles struct {
	mounts []string
	files  []string
	// all are the machine's files, which a privileged container of a pod with hostPID reaches with nsenter. Nil means
	// that the container may not.
	all []string
}

// OnMachine names a file as the machine does: /var/run is a link to /run.
func OnMachine(file string) string {
	file = path.Clean(file)
	if file == "/var/run" || strings.HasPrefix(file, "/var/run/") {
		return strings.TrimPrefix(file, "/var")
	}
	return file
}

// HostFilesOf returns what the container sees of the files that were created on its machine.
func HostFilesOf(pod *corev1.Pod, c *corev1.Container, files []string) HostFiles {
	seen := HostFiles{}
	for _, mount := range c.VolumeMounts {
		for _, volume := range pod.Spec.Volumes {
			if volume.Name != mount.Name || volume.HostPath == nil {
				continue
			}
			seen.mounts = append(seen.mounts, path.Clean(mount.MountPath))
			for _, file := range files {
				if rest, inside := below(OnMachine(path.Join(volume.HostPath.Path, mount.SubPath)), OnMachine(file)); inside {
					seen.files = append(seen.files, path.Join(mount.MountPath, rest))
				}
			}
		}
	}
	if s := c.SecurityContext; pod.Spec.HostPID && s != nil && s.Privileged != nil && *s.Privileged {
		seen.all = []string{}
		for _, file := range files {
			seen.all = append(seen.all, OnMachine(file))
		}
	}
	return seen
}

// below returns what comes after a folder in the name of a file inside it.
func below(folder, file string) (string, bool) {
	if folder == "/" {
		return file, true
	}
	rest, inside := strings.CutPrefix(file, folder)
	return rest, inside && (rest == "" || rest[0] == '/')
}

// knows reports whether the file is in a folder of the machine.
func (h HostFiles) knows(file string) bool {
	return slices.ContainsFunc(h.mounts, func(mount string) bool {
		_, inside := below(mount, path.Clean(file))
		return inside
	})
}

// find returns the names of the files at a path: itself, or those directly below it.
func (h HostFiles) find(file string) (names []string, exists bool) {
	file = path.Clean(file)
	for _, f := range h.files {
		rest, inside := below(file, f)
		switch {
		case !inside:
		case rest == "":
			return []string{file}, true
		default:
			name, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), len(names) > 0 || slices.Contains(h.mounts, file)
}

// isFile tells a file that find found from a folder.
func isFile(file string, names []string) bool {
	return len(names) == 1 && names[0] == path.Clean(file)
}

// argument returns the one file of the machine that a command is called with, and the flags before it. is is false if
// there are other arguments, or if the file is the container's own.
func (h HostFiles) argument(args []string) (file string, flags []string, is bool) {
	count := 0
	for count < len(args) && strings.HasPrefix(args[count], "-") {
		count++
	}
	if len(args) != count+1 || !h.knows(args[count]) {
		return "", nil, false
	}
	return args[count], args[:count], true
}
