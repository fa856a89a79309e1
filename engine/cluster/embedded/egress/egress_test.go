package egress

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// serve starts a proxy on a socket of the test and returns a connection to it.
func serve(t *testing.T, dial func(ctx context.Context, addr string) (net.Conn, error)) net.Conn {
	t.Helper()
	dir, err := os.MkdirTemp("", "egress")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, listener, dial) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve returned %v, want nil after its context ended", err)
		}
	})
	client, err := net.Dial("unix", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestServe(t *testing.T) {
	t.Run("joins the client with what dial returns for the address that it asked for", func(t *testing.T) {
		asked := make(chan string, 1)
		client := serve(t, func(_ context.Context, addr string) (net.Conn, error) {
			asked <- addr
			near, far := net.Pipe()
			go func() {
				defer far.Close()
				_, _ = io.Copy(far, far)
			}()
			return near, nil
		})
		_, _ = io.WriteString(client, "CONNECT 10.240.0.4:10250 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
		reader := bufio.NewReader(client)
		response, err := http.ReadResponse(reader, nil)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("response %v, error %v; want 200", response, err)
		}
		if got := <-asked; got != "10.240.0.4:10250" {
			t.Errorf("dialled %q, want the address of the request line", got)
		}
		_, _ = io.WriteString(client, "hello")
		echo := make([]byte, 5)
		if _, err := io.ReadFull(reader, echo); err != nil || string(echo) != "hello" {
			t.Errorf("echo %q, error %v", echo, err)
		}
	})

	t.Run("ends a server that writes its last words and reads no more", func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		client := serve(t, func(context.Context, string) (net.Conn, error) { return near, nil })
		_, _ = io.WriteString(client, "CONNECT 10.240.0.4:10250 HTTP/1.1\r\nHost: x\r\n\r\nwhat nobody reads")
		if _, err := http.ReadResponse(bufio.NewReader(client), nil); err != nil {
			t.Fatal(err)
		}
		_ = client.Close()
		_ = far.SetWriteDeadline(time.Now().Add(10 * time.Second))
		var err error
		for err == nil {
			_, err = io.WriteString(far, "bye")
		}
		if !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("writing ended with %v, want a closed connection", err)
		}
	})

	refusals := []struct {
		name, request, want string
	}{
		{"tells in the status line why an address is refused", "CONNECT 10.240.0.9:10250 HTTP/1.1\r\nHost: x\r\n\r\n", "502 no node is at 10.240.0.9:10250"},
		{"refuses every method but CONNECT", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "405 this proxy only answers CONNECT"},
	}
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			client := serve(t, func(_ context.Context, addr string) (net.Conn, error) {
				return nil, errors.New("no node\nis at " + addr)
			})
			_, _ = io.WriteString(client, tt.request)
			response, err := http.ReadResponse(bufio.NewReader(client), nil)
			if err != nil {
				t.Fatal(err)
			}
			if response.Status != tt.want {
				t.Errorf("status %q, want %q", response.Status, tt.want)
			}
		})
	}
}

func TestWriteConfigurationSendsClusterTrafficThroughTheSocketAndKeepsTheFilePrivate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "egress.yaml")
	if err := WriteConfiguration(file, "/run/a b/s"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v; want 0600", info.Mode(), err)
	}
	data, _ := os.ReadFile(file)
	var got selectorConfiguration
	if err := yaml.UnmarshalStrict(data, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.EgressSelections) != 1 || got.EgressSelections[0].Name != "cluster" || got.EgressSelections[0].Connection.Transport.UDS.UDSName != "/run/a b/s" {
		t.Errorf("configuration %+v", got)
	}
	if !strings.Contains(string(data), "apiserver.k8s.io/v1beta1") {
		t.Errorf("no API version in %s", data)
	}
}
