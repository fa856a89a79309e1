package kind

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// EngineVariable names the engine, "docker" or "podman", where both are installed. It is kind's own.
const EngineVariable = "KIND_EXPERIMENTAL_PROVIDER"

// clusterLabel is kind's label on the containers of a cluster (pkg/cluster/internal/providers/docker/constants.go).
const clusterLabel = "io.x-k8s.kind.cluster"

// desktopMount is where Docker Desktop's virtual machine has the files of the machine below. The paths of a container's
// mounts are reported with it.
const desktopMount = "/host_mnt"

// askTimeout bounds the question whether the engine is there, because an engine may accept the question and never
// answer. On a busy machine an answer may take seconds.
const askTimeout = 15 * time.Second

// outputPatience is how long the processes that a command has started may keep its output open after the command has
// ended or was killed.
const outputPatience = time.Second

// powerOff is how many seconds a machine has to shut down in order.
const powerOff = "10"

// removeTries is how often the removal of a machine is tried.
const removeTries = 3

// thawAll takes the id of a container. find names a folder before the folders in it, the order in which they were
// frozen.
const thawAll = `find /freezer -path "*$1*" -name freezer.state | while read -r state; do echo THAWED >"$state"; done`

// engine is the program that runs containers, Docker or Podman. Its command is called, as kind does.
type engine struct {
	command string // "docker" or "podman"
	info    info
}

// info is what an engine says about itself.
type info struct {
	version string
	// cgroup is the version of the control groups: 1 or 2.
	cgroup int
	// memory of the machine that the containers run on, in bytes.
	memory uint64
}

func (e *engine) String() string { return title(e.command) + " " + e.info.version }

func title(command string) string {
	if command == "podman" {
		return "Podman"
	}
	return "Docker"
}

// locate finds the engine's command: the one that the environment names, or the first that is installed.
func locate(lab string) (*engine, error) {
	commands := []string{"docker", "podman"}
	if named := os.Getenv(EngineVariable); named != "" {
		if named != "docker" && named != "podman" {
			return nil, unknownEngine(lab, named)
		}
		commands = []string{named}
	}
	for _, command := range commands {
		if _, err := exec.LookPath(command); err == nil {
			return &engine{command: command}, nil
		}
	}
	return nil, noEngine(lab)
}

// findEngine returns the engine once it has answered. The error is a problem if there is no engine or it is too old.
func findEngine(ctx context.Context, lab string) (*engine, error) {
	e, err := locate(lab)
	if err != nil {
		return nil, err
	}
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if e.info, err = e.ask(asking); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if asking.Err() != nil {
			err = fmt.Errorf("nothing was said for %s", askTimeout)
		}
		return nil, noAnswer(e.command, runtime.GOOS, err)
	}
	if tooOld(e.command, e.info.version) {
		return nil, oldEngine(lab, e)
	}
	return e, nil
}

// ask reads the engine's answer to info. Docker and Podman say the same in different words.
func (e *engine) ask(ctx context.Context) (info, error) {
	if e.command == "podman" {
		return e.askPodman(ctx)
	}
	raw, err := e.run(ctx, "info", "--format", "{{json .}}")
	if err != nil {
		return info{}, err
	}
	var said struct {
		ServerVersion string
		CgroupVersion string
		MemTotal      uint64
		ServerErrors  []string
	}
	if err := json.Unmarshal(raw, &said); err != nil {
		return info{}, err
	}
	if len(said.ServerErrors) > 0 {
		return info{}, errors.New(said.ServerErrors[0])
	}
	return info{version: said.ServerVersion, cgroup: cgroupVersion(said.CgroupVersion), memory: said.MemTotal}, nil
}

func (e *engine) askPodman(ctx context.Context) (info, error) {
	raw, err := e.run(ctx, "info", "--format", "json")
	if err != nil {
		return info{}, err
	}
	var said struct {
		Host struct {
			CgroupVersion string `json:"cgroupVersion"`
			MemTotal      uint64 `json:"memTotal"`
		} `json:"host"`
		Version struct {
			Version string `json:"Version"`
		} `json:"version"`
	}
	if err := json.Unmarshal(raw, &said); err != nil {
		return info{}, err
	}
	return info{version: said.Version.Version, cgroup: cgroupVersion(said.Host.CgroupVersion), memory: said.Host.MemTotal}, nil
}

func cgroupVersion(said string) int {
	if strings.TrimPrefix(said, "v") == "1" {
		return 1
	}
	return 2
}

// run returns what the command writes to stdout. An error carries the last line of what it wrote to stderr.
func (e *engine) run(ctx context.Context, args ...string) ([]byte, error) {
	return e.runWith(ctx, nil, args...)
}

func (e *engine) runWith(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, e.command, args...)
	cmd.WaitDelay = outputPatience
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &errs
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return nil, fmt.Errorf("%s %s: %w: %s", e.command, args[0], err, lastLine(errs.String()))
	}
	return out.Bytes(), nil
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// container is a node's machine.
type container struct {
	id, name string
	// image is the id of the image that the container was made from.
	image    string
	running  bool
	pid      int
	exitCode int
	since    time.Time
	// mounted are the folders of this machine that are mounted into the container.
	mounted []string
}

// containers returns the containers that kind made for the cluster, running or not.
func (e *engine) containers(ctx context.Context, name string) ([]container, error) {
	out, err := e.run(ctx, "ps", "--all", "--quiet", "--no-trunc", "--filter", "label="+clusterLabel+"="+name)
	if err != nil {
		return nil, err
	}
	ids := strings.Fields(string(out))
	if len(ids) == 0 {
		return nil, nil
	}
	raw, err := e.run(ctx, append([]string{"inspect", "--type", "container"}, ids...)...)
	if err != nil {
		return nil, err
	}
	var inspected []struct {
		ID    string `json:"Id"`
		Name  string
		Image string
		State struct {
			Running   bool
			Pid       int
			ExitCode  int
			StartedAt time.Time
		}
		Mounts []struct{ Source string }
	}
	if err := json.Unmarshal(raw, &inspected); err != nil {
		return nil, fmt.Errorf("%s inspect: %w", e.command, err)
	}
	found := make([]container, 0, len(inspected))
	for _, one := range inspected {
		c := container{id: one.ID, name: strings.TrimPrefix(one.Name, "/"), image: one.Image, running: one.State.Running, exitCode: one.State.ExitCode}
		if c.running {
			c.pid, c.since = one.State.Pid, one.State.StartedAt
		}
		for _, mount := range one.Mounts {
			if path, found := strings.CutPrefix(mount.Source, desktopMount); found && filepath.IsAbs(path) {
				c.mounted = append(c.mounted, path)
			}
			c.mounted = append(c.mounted, mount.Source)
		}
		found = append(found, c)
	}
	return found, nil
}

func ids(containers []container) []string {
	var all []string
	for _, c := range containers {
		all = append(all, c.id)
	}
	return all
}

// start switches machines on. A machine that is on stays on.
func (e *engine) start(ctx context.Context, containers []container) error {
	if len(containers) == 0 {
		return nil
	}
	_, err := e.run(ctx, append([]string{"start"}, ids(containers)...)...)
	return err
}

// stop shuts machines down in order, all at the same time: the engine's command would stop one after the other.
func (e *engine) stop(ctx context.Context, containers []container) error {
	var all sync.WaitGroup
	errs := make([]error, len(containers))
	for i, c := range containers {
		all.Go(func() { _, errs[i] = e.run(ctx, "stop", "--time", powerOff, c.id) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// remove deletes containers with their volumes. A container that is gone already is no error.
func (e *engine) remove(ctx context.Context, containers []container) error {
	volumes, err := e.volumes(ctx, containers)
	if err != nil {
		return err
	}
	if err := e.removeContainers(ctx, containers); err != nil || len(volumes) == 0 {
		return err
	}
	_, err = e.run(ctx, append([]string{"volume", "rm", "--force"}, volumes...)...)
	return err
}

// volumes returns the volumes that Podman does not count as its containers' own: kind makes them itself, with the name
// of a machine as their label (pkg/cluster/internal/providers/podman/util.go).
func (e *engine) volumes(ctx context.Context, containers []container) ([]string, error) {
	if e.command != "podman" {
		return nil, nil
	}
	var all []string
	for _, c := range containers {
		if c.name == "" {
			continue
		}
		out, err := e.run(ctx, "volume", "ls", "--quiet", "--filter", "label="+c.name)
		if err != nil {
			return nil, err
		}
		all = append(all, strings.Fields(string(out))...)
	}
	return all, nil
}

func (e *engine) removeContainers(ctx context.Context, containers []container) error {
	for tries := 1; ; tries++ {
		_, failed := e.run(ctx, append([]string{"rm", "--force", "--volumes"}, ids(containers)...)...)
		if failed == nil {
			return nil
		}
		left, err := e.left(ctx, containers)
		if err != nil || len(left) > 0 && tries == removeTries {
			return errors.Join(failed, err)
		}
		if len(left) == 0 {
			return nil
		}
		e.thaw(ctx, left)
		containers = left
	}
}

// left returns those of the containers that still exist.
func (e *engine) left(ctx context.Context, containers []container) ([]container, error) {
	out, err := e.run(ctx, "ps", "--all", "--quiet", "--no-trunc")
	if err != nil {
		return nil, err
	}
	there := strings.Fields(string(out))
	return slices.DeleteFunc(slices.Clone(containers), func(c container) bool { return !slices.Contains(there, c.id) }), nil
}

// thaw lets machines end. With control groups of version 1 a frozen process does not end, not even by SIGKILL. A
// machine's runc freezes a pod for the moment in which it kills the pod, so a machine that is killed in that moment
// would stay for ever. Whether thawing helped is seen when the machines are removed again.
func (e *engine) thaw(ctx context.Context, containers []container) {
	if e.info.cgroup != 1 {
		return
	}
	for _, c := range containers {
		_, _ = e.run(ctx, "run", "--rm", "--privileged", "--network", "none", "--volume", "/sys/fs/cgroup/freezer:/freezer",
			"--entrypoint", "/bin/sh", c.image, "-c", thawAll, "thaw", c.id)
	}
}

// exec runs a command on a machine.
func (e *engine) exec(ctx context.Context, machine string, command ...string) ([]byte, error) {
	return e.run(ctx, append([]string{"exec", machine}, command...)...)
}
