package embedded

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/k8slab/k8slab/engine/cluster"
)

const controlSocketName = "control.sock"

// maxBehaviors bounds what a lab may declare; content has a limit of its own below this.
const maxBehaviors = 1 << 20

// status is what a supervisor says of itself.
type status struct {
	PID        int                 `json:"pid"`
	Components []cluster.Component `json:"components"`
	// Ready: the API server answers, and all simulated nodes were registered.
	Ready bool `json:"ready"`
	// APIReady is when the API server first answered /readyz, measured from the supervisor's start; zero if not yet.
	APIReady time.Duration `json:"apiReadyNs"`
	// Fatal is set when the supervisor has given up and is about to end.
	Fatal string `json:"fatal,omitempty"`
}

// controlSocket answers the commands of a person's k8slab, on a socket that only this user can open.
func (s *supervisor) controlSocket() part { return part{"control socket", s.serveControl} }

func (s *supervisor) serveControl(ctx context.Context) (stop func(), err error) {
	path, err := s.folder.socket(controlSocketName)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
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
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		writeStatus(w, s.status())
	})
	// GET /ready answers as soon as the cluster is ready or the supervisor has given up.
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-s.ready:
		case <-s.failed:
		case <-r.Context().Done():
		}
		writeStatus(w, s.status())
	})
	mux.HandleFunc("POST /stop", func(w http.ResponseWriter, r *http.Request) {
		s.requestStop()
		writeStatus(w, s.status())
	})
	act := func(pattern string, do func(*http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := do(r); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			writeStatus(w, s.status())
		})
	}
	act("POST /components/{name}/{action}", func(r *http.Request) error {
		return s.switchComponent(r.Context(), r.PathValue("name"), r.PathValue("action"))
	})
	act("POST /checkpoints/{name}/{action}", func(r *http.Request) error {
		return s.switchCheckpoint(r.Context(), r.PathValue("name"), r.PathValue("action"))
	})
	act("POST /nodes/{name}/{action}", func(r *http.Request) error {
		return s.simulation.act(r.PathValue("name"), r.PathValue("action"), r.URL.Query())
	})
	act("POST /history/catch-up", func(r *http.Request) error { return s.catchUp(r.Context()) })
	act("POST /behaviors", func(r *http.Request) error {
		documents, err := io.ReadAll(io.LimitReader(r.Body, maxBehaviors))
		if err != nil {
			return err
		}
		return s.simulation.setBehaviors(documents)
	})
	mux.HandleFunc("POST /upgrade", s.serveUpgrade)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("control socket", "error", err)
		}
	}()
	return func() { srv.Close() }, nil
}

func (s *supervisor) status() status {
	st := status{PID: os.Getpid()}
	for _, p := range s.components() {
		st.Components = append(st.Components, p.snapshot())
	}
	select {
	case <-s.ready:
		st.Ready = true
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Fatal, st.APIReady = s.fatal, s.apiReady
	return st
}

func writeStatus(w http.ResponseWriter, s status) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s) // whoever asked has gone
}

// control speaks to the supervisor of the folder. An error means that none answers.
func (f folder) control(ctx context.Context, method, path string) (*status, error) {
	return f.controlWith(ctx, method, path, nil)
}

// request sends a request to the supervisor of the folder; an answer other than 200 is an error. The body is the
// caller's to close.
func (f folder) request(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	socket, err := f.socket(controlSocketName)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
		DisableKeepAlives: true,
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://supervisor"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil || res.StatusCode == http.StatusOK {
		return res, err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("supervisor: %s", strings.TrimSpace(string(said)))
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

func (f folder) controlWith(ctx context.Context, method, path string, body []byte) (*status, error) {
	res, err := f.request(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var s status
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&s); err != nil {
		return nil, fmt.Errorf("supervisor's answer: %w", err)
	}
	return &s, nil
}
