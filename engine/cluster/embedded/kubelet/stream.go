package kubelet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	"k8s.io/utils/exec"

	"github.com/k8slab/k8slab/engine/cluster/embedded/kubelet/command"
)

// The kubelet's defaults for streams (pkg/kubelet/server/server.go and cri/streaming).
const (
	streamIdle     = 4 * time.Hour
	streamCreation = remotecommand.DefaultStreamCreationTimeout
)

// session is one exec, attach or port-forward to a pod.
type session struct {
	server *server
	pod    *corev1.Pod
	// container is nil for a port-forward.
	container *container
}

// sessionOf returns the session that the request asks for, or answers why there can be none.
func (s *server) sessionOf(w http.ResponseWriter, r *http.Request) *session {
	pod := s.podOf(w, r)
	if pod == nil {
		return nil
	}
	name := r.PathValue("container")
	c := containerOf(pod, name)
	status := containerStatus(&pod.Status, name)
	if c == nil || status == nil || status.State.Running == nil {
		http.Error(w, fmt.Sprintf("container not found (%q)", name), http.StatusInternalServerError)
		return nil
	}
	return &session{server: s, pod: pod, container: c}
}

func (s *server) serveExec(w http.ResponseWriter, r *http.Request) {
	session := s.sessionOf(w, r)
	if session == nil {
		return
	}
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	remotecommand.ServeExec(w, r, session, session.pod.Name, string(session.pod.UID), session.container.Name,
		r.URL.Query()["command"], options, streamIdle, streamCreation, remotecommand.SupportedStreamingProtocols)
}

func (s *server) serveAttach(w http.ResponseWriter, r *http.Request) {
	session := s.sessionOf(w, r)
	if session == nil {
		return
	}
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	remotecommand.ServeAttach(w, r, session, session.pod.Name, string(session.pod.UID), session.container.Name,
		options, streamIdle, streamCreation, remotecommand.SupportedStreamingProtocols)
}

func (s *server) servePortForward(w http.ResponseWriter, r *http.Request) {
	pod := s.podOf(w, r)
	if pod == nil {
		return
	}
	options, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	portforward.ServePortForward(w, r, &session{server: s, pod: pod}, pod.Name, string(pod.UID), options,
		streamIdle, streamCreation, portforward.SupportedProtocols)
}

// ExecInContainer implements remotecommand.Executor. It runs nothing: the answers are those of package command.
func (s *session) ExecInContainer(ctx context.Context, _, _, _ string, cmd []string, in io.Reader, out, errOut io.WriteCloser, tty bool, _ <-chan remotecommand.TerminalSize, _ time.Duration) error {
	ctx, cancel := s.server.untilStopped(ctx, keyOf(s.pod), s.pod.UID, s.container.Name)
	defer cancel()
	commands, where := s.server.kubelet.commands, inside(s.pod, *s.container)
	if n := s.server.kubelet.nodes[s.pod.Spec.NodeName]; n != nil {
		where.Host = command.HostFilesOf(s.pod, s.container.Container, n.identity().Files)
	}
	if errOut == nil {
		errOut = out
	}
	if in != nil && commands.IsInteractive(cmd) {
		return exitStatus(commands.Prompt(ctx, in, out, where, tty))
	}
	// A command may wait for its input, which ends when this function has returned.
	answered := make(chan command.Outcome, 1)
	go func() { answered <- commands.Run(cmd, where, in) }()
	var result command.Outcome
	select {
	case result = <-answered:
	case <-ctx.Done():
		return exitStatus(137)
	}
	if result.Takes > 0 {
		timer := time.NewTimer(result.Takes)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return exitStatus(137)
		}
	}
	command.Write(out, result.Stdout, tty)
	command.Write(errOut, result.Stderr, tty)
	return exitStatus(result.Code)
}

// exitStatus is what tells a client the exit code of its command.
func exitStatus(code int) error {
	if code == 0 {
		return nil
	}
	return exec.CodeExitError{Err: fmt.Errorf("command terminated with exit code %d", code), Code: code}
}

// AttachContainer implements remotecommand.Attacher: what the container writes from now on, until it ends.
func (s *session) AttachContainer(ctx context.Context, _, _, _ string, _ io.Reader, out, errOut io.WriteCloser, tty bool, _ <-chan remotecommand.TerminalSize) error {
	if out == nil {
		out = errOut
	}
	if out == nil {
		out = discard{}
	}
	command.Write(out, "k8slab: this container is simulated; what it says from now on follows / このコンテナーは模擬実行です。以後の出力を表示します\n", tty)
	return s.server.copyLog(ctx, out, s.pod, s.container.Name, logOptions{follow: true, tail: new(int64)})
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) Close() error                { return nil }

// PortForward implements portforward.PortForwarder. A declared port answers HTTP with a page that says what it is.
func (s *session) PortForward(_ context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
	defer stream.Close()
	if !s.listens(port) {
		return fmt.Errorf("failed to connect to localhost:%d inside namespace of pod %s: connect: connection refused "+
			"(the pod is simulated and answers on the containerPorts that it declares)", port, s.pod.Name)
	}
	reader := bufio.NewReader(stream)
	for {
		request, err := http.ReadRequest(reader)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			_, _ = io.WriteString(stream, "k8slab: this port is simulated and speaks only HTTP/1\n")
			return nil
		}
		_, _ = io.Copy(io.Discard, request.Body)
		body := fmt.Sprintf("k8slab: pod %s/%s is simulated and answers with this page on port %d.\n"+
			"このポッドは模擬実行で、ポート %[3]d ではこの文だけを返します。\n", s.pod.Namespace, s.pod.Name, port)
		_, err = fmt.Fprintf(stream, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		if err != nil || request.Close {
			return nil
		}
	}
}

func (s *session) listens(port int32) bool {
	for _, c := range containersOf(s.pod) {
		for _, p := range c.Ports {
			if p.ContainerPort == port {
				return true
			}
		}
	}
	return false
}
