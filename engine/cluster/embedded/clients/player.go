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

	"github.com/k8slab/k8slab/engine/atomicfile"
	"github.com/k8slab/k8slab/engine/behavior"
	"github.com/k8slab/k8slab/engine/cluster/embedded/kubelet"
)

// clientsFile is the file of the state folder that holds the declared clients.
const clientsFile = "clients.json"

// mostLines bounds what is kept of a pod's log; of a longer one the older half goes.
const mostLines = 4000

// Player plays the clients of a cluster.
type Player struct {
	kinds  []Kind
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

// New returns a player of clients whose programs are of these kinds. It reads pods and ConfigMaps and makes tokens
// with config, and keeps what was declared in dir. Run plays.
func New(kinds []Kind, config *rest.Config, dir string, log *slog.Logger) (*Player, error) {
	own, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("simulated clients: %w", err)
	}
	p := &Player{
		kinds: kinds, config: config, own: own, file: filepath.Join(dir, clientsFile), log: log,
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
	if err := atomicfile.WriteUnsynced(p.file, data, atomicfile.Private); err != nil {
		return fmt.Errorf("simulated clients: %w", err)
	}
	p.all = slices.Clone(all)
	close(p.changed)
	p.changed = make(chan struct{})
	return nil
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
			if program := p.program(client); program != nil {
				callers.Go(func() { (&caller{player: p, client: client, program: program}).run(playing) })
			}
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
		stop()
		callers.Wait()
	}
}

// program returns the client's program, or nil if none of the kinds is declared.
func (p *Player) program(client behavior.Client) Program {
	for _, programOf := range p.kinds {
		if program := programOf(client); program != nil {
			return program
		}
	}
	p.log.Error("a simulated client declares no program that can be played", "client", client.Name)
	return nil
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
