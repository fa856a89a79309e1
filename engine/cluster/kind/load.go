package kind

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"

	kindcluster "sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/cluster/nodes"
	"sigs.k8s.io/kind/pkg/cluster/nodeutils"

	"github.com/k8slab/k8slab/engine/cluster/private"
)

// loadedFile is the path of the file that holds a loaded.
func (f folder) loadedFile() string { return f.path("loaded.json") }

// LoadImages implements cluster.ImageLoader: images that the engine has are copied to the nodes, and the nodes pull the
// others themselves.
func (p *Provider) LoadImages(ctx context.Context, name string, images []string) error {
	e, containers, err := p.find(ctx, name)
	if err != nil {
		return err
	}
	f := p.folder(name)
	before, err := f.readLoaded()
	if err != nil {
		return err
	}
	local := map[string]string{}
	for _, image := range images {
		if id := e.imageID(ctx, image); id != "" {
			local[image] = id
		}
	}
	known, err := kindcluster.NewProvider(e.option()).ListInternalNodes(f.name())
	if err != nil {
		return err
	}
	now, wanted := loaded{}, map[string]bool{}
	var lacking []nodes.Node
	for _, c := range containers {
		now[c.id] = before[c.id]
		if !c.running || f.isControlPlane(c.name) {
			continue // no pod of a lab runs on the control plane
		}
		news := now[c.id].lacks(local)
		if len(news) == 0 {
			continue
		}
		for _, image := range news {
			wanted[image] = true
		}
		if now[c.id] == nil {
			now[c.id] = onMachine{}
		}
		maps.Copy(now[c.id], local)
		lacking = append(lacking, known[slices.IndexFunc(known, func(n nodes.Node) bool { return n.String() == c.name })])
	}
	if len(lacking) == 0 {
		return nil
	}
	if err := e.load(ctx, slices.Sorted(maps.Keys(wanted)), lacking); err != nil {
		return err
	}
	return private.WriteJSON(f.loadedFile(), now)
}

// loaded maps a container's id to the images that it was given, and onMachine an image's name to the engine's id of it.
type (
	loaded    map[string]onMachine
	onMachine map[string]string
)

// lacks returns the names of the images that the machine does not have, or has with another id.
func (m onMachine) lacks(images map[string]string) []string {
	var names []string
	for image, id := range images {
		if m[image] != id {
			names = append(names, image)
		}
	}
	return names
}

func (f folder) readLoaded() (loaded, error) {
	raw, err := os.ReadFile(f.loadedFile())
	if errors.Is(err, fs.ErrNotExist) {
		return loaded{}, nil
	}
	if err != nil {
		return nil, err
	}
	var l loaded
	if json.Unmarshal(raw, &l) != nil {
		return loaded{}, nil // the images are loaded again, as if nothing had been loaded
	}
	return l, nil
}

// load saves the images once, and gives them to all machines at the same time.
func (e *engine) load(ctx context.Context, images []string, machines []nodes.Node) error {
	archive, err := os.CreateTemp("", "k8slab-image-*.tar")
	if err != nil {
		return err
	}
	archive.Close()
	defer os.Remove(archive.Name())
	command := []string{"save", "--output", archive.Name()}
	if e.command == "podman" {
		command = append(command, "--multi-image-archive") // Docker does so without a flag
	}
	if _, err := e.run(ctx, append(command, images...)...); err != nil {
		return err
	}
	var all sync.WaitGroup
	errs := make([]error, len(machines))
	for i, machine := range machines {
		all.Go(func() { errs[i] = loadArchive(machine, archive.Name()) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func loadArchive(machine nodes.Node, path string) error {
	archive, err := os.Open(path)
	if err != nil {
		return err
	}
	defer archive.Close()
	return nodeutils.LoadImageArchive(machine, archive)
}
