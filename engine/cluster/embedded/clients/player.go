package clients

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/k8slab/k8slab/engine/cluster/embedded/behavior"
	"github.com/k8slab/k8slab/engine/cluster/embedded/kubelet"
)

// clientsFile is the file of the state folder that holds the declared clients.
const clientsFile = "clients.json"

// mostLines bounds what is kept of a pod's log; of a longer one the older half goes.
const mostLines = 4000

// Player plays the clients of a cluster.
type Player struct {
	config *rest.Config
	own    kubernetes.Interface
	file   string
	log    *slog.Logger

	mu      sync.Mutex
	all     []behavior.Client
	changed chan struct{}
	logs    map[types.UID]*podLog
}

// podLog is what a client wrote as one pod.
type podLog struct {
	lines []kubelet.Line
	more  chan struct{}
}

// New returns a player that reads pods and ConfigMaps and makes tokens with config, and keeps what was declared in dir. Run plays.
func New(config *rest.Config, dir string, log *slog.Logger) (*Player, error) {
	own, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("simulated clients: %w", err)
	}
	p := &Player{
		config: config, own: own, file: filepath.Join(dir, clientsFile), log: log,
		changed: make(chan struct{}), logs: map[types.UID]*podLog{},
	}
	data, err := os.ReadFile(p.file)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("simulated clients: %w", err)
	}
	if err := json.Unmarshal(data, &p.all); err != nil {
		return nil, fmt.Errorf("simulated clients: read %s: %w", p.file, err)
	}
	return p, nil
}

// Set replaces the clients. It survives a restart.
func (p *Player) Set(all []behavior.Client) error {
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("simulated clients: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := replaceFile(p.file, data); err != nil {
		return fmt.Errorf("simulated clients: %w", err)
	}
	p.all = slices.Clone(all)
	close(p.changed)
	p.changed = make(chan struct{})
	return nil
}

// replaceFile writes the file so that a reader finds either the old or the new content.
func replaceFile(file string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// Run plays until ctx ends.
func (p *Player) Run(ctx context.Context) {
	for ctx.Err() == nil {
		p.mu.Lock()
		all, changed := p.all, p.changed
		p.mu.Unlock()
		playing, stop := context.WithCancel(ctx)
		var callers sync.WaitGroup
		for _, client := range all {
			callers.Go(func() { (&caller{player: p, client: client}).run(playing) })
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
		stop()
		callers.Wait()
	}
}

// Written returns what a client wrote as the first container of the pod since a time; see kubelet.Config.
func (p *Player) Written(pod *corev1.Pod, container string, since time.Time) ([]kubelet.Line, <-chan struct{}) {
	if pod.Spec.Containers[0].Name != container {
		return nil, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	written := p.logOf(pod.UID)
	var lines []kubelet.Line
	for _, line := range written.lines {
		if !line.Time.Before(since) {
			lines = append(lines, line)
		}
	}
	return lines, written.more
}

// logOf wants p.mu to be held.
func (p *Player) logOf(pod types.UID) *podLog {
	written := p.logs[pod]
	if written == nil {
		written = &podLog{more: make(chan struct{})}
		p.logs[pod] = written
	}
	return written
}

func (p *Player) say(pod types.UID, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	written := p.logOf(pod)
	if len(written.lines) >= mostLines {
		written.lines = slices.Clone(written.lines[mostLines/2:])
	}
	written.lines = append(written.lines, kubelet.Line{Time: time.Now(), Text: text})
	close(written.more)
	written.more = make(chan struct{})
}
