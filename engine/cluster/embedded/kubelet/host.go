package kubelet

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// hostFiles is what a container sees of its machine: the folders of hostPath volumes, where they are mounted, and the
// files that were created in them. Files that every machine has are not known.
type hostFiles struct {
	mounts []string
	files  []string
	// all are the machine's files, which a privileged container of a pod with hostPID reaches with nsenter; nil for
	// others.
	all []string
}

// onMachine names a file as the machine does: /var/run is a link to /run.
func onMachine(file string) string {
	file = path.Clean(file)
	if file == "/var/run" || strings.HasPrefix(file, "/var/run/") {
		return strings.TrimPrefix(file, "/var")
	}
	return file
}

// hostFilesOf returns what the container sees of the files that were created on its machine.
func hostFilesOf(pod *corev1.Pod, c container, files []string) hostFiles {
	seen := hostFiles{}
	for _, mount := range c.VolumeMounts {
		for _, volume := range pod.Spec.Volumes {
			if volume.Name != mount.Name || volume.HostPath == nil {
				continue
			}
			seen.mounts = append(seen.mounts, path.Clean(mount.MountPath))
			for _, file := range files {
				if rest, inside := below(onMachine(path.Join(volume.HostPath.Path, mount.SubPath)), onMachine(file)); inside {
					seen.files = append(seen.files, path.Join(mount.MountPath, rest))
				}
			}
		}
	}
	if s := c.SecurityContext; pod.Spec.HostPID && s != nil && s.Privileged != nil && *s.Privileged {
		seen.all = []string{}
		for _, file := range files {
			seen.all = append(seen.all, onMachine(file))
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
func (h hostFiles) knows(file string) bool {
	return slices.ContainsFunc(h.mounts, func(mount string) bool {
		_, inside := below(mount, path.Clean(file))
		return inside
	})
}

// find returns the names of the files at a path: itself, or those directly below it.
func (h hostFiles) find(file string) (names []string, exists bool) {
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

// answer answers ls, cat and test about files of the machine, and nsenter to its mount namespace. It is not known for
// other commands and files.
func (h hostFiles) answer(name string, args []string, env environment) outcome {
	if name == "nsenter" {
		return h.enter(args, env)
	}
	if name == "[" && len(args) > 0 && args[len(args)-1] == "]" {
		name, args = "test", args[:len(args)-1]
	}
	flags := 0
	for flags < len(args) && strings.HasPrefix(args[flags], "-") {
		flags++
	}
	if len(args) != flags+1 || !h.knows(args[flags]) {
		return outcome{}
	}
	file := args[flags]
	names, exists := h.find(file)
	isFile := exists && len(names) == 1 && names[0] == path.Clean(file)
	switch {
	case name == "test" && flags == 1:
		if exists && (args[0] != "-f" || isFile) && (args[0] != "-d" || !isFile) {
			return outcome{known: true}
		}
		return outcome{code: 1, known: true}
	case name == "ls" && exists && len(names) == 0:
		return outcome{known: true}
	case name == "ls" && exists:
		return answer(strings.Join(names, "\n"))
	case name == "cat" && isFile:
		return outcome{known: true}
	case name == "cat" && exists:
		return outcome{stderr: fmt.Sprintf("cat: %s: Is a directory\n", file), code: 1, known: true}
	case name == "cat":
		return outcome{stderr: fmt.Sprintf("cat: %s: No such file or directory\n", file), code: 1, known: true}
	case name == "ls":
		return outcome{stderr: fmt.Sprintf("ls: cannot access '%s': No such file or directory\n", file), code: 2, known: true}
	}
	return outcome{}
}

// enter answers a command in the machine's own namespaces, with which privileged pods such as Kured's work.
func (h hostFiles) enter(args []string, env environment) outcome {
	if h.all == nil {
		return outcome{stderr: "nsenter: cannot open /proc/1/ns/mnt: Permission denied\n", code: 1, known: true}
	}
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		option := args[0]
		args = args[1:]
		if option == "--" {
			break
		}
		if (option == "-t" || option == "--target") && len(args) > 0 {
			args = args[1:]
		}
	}
	env.host = hostFiles{mounts: []string{"/"}, files: h.all, all: h.all}
	for i, arg := range args {
		if strings.HasPrefix(arg, "/var/run/") {
			args = slices.Clone(args)
			args[i] = onMachine(arg)
		}
	}
	return runCommand(args, env)
}
