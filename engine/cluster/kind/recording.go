package kind

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/k8slab/k8slab/engine/cluster/private"
	"github.com/k8slab/k8slab/engine/flock"
	"github.com/k8slab/k8slab/engine/history/recorder"
)

const (
	recorderSocket = "recorder.sock"
	// catchUpTimeout bounds how long CatchUp waits for the record; it takes milliseconds.
	catchUpTimeout = 8 * time.Second
	// recorderTimeout is how long a recorder may take to start or to end.
	recorderTimeout = 10 * time.Second
	// lookForCluster is the time between two looks whether the recorder's cluster is still there.
	lookForCluster = 2 * time.Second
	// lockPatience is how long a recorder that starts waits for its lock, and how long a spawned recorder has until
	// another one is spawned.
	lockPatience = 2 * time.Second
	maxAnswer    = 1 << 16
)

// RunRecorder is the body of the process that runs beside a cluster and records what the cluster goes through. It
// returns the exit code. The containers need no process beside them, but the record does: a change that nobody watches
// is lost.
func RunRecorder(ctx context.Context, args []string) int {
	flags := flag.NewFlagSet("supervise --kind", flag.ContinueOnError)
	dir := flags.String("dir", "", "the cluster's folder")
	if err := flags.Parse(args); err != nil || *dir == "" {
		fmt.Fprintln(os.Stderr, "usage: k8slab supervise --kind --dir DIR (k8slab runs this by itself)")
		return 2
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, cancel := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	signal.Ignore(syscall.SIGHUP) // the terminal that started it may go away
	if err := record(ctx, folder(*dir), log); err != nil {
		log.Error("recorder ends", "error", err)
		return 1
	}
	return 0
}

// record writes the cluster's history until it is told to stop, or until the cluster's description is gone.
func record(ctx context.Context, f folder, log *slog.Logger) error {
	// A command that asks whether a recorder runs holds the lock for a moment; another recorder holds it for good.
	locking, stopLocking := context.WithTimeout(ctx, lockPatience)
	release, err := flock.Wait(locking, f.recorderLock())
	stopLocking()
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("another recorder records this cluster")
	}
	if err != nil {
		return err
	}
	defer release()
	d, err := f.readDescription()
	if err != nil {
		return err
	}
	client, err := clientcmd.BuildConfigFromFlags("", f.identity("historian"))
	if err != nil {
		return err
	}
	kinds, err := recorder.Kinds(d.Spec.History...)
	if err != nil {
		return err
	}
	r, err := recorder.Open(recorder.Config{Client: client, Dir: f.recording(), Kinds: kinds, Log: log})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	end, err := serveRecorder(f, r, cancel, log)
	if err != nil {
		return err
	}
	defer end()
	var beside sync.WaitGroup
	beside.Go(func() { endWithCluster(ctx, f, cancel) })
	defer beside.Wait()
	return r.Run(ctx)
}

// endWithCluster ends the recorder when the description is gone: somebody removed the folder, and nobody will ask for
// the record.
func endWithCluster(ctx context.Context, f folder, end func()) {
	tick := time.NewTicker(lookForCluster)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := os.Stat(f.descriptionFile()); errors.Is(err, fs.ErrNotExist) {
			end()
			return
		}
	}
}

// serveRecorder answers on a socket that only this user can open.
func serveRecorder(f folder, r *recorder.Recorder, stop func(), log *slog.Logger) (end func(), err error) {
	path, err := private.Socket(string(f), recorderSocket)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hello", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /stop", func(http.ResponseWriter, *http.Request) { stop() })
	mux.HandleFunc("POST /catch-up", func(w http.ResponseWriter, req *http.Request) {
		ctx, cancel := context.WithTimeout(req.Context(), catchUpTimeout)
		defer cancel()
		if err := r.CatchUp(ctx); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("recorder's socket", "error", err)
		}
	}()
	return func() { server.Close() }, nil
}

// tellRecorder sends a command to the recorder. An error means that no recorder runs, or that the recorder failed.
func (f folder) tellRecorder(ctx context.Context, command string) error {
	socket, err := private.Socket(string(f), recorderSocket)
	if err != nil {
		return err
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
		DisableKeepAlives: true,
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://recorder/"+command, nil)
	if err != nil {
		return err
	}
	answer, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(said)))
	}
	return err
}

// recorded reports whether a recorder runs.
func (f folder) recorded() bool {
	held, err := flock.Held(f.recorderLock())
	return err == nil && held
}

// startRecorder starts a recorder if none runs, and returns when the recorder answers.
func (p *Provider) startRecorder(ctx context.Context, f folder) error {
	var spawned time.Time
	err := wait.PollUntilContextTimeout(ctx, poll, recorderTimeout, true, func(ctx context.Context) (bool, error) {
		if f.tellRecorder(ctx, "hello") == nil {
			return true, nil
		}
		if !f.recorded() && time.Since(spawned) > lockPatience {
			if err := p.spawnRecorder(f); err != nil {
				return false, fmt.Errorf("start the recorder: %w", err)
			}
			spawned = time.Now()
		}
		return false, nil
	})
	if wait.Interrupted(err) {
		return fmt.Errorf("the recorder does not answer; its log is %s: %w", f.recorderLog(), err)
	}
	return err
}

// spawnRecorder starts the recorder in a session of its own, so that it survives the terminal.
func (p *Provider) spawnRecorder(f folder) error {
	if err := os.MkdirAll(f.path("logs"), 0o700); err != nil {
		return err
	}
	out, err := os.OpenFile(f.recorderLog(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(p.recorder[0], append(p.recorder[1:], "--dir", string(f))...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // otherwise an ended recorder would stay a zombie as long as this process lives
	return nil
}

// endRecorder stops the recorder, and waits until it has closed its files.
func (p *Provider) endRecorder(ctx context.Context, f folder) error {
	ctx, cancel := context.WithTimeout(ctx, recorderTimeout)
	defer cancel()
	if !f.recorded() {
		return nil
	}
	if err := f.tellRecorder(ctx, "stop"); err != nil {
		return fmt.Errorf("stop the recorder: %w", err)
	}
	release, err := flock.Wait(ctx, f.recorderLock())
	if err != nil {
		return fmt.Errorf("wait for the recorder to stop: %w", err)
	}
	release()
	return nil
}

// Recording implements cluster.Recorder.
func (p *Provider) Recording(_ context.Context, name string) (string, error) {
	return p.folder(name).recording(), nil
}

// CatchUp implements cluster.Recorder. A recorder that has died is started again first; the record then tells of the
// gap. While the control plane is off, there is nothing to record.
func (p *Provider) CatchUp(ctx context.Context, name string) error {
	f := p.folder(name)
	if _, err := f.readDescription(); err != nil {
		return err
	}
	if !f.recorded() {
		containers, err := f.containers(ctx)
		if err != nil {
			return err
		}
		if !f.controlPlaneRuns(containers) {
			return isOff(name)
		}
	}
	if err := p.startRecorder(ctx, f); err != nil {
		return err
	}
	if err := f.tellRecorder(ctx, "catch-up"); err != nil {
		return fmt.Errorf("waiting for the history to catch up: %w", err)
	}
	return nil
}
