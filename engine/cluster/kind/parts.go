package kind

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// partsOf is where a machine keeps the programs of another version until they are installed.
func partsOf(version string) string { return "/opt/k8slab/" + version }

// programs are what kubeadm's instructions replace on a machine.
var programs = [...]string{"kubeadm", "kubelet", "kubectl"}

// exportImages starts containerd in an ordinary container of a node image, as kind does when it builds one, and writes the control plane's
// images into one archive.
const exportImages = `containerd >/tmp/k8slab-containerd.log 2>&1 &
for _ in $(seq 150); do
  if ctr version >/dev/null 2>&1; then break; fi
  sleep 0.2
done
ctr -n k8s.io images export /tmp/k8slab-images.tar $(kubeadm config images list --kubernetes-version "$1" 2>/dev/null)`

// bringParts copies the programs and the images of a version from its node image to machines that do not have them yet.
func (e *engine) bringParts(ctx context.Context, image, version string, machines []string) error {
	var lacking []string
	for _, machine := range machines {
		if _, err := e.exec(ctx, machine, "test", "-e", partsOf(version)+"/complete"); err != nil {
			lacking = append(lacking, machine)
		}
	}
	if len(lacking) == 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	dir, err := os.MkdirTemp("", "k8slab-parts-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := e.takeApart(ctx, image, version, dir); err != nil {
		return err
	}
	var all sync.WaitGroup
	errs := make([]error, len(lacking))
	for i, machine := range lacking {
		all.Go(func() { errs[i] = e.giveParts(ctx, machine, version, dir) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// takeApart writes the programs and the archive of images into dir.
func (e *engine) takeApart(ctx context.Context, image, version, dir string) error {
	out, err := e.run(ctx, "run", "--detach", "--network", "none", "--security-opt", "seccomp=unconfined", "--entrypoint", "sleep", image, "infinity")
	if err != nil {
		return err
	}
	opened := container{id: strings.TrimSpace(string(out)), image: image}
	defer func() { _ = e.remove(context.WithoutCancel(ctx), []container{opened}) }()
	if _, err := e.exec(ctx, opened.id, "bash", "-euc", exportImages, "export", version); err != nil {
		return err
	}
	for _, name := range programs {
		if _, err := e.run(ctx, "cp", opened.id+":/usr/bin/"+name, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	_, err = e.run(ctx, "cp", opened.id+":/tmp/k8slab-images.tar", filepath.Join(dir, "images.tar"))
	return err
}

// giveParts says last that they are complete.
func (e *engine) giveParts(ctx context.Context, machine, version, dir string) error {
	if _, err := e.exec(ctx, machine, "mkdir", "-p", partsOf(version)); err != nil {
		return err
	}
	for _, name := range programs {
		if _, err := e.run(ctx, "cp", filepath.Join(dir, name), machine+":"+partsOf(version)+"/"+name); err != nil {
			return err
		}
	}
	images, err := os.Open(filepath.Join(dir, "images.tar"))
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

// installKubeadm puts the version's kubeadm in its place.
func (e *engine) installKubeadm(ctx context.Context, machine, version string) error {
	_, err := e.exec(ctx, machine, "install", "-m", "755", partsOf(version)+"/kubeadm", "/usr/bin/kubeadm")
	return err
}

// replaceKubelet is what kubeadm leaves to whoever looks after a machine. The containers run on meanwhile.
const replaceKubelet = `systemctl stop kubelet
install -m 755 "$1/kubelet" /usr/bin/kubelet
install -m 755 "$1/kubectl" /usr/bin/kubectl
printf %s "$2" >/kind/version
systemctl daemon-reload
systemctl start kubelet`

func (e *engine) installKubelet(ctx context.Context, machine, version string) error {
	_, err := e.exec(ctx, machine, "bash", "-euc", replaceKubelet, "replace", partsOf(version), version)
	return err
}
