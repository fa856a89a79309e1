package kind

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	kindcluster "sigs.k8s.io/kind/pkg/cluster"

	"github.com/k8slab/k8slab/engine/cluster"
)

const (
	// poll is the time between two looks at a machine or at the API server.
	poll = 200 * time.Millisecond
	// cleanupTimeout bounds the removal of a cluster whose creation has failed.
	cleanupTimeout = time.Minute
)

// create makes the cluster. If that fails or is interrupted, the containers are removed. Containers that are left even
// then are removed by the next Ensure, because the description does not call the cluster complete.
func (p *Provider) create(ctx context.Context, e *engine, f folder, spec cluster.Spec, progress cluster.Progress) error {
	if err := e.checkResources(ctx, spec); err != nil {
		return err
	}
	begun := spec.Begun()
	images, err := nodeImages(begun)
	if err != nil {
		return err
	}
	d := &description{Spec: spec, Created: time.Now().UTC()}
	err = progress.Run("node-image", func() (string, error) {
		d.Version, err = e.ensureImages(ctx, begun, images)
		return d.Version, err
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	// If somebody removed the containers, their recorder still runs, with the old port and the old certificate
	// authority.
	if err := p.endRecorder(ctx, f); err != nil {
		return err
	}
	if err := f.begin(d); err != nil {
		return err
	}
	kp := kindcluster.NewProvider(e.option())
	if err := f.runKind(ctx, e, begun, images, progress); err != nil {
		return err
	}
	if d.Port, err = apiPort(kp, f.name()); err != nil {
		return err
	}
	err = progress.Run("certificates", func() (string, error) {
		return "", p.writeIdentities(ctx, e, f, d)
	})
	if err != nil {
		return err
	}
	d.Complete = true
	return f.writeDescription(d)
}

// begin removes what an earlier cluster of that name left, and writes the files that the new one reads.
func (f folder) begin(d *description) error {
	for _, left := range []string{
		f.recording(), f.audit(), f.path("power"), f.path("identities"), f.learnerKubeconfig(), f.loadedFile(),
		f.upgrades(), f.transitionFile(),
	} {
		if err := os.RemoveAll(left); err != nil {
			return err
		}
	}
	for _, dir := range []string{f.path("logs"), f.path("identities")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	if err := f.writeMachineFiles(); err != nil {
		return err
	}
	return f.writeDescription(d)
}

func (e *engine) option() kindcluster.ProviderOption {
	if e.command == "podman" {
		return kindcluster.ProviderWithPodman()
	}
	return kindcluster.ProviderWithDocker()
}

// runKind lets kind make the cluster. kind cannot be interrupted, but its containers can be removed while it works.
func (f folder) runKind(ctx context.Context, e *engine, spec cluster.Spec, images map[string]string, progress cluster.Progress) error {
	cfg, err := f.config(spec, images, e.info.cgroup)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(f.createLog(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	story := newStory(log, progress)
	kp := kindcluster.NewProvider(e.option(), kindcluster.ProviderWithLogger(story))
	ended := make(chan error, 1)
	go func() {
		ended <- kp.Create(cfg.Name,
			kindcluster.CreateWithV1Alpha4Config(cfg),
			kindcluster.CreateWithKubeconfigPath(f.identity("kind")),
			kindcluster.CreateWithDisplayUsage(false),
			kindcluster.CreateWithDisplaySalutation(false),
		)
	}()
	select {
	case err := <-ended:
		if err != nil {
			story.keep(err)
			return notMade(spec.Name, f.createLog(), err)
		}
		story.end()
		return nil
	case <-ctx.Done():
		e.abandon(context.WithoutCancel(ctx), cfg.Name, ended)
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return notMade(spec.Name, f.createLog(), ctx.Err())
		}
		return ctx.Err()
	}
}

// abandon removes the cluster's containers as long as kind makes new ones. The next Ensure removes those that remain.
func (e *engine) abandon(ctx context.Context, name string, ended <-chan error) {
	ctx, cancel := context.WithTimeout(ctx, cleanupTimeout)
	defer cancel()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for running := true; running; {
		select {
		case <-ended:
			running = false
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		containers, err := e.containers(ctx, name)
		if err == nil && len(containers) > 0 {
			_ = e.remove(ctx, containers)
		}
	}
}

// apiPort returns the port of loopback on which the API server answers.
func apiPort(kp *kindcluster.Provider, name string) (int, error) {
	raw, err := kp.KubeConfig(name, false)
	if err != nil {
		return 0, err
	}
	cfg, err := clientcmd.Load([]byte(raw))
	if err != nil {
		return 0, err
	}
	for _, c := range cfg.Clusters {
		server, err := url.Parse(c.Server)
		if err != nil {
			return 0, err
		}
		return strconv.Atoi(server.Port())
	}
	return 0, fmt.Errorf("kind's kubeconfig names no server")
}
