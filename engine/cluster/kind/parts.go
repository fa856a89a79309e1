package kind

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// partsOf is the folder in which a machine keeps the programs of another version until they are installed.
func partsOf(version string) string { return "/opt/k8slab/" + version }

// programs are the programs that kubeadm's instructions say to replace on a machine.
var programs = [...]string{"kubeadm", "kubelet", "kubectl"}

const (
	// startContainerd starts containerd in an ordinary container of a node image, as kind does when it builds one.
	startContainerd = `containerd >/tmp/k8slab-containerd.log 2>&1 &
for _ in $(seq 150); do
  if ctr version >/dev/null 2>&1; then break; fi
  sleep 0.2
done`
	// exportImages writes those of kubeadm's images that match a pattern into one archive.
	exportImages = `ctr -n k8s.io images export "$3" $(kubeadm config images list --kubernetes-version "$1" 2>/dev/null | grep -E "$2")`
)

// archives are the images that a machine is given, by whether it is the control plane's machine: the control plane's
// gets all images, another machine only the images that may run on any node, which are a third of them.
var archives = map[bool]struct{ name, pattern string }{
	true:  {"control-plane.tar", "."},
	false: {"node.tar", "/(kube-proxy|coredns|pause):"},
}

// partsLabel is on the container out of which a node image's parts are copied; its value is the cluster's folder. Such
// a container is no machine.
const partsLabel = "dev.k8slab.parts"

// takenApart is the folder that holds the parts until the machines have them.
func (f folder) takenApart() string { return f.path("parts") }

// bringParts copies the programs and the images of a version from its node image to machines that do not have them yet.
func (e *engine) bringParts(ctx context.Context, f folder, image, version string, machines []string) error {
	var lacking []string
	for _, machine := range machines {
		if _, err := e.exec(ctx, machine, "test", "-e", partsOf(version)+"/complete"); err != nil {
			lacking = append(lacking, machine)
		}
	}
	if len(lacking) == 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	if err := e.removeTakenApart(ctx, f); err != nil { // a killed command may have left some
		return err
	}
	defer func() { _ = e.removeTakenApart(context.WithoutCancel(ctx), f) }()
	if err := os.MkdirAll(f.takenApart(), 0o700); err != nil {
		return err
	}
	if err := e.takeApart(ctx, f, image, version, lacking); err != nil {
		return err
	}
	var all sync.WaitGroup
	errs := make([]error, len(lacking))
	for i, machine := range lacking {
		all.Go(func() { errs[i] = e.giveParts(ctx, f, machine, version) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// takeApart copies the programs and the archives that the machines need out of a container of the image.
func (e *engine) takeApart(ctx context.Context, f folder, image, version string, machines []string) error {
	out, err := e.run(ctx, "run", "--detach", "--label", partsLabel+"="+string(f), "--network", "none", "--security-opt", "seccomp=unconfined",
		"--entrypoint", "sleep", image, "infinity")
	if err != nil {
		return err
	}
	opened := strings.TrimSpace(string(out))
	if _, err := e.exec(ctx, opened, "bash", "-euc", startContainerd); err != nil {
		return err
	}
	for controlPlane, archive := range archives {
		if !slices.ContainsFunc(machines, func(machine string) bool { return f.isControlPlane(machine) == controlPlane }) {
			continue
		}
		path := "/tmp/" + archive.name
		if _, err := e.exec(ctx, opened, "bash", "-euo", "pipefail", "-c", exportImages, "export", version, archive.pattern, path); err != nil {
			return err
		}
		if _, err := e.run(ctx, "cp", opened+":"+path, filepath.Join(f.takenApart(), archive.name)); err != nil {
			return err
		}
	}
	for _, name := range programs {
		if _, err := e.run(ctx, "cp", opened+":/usr/bin/"+name, filepath.Join(f.takenApart(), name)); err != nil {
			return err
		}
	}
	return nil
}

// removeTakenApart removes the containers out of which parts were copied, and the parts.
func (e *engine) removeTakenApart(ctx context.Context, f folder) error {
	out, err := e.run(ctx, "ps", "--all", "--no-trunc", "--filter", "label="+partsLabel+"="+string(f), "--format", "{{.ID}} {{.Image}}")
	if err != nil {
		return err
	}
	var opened []container
	for line := range strings.Lines(string(out)) {
		id, image, _ := strings.Cut(strings.TrimSpace(line), " ")
		opened = append(opened, container{id: id, image: image})
	}
	if len(opened) > 0 {
		if err := e.remove(ctx, opened); err != nil {
			return err
		}
	}
	return os.RemoveAll(f.takenApart())
}

// giveParts copies the parts to the machine. What marks them as complete comes last.
func (e *engine) giveParts(ctx context.Context, f folder, machine, version string) error {
	if _, err := e.exec(ctx, machine, "mkdir", "-p", partsOf(version)); err != nil {
		return err
	}
	for _, name := range programs {
		if _, err := e.run(ctx, "cp", filepath.Join(f.takenApart(), name), machine+":"+partsOf(version)+"/"+name); err != nil {
			return err
		}
	}
	images, err := os.Open(filepath.Join(f.takenApart(), archives[f.isControlPlane(machine)].name))
	if err != nil {
		return err
	}
	defer images.Close()
	_, err = e.runWith(ctx, images, "exec", "--interactive", machine,
		"ctr", "-n", "k8s.io", "images", "import", "--label=io.cri-containerd.pinned=pinned", "--all-platforms", "--no-unpack", "--digests", "-")
	if err != nil {
		return err
	}
	_, err = e.exec(ctx, machine, "touch", partsOf(version)+"/complete")
	return err
}

// installKubeadm replaces the machine's kubeadm by the version's.
func (e *engine) installKubeadm(ctx context.Context, machine, version string) error {
	_, err := e.exec(ctx, machine, "bash", "-euc", replaceKubeadm, "replace", partsOf(version))
	return err
}

// A program is on the disk as a whole before it takes the place of another one: a full disk or a loss of power leaves
// the old program or the new one, and never none.
const (
	replaceKubeadm = `trap 'rm -f /usr/bin/.kubeadm.new' EXIT
install -m 755 "$1/kubeadm" /usr/bin/.kubeadm.new
sync /usr/bin/.kubeadm.new
mv -f /usr/bin/.kubeadm.new /usr/bin/kubeadm`

	// replaceKubelet does what kubeadm leaves to the administrator of a machine. The containers run on meanwhile, and
	// the kubelet is started again whatever fails.
	replaceKubelet = `trap 'rm -f /usr/bin/.kubelet.new /usr/bin/.kubectl.new /kind/.version.new; systemctl start kubelet' EXIT
install -m 755 "$1/kubelet" /usr/bin/.kubelet.new
install -m 755 "$1/kubectl" /usr/bin/.kubectl.new
printf %s "$2" >/kind/.version.new
sync /usr/bin/.kubelet.new /usr/bin/.kubectl.new /kind/.version.new
systemctl stop kubelet
mv -f /usr/bin/.kubelet.new /usr/bin/kubelet
mv -f /usr/bin/.kubectl.new /usr/bin/kubectl
mv -f /kind/.version.new /kind/version
systemctl daemon-reload`
)

func (e *engine) installKubelet(ctx context.Context, machine, version string) error {
	_, err := e.exec(ctx, machine, "bash", "-euc", replaceKubelet, "replace", partsOf(version), version)
	return err
}
