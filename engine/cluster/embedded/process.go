package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/k8slab/k8slab/engine/cluster"
)

const (
	// firstBackoff is doubled with each crash up to lastBackoff, and starts over after steadyAfter without one.
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 10 * time.Second
	steadyAfter  = 30 * time.Second
	// termGrace is how long a component may take to end after SIGTERM.
	termGrace = 8 * time.Second
)

const (
	stateRunning = "running"
	stateStopped = "stopped"
	stateCrashed = "crashed"
)

// process keeps one component running while it is wanted.
type process struct {
	name string
	env  []string
	// output is the file that the component writes its log to; log is the supervisor's own.
	output string
	log    *slog.Logger
	// onChange is called after each change of state, without locks held.
	onChange func()

	mu      sync.Mutex
	path    string
	args    []string
	status  cluster.Component
	wanted  bool
	renew   bool          // the process that runs is to end, and another to start at once
	kick    chan struct{} // wakes run after wanted or renew changed
	stopped chan struct{} // closed while no process runs and none is wanted
}

func newProcess(name, path string, args, env []string, output string, log *slog.Logger, onChange func()) *process {
	p := &process{
		name: name, path: path, args: args, env: env, output: output, log: log.With("component", name), onChange: onChange,
		kick: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
	close(p.stopped)
	p.status = cluster.Component{Name: name, State: stateStopped, Since: time.Now()}
	return p
}

func (p *process) snapshot() cluster.Component {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// replace says what is run from the next start on.
func (p *process) replace(path string, args []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.path, p.args = path, args
}

func (p *process) command() *exec.Cmd {
	p.mu.Lock()
	defer p.mu.Unlock()
	return exec.Command(p.path, p.args...)
}

// want starts or stops the component; it returns at once. The channel is closed when the component has stopped.
func (p *process) want(running bool) (stopped <-chan struct{}) {
	p.mu.Lock()
	if running && !p.wanted {
		p.stopped = make(chan struct{})
	}
	p.wanted = running
	ch := p.stopped
	p.mu.Unlock()
	p.wake()
	return ch
}

func (p *process) wake() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// restart ends the component, if it runs, and starts it again at once. It returns before that is done. A component that
// is not wanted stays as it is.
func (p *process) restart() {
	p.mu.Lock()
	p.renew = p.wanted
	p.mu.Unlock()
	p.wake()
}

// toRestart reports whether what runs now was asked to make room for another one.
func (p *process) toRestart() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.renew
}

func (p *process) isWanted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wanted
}

func (p *process) set(state string, pid int, lastError string) {
	p.mu.Lock()
	p.status.State, p.status.PID, p.status.Since = state, pid, time.Now()
	if lastError != "" {
		p.status.LastError = lastError
	}
	if state == stateCrashed {
		p.status.Restarts++
	}
	p.mu.Unlock()
	p.onChange()
}

// run owns the component until ctx ends. Its thread is locked: on Linux the child is killed when the thread that
// started it ends, which is how a killed supervisor takes its components with it (prctl(2), PR_SET_PDEATHSIG).
func (p *process) run(ctx context.Context) {
	runtime.LockOSThread()
	backoff := firstBackoff
	for {
		for !p.isWanted() {
			p.settleStopped()
			select {
			case <-ctx.Done():
				return
			case <-p.kick:
			}
		}
		began := time.Now()
		err := p.once(ctx)
		if !p.isWanted() || ctx.Err() != nil {
			if ctx.Err() != nil {
				p.mu.Lock()
				p.wanted = false
				p.mu.Unlock()
				p.settleStopped()
				return
			}
			continue
		}
		if p.toRestart() {
			continue
		}
		if time.Since(began) > steadyAfter {
			backoff = firstBackoff
		}
		p.log.Warn("component ended; it will be started again", "error", err, "in", backoff)
		p.set(stateCrashed, 0, err.Error())
		select {
		case <-ctx.Done():
		case <-p.kick:
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, lastBackoff)
	}
}

// settleStopped tells those who wait for the end of the component.
func (p *process) settleStopped() {
	p.mu.Lock()
	already := p.status.State == stateStopped
	p.mu.Unlock()
	if !already {
		p.set(stateStopped, 0, "")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.stopped:
	default:
		close(p.stopped)
	}
}

// once runs the component until it ends by itself, is not wanted any more, or ctx ends.
func (p *process) once(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Dir(p.output), 0o700); err != nil {
		return err
	}
	out, err := os.OpenFile(p.output, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := p.command()
	cmd.Args[0] = p.name
	cmd.Env = p.env
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = childAttributes()
	p.mu.Lock()
	p.renew = false // the process that starts now is the new one
	p.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	p.set(stateRunning, cmd.Process.Pid, "")
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			if err == nil {
				err = fmt.Errorf("exit status 0")
			}
			return err
		case <-p.kick:
			if p.isWanted() && !p.toRestart() {
				continue
			}
		case <-ctx.Done():
		}
		return p.terminate(cmd, ended)
	}
}

func (p *process) terminate(cmd *exec.Cmd, ended <-chan error) error {
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return <-ended
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(termGrace):
		p.log.Warn("component did not end in time and is killed", "grace", termGrace)
		if err := cmd.Process.Kill(); err != nil {
			p.log.Warn("kill failed", "error", err)
		}
		return <-ended
	}
}

// owns reports whether the process is a component of this cluster.
func (f folder) owns(pid int) bool {
	return strings.Contains(commandLine(pid), string(f)+string(filepath.Separator))
}
